//! Sessions, and when each admin was last seen.

use std::sync::Arc;

use hashbrown::HashMap;

use admintrail_event::{Event, Ip, Kind, Micros, Outcome, PanelName, SessionHash, is_safe_method};

use super::shared;
use crate::query::{ActiveAdmin, SessionRow};

/// Most addresses of a session that are kept.
const MOST_IPS: usize = 16;

/// Sessions by hash, and admins by id.
#[derive(Default)]
pub(crate) struct Sessions {
    sessions: HashMap<SessionHash, SessionRow>,
    admins: HashMap<Arc<str>, Last>,
}

struct Last {
    name: Option<Arc<str>>,
    at: Micros,
    panel: PanelName,
}

impl Sessions {
    pub(crate) fn count(&mut self, event: &Event) {
        let draft = &event.draft;
        if draft.kind != Kind::Request {
            return;
        }
        let folded = draft.polling || draft.asset;
        if !folded && let Some(admin) = draft.admin.as_deref() {
            self.saw(admin, draft.admin_name.as_deref(), draft.time, &draft.panel);
        }
        let Some(hash) = draft.session else { return };
        let row = self.sessions.entry(hash).or_insert_with(|| SessionRow {
            session: hash,
            panel: draft.panel.clone(),
            admin: None,
            admin_name: None,
            start: draft.time,
            last: draft.time,
            requests: 0,
            folded: 0,
            changes: 0,
            denied: 0,
            ips: Vec::new(),
            user_agent: None,
        });
        row.start = row.start.min(draft.time);
        if draft.time >= row.last {
            row.last = draft.time;
            if draft.admin.is_some() {
                row.admin.clone_from(&draft.admin);
                row.admin_name.clone_from(&draft.admin_name);
            }
            if let Some(agent) = draft.user_agent.as_deref() {
                row.user_agent = Some(shared(row.user_agent.as_ref(), agent));
            }
        }
        if row.admin.is_none() {
            row.admin.clone_from(&draft.admin);
            row.admin_name.clone_from(&draft.admin_name);
        }
        if folded {
            row.folded += 1;
        } else {
            row.requests += 1;
        }
        row.changes +=
            u64::from(draft.outcome == Outcome::Success && !is_safe_method(&draft.method));
        row.denied += u64::from(draft.outcome == Outcome::Denied);
        if let Some(ip) = draft.ip {
            newest_first(&mut row.ips, ip);
        }
    }

    fn saw(&mut self, admin: &str, name: Option<&str>, at: Micros, panel: &PanelName) {
        if let Some(last) = self.admins.get_mut(admin) {
            if at >= last.at {
                last.at = at;
                if last.panel != *panel {
                    last.panel.clone_from(panel);
                }
                last.name = name
                    .map(|name| shared(last.name.as_ref(), name))
                    .or(last.name.take());
            }
            return;
        }
        let last = Last {
            name: name.map(Arc::from),
            at,
            panel: panel.clone(),
        };
        self.admins.insert(Arc::from(admin), last);
    }

    pub(crate) fn get(&self, session: &SessionHash) -> Option<&SessionRow> {
        self.sessions.get(session)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &SessionRow> {
        self.sessions.values()
    }

    pub(crate) fn active(&self, since: Micros) -> Vec<ActiveAdmin> {
        let mut active: Vec<ActiveAdmin> = self
            .admins
            .iter()
            .filter(|(_, last)| last.at >= since)
            .map(|(admin, last)| ActiveAdmin {
                admin: admin.to_string(),
                admin_name: last.name.as_deref().map(str::to_owned),
                last: last.at,
                panel: last.panel.clone(),
            })
            .collect();
        active.sort_by(|a, b| b.last.cmp(&a.last).then_with(|| a.admin.cmp(&b.admin)));
        active
    }

    /// Joins what was counted from other events.
    pub(crate) fn join(&mut self, other: Self) {
        for (hash, theirs) in other.sessions {
            match self.sessions.get_mut(&hash) {
                Some(ours) => join_rows(ours, theirs),
                None => {
                    self.sessions.insert(hash, theirs);
                }
            }
        }
        for (admin, theirs) in other.admins {
            self.saw(&admin, theirs.name.as_deref(), theirs.at, &theirs.panel);
        }
    }
}

fn join_rows(ours: &mut SessionRow, theirs: SessionRow) {
    ours.start = ours.start.min(theirs.start);
    ours.requests += theirs.requests;
    ours.folded += theirs.folded;
    ours.changes += theirs.changes;
    ours.denied += theirs.denied;
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
