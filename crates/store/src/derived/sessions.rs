//! Sessions, and when each admin was last seen.

use std::sync::Arc;

use hashbrown::HashMap;

use admintrail_event::{
    Event, Ip, Kind, KnownBy, Micros, Outcome, PanelName, SessionHash, Step, is_safe_method,
};

use super::shared;
use serde::{Deserialize, Serialize};

use crate::columns::Chunk;
use crate::erasure::Person;
use crate::folding;
use crate::query::{ActiveAdmin, SessionRow};

/// Most addresses of a session that are kept.
const MOST_IPS: usize = 16;

/// Sessions by hash, and admins by id.
#[derive(Default)]
pub(crate) struct Sessions {
    /// One row a panel: a hash means nothing outside the panel whose cookie it is of.
    sessions: HashMap<SessionHash, Vec<SessionRow>>,
    admins: HashMap<Arc<str>, Last>,
}

struct Last {
    name: Option<Arc<str>>,
    at: Micros,
    panel: PanelName,
    /// When the admin signed out last.
    out: Option<Micros>,
}

impl Sessions {
    pub(crate) fn count(&mut self, event: &Event) {
        let draft = &event.draft;
        // An attempt is nobody's doing, whatever cookie came with it.
        if draft.kind != Kind::Request || draft.known_by == KnownBy::Attempt {
            return;
        }
        let time = Micros(believable(draft.time.0, event.received.0));
        let folded = folding::folds(draft);
        let out = draft.outcome == Outcome::Success && draft.action == Step::SIGNED_OUT;
        if !folded && let Some(admin) = draft.admin.as_deref() {
            let name = draft.admin_name.as_deref();
            self.saw(admin, name, time, &draft.panel, out.then_some(time));
        }
        let Some(hash) = draft.session else { return };
        let row = self.row(hash, &draft.panel, time);
        row.start = row.start.min(time);
        if time >= row.last {
            row.last = time;
            if draft.admin.is_some() {
                row.admin.clone_from(&draft.admin);
                row.admin_name.clone_from(&draft.admin_name);
            }
            if let Some(agent) = draft.user_agent.as_deref() {
                row.user_agent = Some(shared(row.user_agent.as_ref(), agent));
            }
        }
        if row.admin.is_none() && draft.admin.is_some() {
            row.admin.clone_from(&draft.admin);
            row.admin_name.clone_from(&draft.admin_name);
        }
        if folded {
            row.folded += 1;
        } else {
            row.requests += 1;
            row.acted = row.acted.max(Some(time));
            row.named = row.named.max(draft.admin.as_ref().map(|_| time));
        }
        row.signed_out = row.signed_out.max(out.then_some(time));
        row.changes +=
            u64::from(draft.outcome == Outcome::Success && !is_safe_method(&draft.method));
        row.denied += u64::from(draft.outcome == Outcome::Denied);
        if let Some(ip) = draft.ip {
            newest_first(&mut row.ips, ip);
        }
    }

    /// The row of a session of a panel; a new one begins at `time`.
    fn row(&mut self, session: SessionHash, panel: &PanelName, time: Micros) -> &mut SessionRow {
        let rows = self.sessions.entry(session).or_default();
        let at = match rows.iter().position(|row| row.panel == *panel) {
            Some(at) => at,
            None => {
                rows.push(SessionRow {
                    session,
                    panel: panel.clone(),
                    admin: None,
                    admin_name: None,
                    start: time,
                    last: time,
                    requests: 0,
                    folded: 0,
                    changes: 0,
                    denied: 0,
                    ips: Vec::new(),
                    user_agent: None,
                    acted: None,
                    named: None,
                    signed_out: None,
                });
                rows.len() - 1
            }
        };
        #[expect(clippy::indexing_slicing, reason = "found or pushed just now")]
        &mut rows[at]
    }

