//! What an admin does for the first time in this log.

use hashbrown::{HashMap, HashSet};

use admintrail_event::{Draft, FirstSet, Micros, fold};

use super::hash_of;

/// What each admin has used so far, by folded id.
#[derive(Default)]
pub(crate) struct Firsts {
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
    /// Notes the event and returns what is new in it. Nothing is without an admin.
    pub(crate) fn note(&mut self, draft: &Draft) -> FirstSet {
        let Some(admin) = &draft.admin else {
            return FirstSet::default();
        };
        let folded = fold(admin);
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
        let agent = draft.user_agent.as_deref();
        note(
            agent.is_some_and(|agent| seen.agents.insert(hash_of(&[agent.as_bytes()]))),
            FirstSet::AGENT,
        );
        let route = draft.route.as_deref();
        note(
            route.is_some_and(|route| seen.routes.insert(route_hash(draft, route))),
            FirstSet::ROUTE,
        );
        let hour = 1 << hour_of(draft.time);
        note(seen.hours & hour == 0, FirstSet::HOUR);
        seen.hours |= hour;
        first
    }

    /// Takes back what an event was the first of.
    pub(crate) fn forget(&mut self, draft: &Draft, first: FirstSet) {
        let Some(admin) = &draft.admin else { return };
        let folded = fold(admin);
        let Some(seen) = self.admins.get_mut(&*folded) else {
            return;
        };
        if let (true, Some(ip)) = (first.contains(FirstSet::IP), draft.ip) {
            seen.ips.remove(&u128::from_be_bytes(ip.0));
        }
        if let (true, Some(agent)) = (first.contains(FirstSet::AGENT), &draft.user_agent) {
            seen.agents.remove(&hash_of(&[agent.as_bytes()]));
        }
        if let (true, Some(route)) = (first.contains(FirstSet::ROUTE), &draft.route) {
            seen.routes.remove(&route_hash(draft, route));
        }
        if first.contains(FirstSet::HOUR) {
            seen.hours &= !(1 << hour_of(draft.time));
        }
        if seen.hours == 0 {
            self.admins.remove(&*folded);
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

fn route_hash(draft: &Draft, route: &str) -> u64 {
    hash_of(&[
        draft.panel.as_str().as_bytes(),
        draft.method.as_bytes(),
        route.as_bytes(),
    ])
}

fn hour_of(time: Micros) -> u32 {
    u32::try_from(time.0.div_euclid(3_600 * Micros::SECOND).rem_euclid(24)).unwrap_or(0)
}
