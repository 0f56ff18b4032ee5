//! What an admin does for the first time in this log.

use hashbrown::{HashMap, HashSet};

use admintrail_event::{Draft, FirstSet, Micros, folded};

use serde::{Deserialize, Serialize};

use super::Hashing;
use crate::columns::{Chunk, TextColumn};
use crate::erasure::Person;

/// What each admin has used so far, by folded id.
pub(crate) struct Firsts {
    hashing: Hashing,
    admins: HashMap<String, Seen>,
}

#[derive(Default)]
struct Seen {
    ips: HashSet<u128>,
    agents: HashSet<u64>,
    routes: HashSet<u64>,
    /// One bit an hour of the day, UTC.
    hours: u32,
}

impl Firsts {
    pub(crate) fn new(hashing: Hashing) -> Self {
        Self {
            hashing,
            admins: HashMap::new(),
        }
    }

    /// Notes the event and returns what is new in it. Nothing is without an admin.
    pub(crate) fn note(&mut self, draft: &Draft) -> FirstSet {
        let Some(admin) = &draft.admin else {
            return FirstSet::default();
        };
        let folded = folded(admin);
        let seen = match self.admins.get_mut(&*folded) {
            Some(seen) => seen,
            None => self.admins.entry_ref(&*folded).or_default(),
        };
        let mut first = FirstSet::default();
        let mut note = |new: bool, what: FirstSet| {
            if new {
                first = first.with(what);
            }
        };
        note(
            draft
                .ip
                .is_some_and(|ip| seen.ips.insert(u128::from_be_bytes(ip.0))),
            FirstSet::IP,
        );
        let hashing = &self.hashing;
        let agent = draft.user_agent.as_deref();
        note(
            agent.is_some_and(|agent| seen.agents.insert(hashing.of(&[agent.as_bytes()]))),
            FirstSet::AGENT,
        );
        let panel = draft.panel.as_str();
        note(
            draft.route.as_deref().is_some_and(|route| {
                seen.routes
                    .insert(route_hash(hashing, panel, &draft.method, route))
            }),
            FirstSet::ROUTE,
        );
        let hour = 1 << hour_of(draft.time);
        note(seen.hours & hour == 0, FirstSet::HOUR);
        seen.hours |= hour;
        first
    }

    /// Notes all events of a chunk: each combination of values once.
    pub(crate) fn note_chunk(&mut self, chunk: &Chunk) {
        let mut hours = vec![0_u32; chunk.admin().len()];
        let mut ips = HashSet::new();
        let mut agents = HashSet::new();
        let mut routes = HashSet::new();
        for (row, time) in chunk.time().values().iter().enumerate() {
            let Some(admin) = chunk.admin().codes.of(row) else {
                continue;
            };
            if let Some(hours) = hours.get_mut(admin) {
                *hours |= 1 << hour_of(Micros(*time));
            }
            ips.extend(chunk.ip().codes.of(row).map(|ip| (admin, ip)));
            agents.extend(chunk.user_agent().codes.of(row).map(|agent| (admin, agent)));
            if let (Some(panel), Some(method), Some(route)) = (
                chunk.panel().codes.of(row),
                chunk.method().codes.of(row),
                chunk.route().codes.of(row),
            ) {
                routes.insert((admin, panel, method, route));
            }
        }
        let admins: Vec<_> = chunk.admin().values().map(folded).collect();
        let mut seen = |admin: usize, note: &mut dyn FnMut(&mut Seen)| {
            if let Some(admin) = admins.get(admin) {
                note(self.admins.entry_ref(&**admin).or_default());
            }
        };
        let addresses: Vec<u128> = chunk.ip().values().map(u128::from_be_bytes).collect();
        for (admin, ip) in ips {
            seen(admin, &mut |seen| seen.ips.extend(addresses.get(ip)));
        }
        let hashing = &self.hashing;
        let text =
            |column: &'_ TextColumn, code: usize| column.value(code).unwrap_or_default().to_owned();
        for (admin, agent) in agents {
            let hash = hashing.of(&[text(chunk.user_agent(), agent).as_bytes()]);
            seen(admin, &mut |seen| seen.agents.extend([hash]));
        }
        for (admin, panel, method, route) in routes {
            let (panel, method) = (text(chunk.panel(), panel), text(chunk.method(), method));
            let hash = route_hash(hashing, &panel, &method, &text(chunk.route(), route));
            seen(admin, &mut |seen| seen.routes.extend([hash]));
        }
        for (admin, hours) in hours
            .into_iter()
            .enumerate()
            .filter(|(_, hours)| *hours != 0)
        {
            seen(admin, &mut |seen| seen.hours |= hours);
        }
    }