    /// Counts all events of a chunk: by code first, then each session and admin once.
    pub(crate) fn count_chunk(&mut self, chunk: &Chunk) {
        let mut sessions: HashMap<(usize, usize), Counted> = HashMap::new();
        let mut admins: Vec<Option<(i64, usize)>> = vec![None; chunk.admin().len()];
        let mut outs: Vec<Option<i64>> = vec![None; chunk.admin().len()];
        let signed_out = chunk
            .action()
            .values()
            .position(|text| text == Step::SIGNED_OUT);
        let unsafe_ones: Vec<bool> = chunk
            .method()
            .values()
            .map(|m| !is_safe_method(m))
            .collect();
        for row in 0..chunk.rows {
            let is_attempt = chunk.known_by().values().get(row) == Some(&KnownBy::Attempt.code());
            if chunk.kind().values().get(row) != Some(&Kind::Request.code()) || is_attempt {
                continue;
            }
            let (Some(time), Some(received)) = (
                chunk.time().values().get(row),
                chunk.received().values().get(row),
            ) else {
                continue;
            };
            let time = believable(*time, *received);
            let folded = folding::folds_row(chunk, row);
            let admin = chunk.admin().codes.of(row);
            if !folded
                && let Some(last) = admin.and_then(|admin| admins.get_mut(admin))
                && last.is_none_or(|(at, _)| time >= at)
            {
                *last = Some((time, row));
            }
            let outcome = chunk.outcome().value(row);
            let out = signed_out.is_some()
                && chunk.action().codes.of(row) == signed_out
                && outcome == Outcome::Success.code();
            if !folded
                && out
                && let Some(last) = admin.and_then(|admin| outs.get_mut(admin))
            {
                *last = (*last).max(Some(time));
            }
            let key = chunk
                .session()
                .codes
                .of(row)
                .zip(chunk.panel().codes.of(row));
            let Some(key) = key else { continue };
            let counted = sessions
                .entry(key)
                .or_insert_with(|| Counted::new(row, time));
            let is_unsafe = chunk
                .method()
                .codes
                .of(row)
                .and_then(|m| unsafe_ones.get(m))
                == Some(&true);
            counted.start = counted.start.min(time);
            let newest = time >= counted.last;
            if newest {
                counted.last = time;
                counted.agent_row = chunk
                    .user_agent()
                    .codes
                    .of(row)
                    .map(|_| row)
                    .or(counted.agent_row);
            }
            if admin.is_some() && (newest || counted.admin_row.is_none()) {
                counted.admin_row = Some(row);
            }
            if !folded {
                counted.acted = counted.acted.max(Some(time));
                counted.named = counted.named.max(admin.map(|_| time));
            }
            counted.signed_out = counted.signed_out.max(out.then_some(time));
            counted.requests += u64::from(!folded);
            counted.folded += u64::from(folded);
            counted.changes += u64::from(is_unsafe && outcome == Outcome::Success.code());
            counted.denied += u64::from(outcome == Outcome::Denied.code());
            if let Some(ip) = chunk.ip().get(row) {
                newest_first(&mut counted.ips, Ip(ip));
            }
        }
        let hashes: Vec<[u8; 16]> = chunk.session().values().collect();
        for ((session, _), counted) in sessions {
            let hash = hashes.get(session).copied().map(SessionHash);
            if let Some(row) = hash.and_then(|hash| counted.into_row(hash, chunk)) {
                self.add(row);
            }
        }
        for (last, out) in admins.into_iter().zip(outs) {
            if let Some((at, row)) = last
                && let Some(fields) = chunk.fields(row)
                && let (Some(admin), Ok(panel)) = (fields.admin, fields.panel.parse())
            {
                let out = out.map(Micros);
                self.saw(admin, fields.admin_name, Micros(at), &panel, out);
            }
        }
    }

    fn add(&mut self, row: SessionRow) {
        let rows = self.sessions.entry(row.session).or_default();
        match rows.iter_mut().find(|ours| ours.panel == row.panel) {
            Some(ours) => join_rows(ours, row),
            None => rows.push(row),
        }
    }

    fn saw(
        &mut self,
        admin: &str,
        name: Option<&str>,
        at: Micros,
        panel: &PanelName,
        out: Option<Micros>,
    ) {
        if let Some(last) = self.admins.get_mut(admin) {
            last.out = last.out.max(out);
            if at >= last.at {
                last.at = at;
                if last.panel != *panel {
                    last.panel.clone_from(panel);
                }
                last.name = name.map(|name| shared(last.name.as_ref(), name));
            }
            return;
        }
        let last = Last {
            name: name.map(Arc::from),
            at,
            panel: panel.clone(),
            out,
        };
        self.admins.insert(Arc::from(admin), last);
    }

