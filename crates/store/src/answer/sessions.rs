//! Which sessions have an event in a view.

use admintrail_event::SessionHash;
use hashbrown::HashSet;

use super::sieve::{Sieve, Verdict};
use crate::derived::Derived;
use crate::mirror::Snapshot;
use crate::query::{SessionRow, SessionsPage, View};

pub(crate) fn sessions(
    snapshot: &Snapshot,
    derived: &Derived,
    view: &View,
    offset: usize,
    limit: usize,
) -> SessionsPage {
    let wanted = in_view(snapshot, view);
    let mut rows: Vec<&SessionRow> = derived
        .sessions
        .all()
        .filter(|row| wanted.contains(&row.session))
        .collect();
    rows.sort_unstable_by(|a, b| b.last.cmp(&a.last).then_with(|| a.session.cmp(&b.session)));
    SessionsPage {
        total: rows.len() as u64,
        sessions: rows.into_iter().skip(offset).take(limit).cloned().collect(),
    }
}

fn in_view(snapshot: &Snapshot, view: &View) -> HashSet<SessionHash> {
    let sieve = Sieve::new(view);
    let mut wanted = HashSet::new();
    for chunk in &snapshot.chunks {
        let rows = sieve.sift(chunk).visible;
        if rows.is_empty() {
            continue;
        }
        let counts = chunk.session.codes.histogram(&rows, chunk.session.len());
        let used = chunk
            .session
            .values()
            .zip(counts)
            .filter(|(_, count)| *count > 0);
        wanted.extend(used.map(|(session, _)| SessionHash(session)));
    }
    for event in &snapshot.newest {
        if let Some(session) = event.draft.session
            && sieve.judge(event) == Verdict::Visible
        {
            wanted.insert(session);
        }
    }
    wanted
}