    /// Takes back what an event was the first of.
    pub(crate) fn forget(&mut self, draft: &Draft, first: FirstSet) {
        let Some(admin) = &draft.admin else { return };
        let folded = folded(admin);
        let Some(seen) = self.admins.get_mut(&*folded) else {
            return;
        };
        if let (true, Some(ip)) = (first.contains(FirstSet::IP), draft.ip) {
            seen.ips.remove(&u128::from_be_bytes(ip.0));
        }
        if let (true, Some(agent)) = (first.contains(FirstSet::AGENT), &draft.user_agent) {
            seen.agents.remove(&self.hashing.of(&[agent.as_bytes()]));
        }
        if let (true, Some(route)) = (first.contains(FirstSet::ROUTE), &draft.route) {
            let hash = route_hash(&self.hashing, draft.panel.as_str(), &draft.method, route);
            seen.routes.remove(&hash);
        }
        if first.contains(FirstSet::HOUR) {
            seen.hours &= !(1 << hour_of(draft.time));
        }
        if seen.hours == 0 {
            self.admins.remove(&*folded);
        }
    }

    /// What a person has used stays with the pseudonym, but for addresses and agents.
    pub(crate) fn erase(&mut self, person: &Person) {
        let theirs = self.admins.extract_if(|admin, _| person.is(admin));
        let theirs: Vec<Seen> = theirs.map(|(_, seen)| seen).collect();
        for seen in theirs {
            let left = self.admins.entry_ref(&*person.pseudonym).or_default();
            left.routes.extend(seen.routes);
            left.hours |= seen.hours;
        }
    }

    pub(crate) fn knows(&self, folded: &str) -> bool {
        self.admins.contains_key(folded)
    }

    pub(crate) fn join(&mut self, other: Self) {
        for (admin, theirs) in other.admins {
            let seen = self.admins.entry(admin).or_default();
            seen.ips.extend(theirs.ips);
            seen.agents.extend(theirs.agents);
            seen.routes.extend(theirs.routes);
            seen.hours |= theirs.hours;
        }
    }
}

/// What an admin has used, as it is kept.
#[derive(Serialize, Deserialize)]
pub(super) struct KeptFirsts {
    admin: String,
    ips: Vec<[u8; 16]>,
    agents: Vec<u64>,
    routes: Vec<u64>,
    hours: u32,
}

impl Firsts {
    pub(super) fn kept(&self) -> Vec<KeptFirsts> {
        let kept = self.admins.iter().map(|(admin, seen)| KeptFirsts {
            admin: admin.clone(),
            ips: seen.ips.iter().map(|ip| ip.to_be_bytes()).collect(),
            agents: seen.agents.iter().copied().collect(),
            routes: seen.routes.iter().copied().collect(),
            hours: seen.hours,
        });
        kept.collect()
    }

    /// Takes over what was kept; it must have been hashed alike.
    pub(super) fn take(&mut self, kept: Vec<KeptFirsts>) {
        for of in kept {
            let seen = self.admins.entry(of.admin).or_default();
            seen.ips.extend(of.ips.into_iter().map(u128::from_be_bytes));
            seen.agents.extend(of.agents);
            seen.routes.extend(of.routes);
            seen.hours |= of.hours;
        }
    }
}

fn route_hash(hashing: &Hashing, panel: &str, method: &str, route: &str) -> u64 {
    hashing.of(&[panel.as_bytes(), method.as_bytes(), route.as_bytes()])
}

fn hour_of(time: Micros) -> u32 {
    u32::try_from(time.0.div_euclid(3_600 * Micros::SECOND).rem_euclid(24)).unwrap_or(0)
}
