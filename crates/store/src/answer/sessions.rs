//! Which sessions have an event in a view.

use std::collections::BTreeMap;

use admintrail_event::{PanelName, SessionHash};
use hashbrown::HashSet;

use super::sieve::{Sieve, Verdict};
use crate::derived::Derived;
use crate::mirror::Snapshot;
use crate::query::{SessionRow, SessionsPage, View};

/// Sessions by panel and hash.
pub(crate) type Wanted = HashSet<(PanelName, SessionHash)>;

/// The sessions that are wanted, latest first.
pub(crate) fn sessions(
    derived: &Derived,
    wanted: &Wanted,
    offset: usize,
    limit: usize,
) -> SessionsPage {
    let by_session: HashSet<SessionHash> = wanted.iter().map(|(_, session)| *session).collect();
    let mut rows: Vec<&SessionRow> = by_session
        .iter()
        .flat_map(|session| derived.sessions.get(session))
        .filter(|row| wanted.contains(&(row.panel.clone(), row.session)))
        .collect();
    rows.sort_unstable_by(|a, b| b.last.cmp(&a.last).then_with(|| a.session.cmp(&b.session)));
    SessionsPage {
        total: rows.len() as u64,
        sessions: rows.into_iter().skip(offset).take(limit).cloned().collect(),
    }
}

/// How many of the wanted sessions nobody is known of, by panel.
pub(crate) fn nameless(derived: &Derived, wanted: &Wanted) -> BTreeMap<PanelName, u64> {
    let mut counts = BTreeMap::new();
    for (panel, session) in wanted {
        let rows = derived.sessions.get(session).iter();
        let named = |row: &&SessionRow| row.panel == *panel && row.admin.is_none();
        if rows.filter(named).count() == 0 {
            continue;
        }
        match counts.get_mut(panel) {
            Some(count) => *count += 1,
            None => _ = counts.insert(panel.clone(), 1),
        }
    }
    counts
}

/// The sessions with an event in the view.
pub(crate) fn sessions_in(snapshot: &Snapshot, view: &View) -> Wanted {
    let sieve = Sieve::new(view);
    let mut wanted = Wanted::new();
    for chunk in &snapshot.chunks {
        let codes: HashSet<(usize, usize)> = sieve
            .sift(chunk)
            .visible
            .iter()
            .filter_map(|row| chunk.panel().codes.of(row).zip(chunk.session().codes.of(row)))
            .collect();
        if codes.is_empty() {
            continue;
        }
        let sessions: Vec<[u8; 16]> = chunk.session().values().collect();
        wanted.extend(codes.into_iter().filter_map(|(panel, session)| {
            let panel = chunk.panel().value(panel)?.parse().ok()?;
            Some((panel, SessionHash(*sessions.get(session)?)))
        }));
    }
    for event in &snapshot.newest {
        if let Some(session) = event.draft.session
            && sieve.judge(event) == Verdict::Visible
        {
            wanted.insert((event.draft.panel.clone(), session));
        }
    }
    wanted
}