    /// The sessions of this hash, the panel that had it first at the front.
    pub(crate) fn get(&self, session: &SessionHash) -> &[SessionRow] {
        self.sessions.get(session).map_or(&[], Vec::as_slice)
    }

    /// Every row.
    pub(crate) fn into_rows(self) -> impl Iterator<Item = SessionRow> {
        self.sessions.into_values().flatten()
    }

    #[cfg(test)]
    pub(crate) fn all(&self) -> impl Iterator<Item = &SessionRow> {
        self.sessions.values().flatten()
    }

    pub(crate) fn active(&self, since: Micros) -> Vec<ActiveAdmin> {
        let seen = self.admins.iter().filter(|(_, last)| last.at >= since);
        let mut active = Vec::new();
        // Whose last word was a sign-out may still be at work in another session.
        let mut left: HashMap<&str, &Last> = HashMap::new();
        for (admin, last) in seen {
            if last.out.is_some_and(|out| out >= last.at) {
                left.insert(admin, last);
            } else {
                active.push(last.told(admin, last.at, &last.panel));
            }
        }
        if !left.is_empty() {
            active.extend(self.at_work(&left, since));
        }
        active.sort_by(|a, b| b.last.cmp(&a.last).then_with(|| a.admin.cmp(&b.admin)));
        active
    }

    /// Which of these admins have an active session, and where they did something last.
    fn at_work(&self, admins: &HashMap<&str, &Last>, since: Micros) -> Vec<ActiveAdmin> {
        let mut latest: HashMap<&str, (Micros, &PanelName)> = HashMap::new();
        for row in self.sessions.values().flatten() {
            let Some((admin, at)) = row.admin.as_deref().zip(row.acted) else {
                continue;
            };
            if row.is_active(since) && admins.contains_key(admin) {
                let best = latest.entry(admin).or_insert((at, &row.panel));
                // By panel where the time is the same, so that the answer is always the same.
                *best = (*best).max((at, &row.panel));
            }
        }
        let told = |(admin, (at, panel))| admins.get(admin).map(|last| last.told(admin, at, panel));
        latest.into_iter().filter_map(told).collect()
    }

    /// Joins what was counted from other events.
    pub(crate) fn join(&mut self, other: Self) {
        for theirs in other.sessions.into_values().flatten() {
            self.add(theirs);
        }
        self.join_admins(Self {
            admins: other.admins,
            ..Self::default()
        });
    }

    /// Joins who was seen when, and nothing else.
    pub(crate) fn join_admins(&mut self, other: Self) {
        for (admin, theirs) in other.admins {
            let name = theirs.name.as_deref();
            self.saw(&admin, name, theirs.at, &theirs.panel, theirs.out);
        }
    }

    /// Other sessions than before; who was seen when stays.
    pub(crate) fn replace(&mut self, sessions: Self) {
        let old = std::mem::replace(self, sessions);
        self.join_admins(old);
    }

    /// When a person was seen is known of the pseudonym alone from now on. The sessions are those of hot:
    /// nothing that is erased is among them.
    pub(crate) fn erase(&mut self, person: &Person) {
        let theirs = self.admins.extract_if(|admin, _| person.is(admin));
        let theirs: Vec<Last> = theirs.map(|(_, last)| last).collect();
        for last in theirs {
            let name = last.name.is_some().then_some(&*person.pseudonym);
            self.saw(&person.pseudonym, name, last.at, &last.panel, last.out);
        }
    }

    /// Who was seen when, to be kept.
    pub(super) fn kept_admins(&self) -> Vec<KeptAdmin> {
        let kept = self.admins.iter().map(|(admin, last)| KeptAdmin {
            admin: admin.to_string(),
            name: last.name.as_deref().map(str::to_owned),
            at: last.at.0,
            panel: last.panel.as_str().to_owned(),
            out: last.out.map(|out| out.0),
        });
        kept.collect()
    }

    /// Takes over who was kept.
    pub(super) fn take_admins(&mut self, kept: Vec<KeptAdmin>) {
        for admin in kept {
            if let Ok(panel) = admin.panel.parse() {
                let (name, out) = (admin.name.as_deref(), admin.out.map(Micros));
                self.saw(&admin.admin, name, Micros(admin.at), &panel, out);
            }
        }
    }
}

/// When an admin was last seen, as it is kept.
#[derive(Serialize, Deserialize)]
pub(super) struct KeptAdmin {
    admin: String,
    name: Option<String>,
    at: i64,
    panel: String,
    out: Option<i64>,
}

impl Last {
    fn told(&self, admin: &str, at: Micros, panel: &PanelName) -> ActiveAdmin {
        ActiveAdmin {
            admin: admin.to_owned(),
            admin_name: self.name.as_deref().map(str::to_owned),
            last: at,
            panel: panel.clone(),
        }
    }
}

/// Clocks may differ by this much (µs).
const SKEW: i64 = 5 * 60 * Micros::SECOND;

/// Nobody is active in the future, whatever a sender says: then the time of acceptance counts.
fn believable(time: i64, received: i64) -> i64 {
    if time > received.saturating_add(SKEW) {
        received
    } else {
        time
    }
}

/// What a chunk tells of one session.
#[derive(Clone)]
struct Counted {
    any_row: usize,
    admin_row: Option<usize>,
    agent_row: Option<usize>,
    start: i64,
    last: i64,
    requests: u64,
    folded: u64,
    changes: u64,
    denied: u64,
    ips: Vec<Ip>,
    acted: Option<i64>,
    named: Option<i64>,
    signed_out: Option<i64>,
}

impl Counted {
    fn new(row: usize, time: i64) -> Self {
        Self {
            any_row: row,
            admin_row: None,
            agent_row: None,
            start: time,
            last: time,
            requests: 0,
            folded: 0,
            changes: 0,
            denied: 0,
            ips: Vec::new(),
            acted: None,
            named: None,
            signed_out: None,
        }
    }

    fn into_row(self, session: SessionHash, chunk: &Chunk) -> Option<SessionRow> {
        let admin = self.admin_row.and_then(|row| chunk.fields(row));
        let agent = self.agent_row.and_then(|row| chunk.user_agent().get(row));
        Some(SessionRow {
            session,
            panel: chunk.panel().get(self.any_row)?.parse().ok()?,
            admin: admin.and_then(|fields| fields.admin).map(str::to_owned),
            admin_name: admin
                .and_then(|fields| fields.admin_name)
                .map(str::to_owned),
            start: Micros(self.start),
            last: Micros(self.last),
            requests: self.requests,
            folded: self.folded,
            changes: self.changes,
            denied: self.denied,
            ips: self.ips,
            user_agent: agent.map(Arc::from),
            acted: self.acted.map(Micros),
            named: self.named.map(Micros),
            signed_out: self.signed_out.map(Micros),
        })
    }
}

/// Joins what two parts of the record say of one session.
pub(crate) fn join_rows(ours: &mut SessionRow, theirs: SessionRow) {
    ours.start = ours.start.min(theirs.start);
    ours.requests += theirs.requests;
    ours.folded += theirs.folded;
    ours.changes += theirs.changes;
    ours.denied += theirs.denied;
    ours.acted = ours.acted.max(theirs.acted);
    ours.named = ours.named.max(theirs.named);
    ours.signed_out = ours.signed_out.max(theirs.signed_out);
    let (mut older, newer) = if theirs.last >= ours.last {
        (std::mem::take(&mut ours.ips), theirs.ips)
    } else {
        (theirs.ips, std::mem::take(&mut ours.ips))
    };
    for ip in newer.into_iter().rev() {
        newest_first(&mut older, ip);
    }
    ours.ips = older;
    if theirs.last >= ours.last {
        ours.last = theirs.last;
        ours.user_agent = theirs.user_agent.or(ours.user_agent.take());
        if theirs.admin.is_some() {
            ours.admin = theirs.admin;
            ours.admin_name = theirs.admin_name;
        }
    } else if ours.admin.is_none() {
        ours.admin = theirs.admin;
        ours.admin_name = theirs.admin_name;
    }
}

fn newest_first(ips: &mut Vec<Ip>, ip: Ip) {
    if ips.first() == Some(&ip) {
        return;
    }
    ips.retain(|known| *known != ip);
    ips.insert(0, ip);
    ips.truncate(MOST_IPS);
}
