//! Sessions: those of hot are kept as they grow, those of segments in their summaries; what both say
//! of one session is joined.

use std::collections::BTreeMap;
use std::sync::Arc;

use admintrail_event::{Ip, Micros, PanelName, SessionHash};
use hashbrown::{HashMap, HashSet};
use parking_lot::RwLock;

use super::sweep::{Budget, Coverage, GroupRef, fold_groups, groups_of, newest_in};
use super::tally::is_within;
use crate::archive::{Segment, SessionRecord, has_group};
use crate::columns::{Chunk, RowSet};
use crate::derived::{Sessions, join_rows};
use crate::mirror::Snapshot;
use crate::query::{SessionRow, SessionsPage, View};

/// Sessions by hash and panel.
type Key = ([u8; 16], String);

/// The sessions with an event in the view, latest first; offset and limit.
pub(crate) fn sessions(
    snapshot: &Snapshot,
    hot: &RwLock<Sessions>,
    view: &View,
    (offset, limit): (usize, usize),
    budget: Budget,
) -> SessionsPage {
    let (wanted, coverage) = wanted(snapshot, view, budget);
    let mut last: Vec<(Micros, Key)> = latest(snapshot, hot, &wanted);
    let total = last.len() as u64;
    last.sort_unstable_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let page = last.into_iter().skip(offset).take(limit);
    let rows = page.filter_map(|(_, (hash, panel))| {
        let mut of_hash = session(snapshot, hot, &SessionHash(hash)).into_iter();
        of_hash.find(|row| row.panel.as_str() == panel)
    });
    SessionsPage {
        total,
        sessions: rows.collect(),
        searched: coverage.told(),
    }
}

/// How many of the sessions in the view nobody is known of, by panel.
pub(crate) fn nameless(
    snapshot: &Snapshot,
    hot: &RwLock<Sessions>,
    view: &View,
    budget: Budget,
) -> BTreeMap<PanelName, u64> {
    let (wanted, _) = wanted(snapshot, view, budget);
    // Whether somebody is known of it, for each session that counts as one.
    let mut known: HashMap<Key, bool> = HashMap::new();
    for segment in snapshot.segments.iter() {
        let Some(records) = segment.sessions() else {
            continue;
        };
        for record in records.iter() {
            let key = (record.session, record.panel.clone());
            if wanted.contains(&key) {
                *known.entry(key).or_default() |= record.admin.is_some();
            }
        }
    }
    let hot = hot.read();
    let mut counts = BTreeMap::new();
    for key in wanted {
        for row in hot.get(&SessionHash(key.0)) {
            if row.panel.as_str() == key.1 {
                *known.entry(key.clone()).or_default() |= row.admin.is_some();
            }
        }
        if known.get(&key) == Some(&false)
            && let Ok(panel) = key.1.parse()
        {
            *counts.entry(panel).or_insert(0) += 1;
        }
    }
    counts
}

/// The rows of a session, one a panel; the panel that had it first at the front.
pub(crate) fn session(
    snapshot: &Snapshot,
    hot: &RwLock<Sessions>,
    session: &SessionHash,
) -> Vec<SessionRow> {
    let mut rows: Vec<SessionRow> = Vec::new();
    let mut add = |row: SessionRow| match rows.iter_mut().find(|ours| ours.panel == row.panel) {
        Some(ours) => join_rows(ours, row),
        None => rows.push(row),
    };
    for segment in snapshot.segments.iter() {
        let Some(records) = segment.sessions() else {
            continue;
        };
        let from = records.partition_point(|record| record.session < session.0);
        let records = records.iter().skip(from);
        records
            .take_while(|record| record.session == session.0)
            .filter_map(row_of)
            .for_each(&mut add);
    }
    let hot = hot.read();
    hot.get(session).iter().cloned().for_each(add);
    rows
}

/// The segments that have anything in the view's time.
fn relevant<'s>(snapshot: &'s Snapshot, view: &View) -> impl Iterator<Item = &'s Arc<Segment>> {
    let segments = snapshot.segments.iter();
    segments.filter(|segment| !super::tally::is_outside(segment, view))
}

/// The sessions with an event in the view.
fn wanted(snapshot: &Snapshot, view: &View, budget: Budget) -> (HashSet<Key>, Coverage) {
    let (mut groups, passed) = groups_of(snapshot, view);
    let mut wanted: HashSet<Key> = HashSet::new();
    // Without a word, and with nobody hidden, a record tells whether there is anything to see.
    if view.filter.terms.is_empty() && view.hide.is_empty() {
        let sees = |panel: &str| {
            view.panels.is_empty() || view.panels.iter().any(|may| may.as_str() == panel)
        };
        for segment in relevant(snapshot, view) {
            let whole = GroupRef::all_of(segment).all(|group| is_within(&group, view));
            let Some(records) = segment.sessions().filter(|_| whole) else {
                continue;
            };
            let seen = records
                .iter()
                .filter(|record| (!view.fold || record.plain) && sees(&record.panel));
            wanted.extend(seen.map(|record| (record.session, record.panel.clone())));
            // Where only attempts of a session are, there is no record of it; what counts for it may be
            // in another segment.
            let strays = segment.head.stray_sessions;
            groups.retain(|group| {
                group.segment.name != segment.name || has_group(strays, group.group)
            });
        }
    }
    let (found, coverage) = fold_groups(
        &snapshot.chunks,
        view,
        &groups,
        passed,
        budget,
        HashSet::new,
        |wanted: &mut HashSet<Key>, chunk, visible| add_chunk(wanted, chunk, visible),
    );
    found.into_iter().for_each(|of| wanted.extend(of));
    for event in newest_in(snapshot, view) {
        if let Some(SessionHash(session)) = event.draft.session {
            wanted.insert((session, event.draft.panel.as_str().to_owned()));
        }
    }
    (wanted, coverage)
}

fn add_chunk(wanted: &mut HashSet<Key>, chunk: &Chunk, visible: &RowSet) {
    let (panels, session_codes) = (&chunk.panel().codes, &chunk.session().codes);
    let codes: HashSet<(usize, usize)> = visible
        .iter()
        .filter_map(|row| panels.of(row).zip(session_codes.of(row)))
        .collect();
    if codes.is_empty() {
        return;
    }
    let sessions: Vec<[u8; 16]> = chunk.session().values().collect();
    wanted.extend(codes.into_iter().filter_map(|(panel, session)| {
        let panel = chunk.panel().value(panel)?.to_owned();
        Some((*sessions.get(session)?, panel))
    }));
}

/// When the wanted sessions had their last event; those that count for none are left out.
fn latest(
    snapshot: &Snapshot,
    hot: &RwLock<Sessions>,
    wanted: &HashSet<Key>,
) -> Vec<(Micros, Key)> {
    let mut last: HashMap<&Key, Micros> = HashMap::with_capacity(wanted.len());
    for segment in snapshot.segments.iter() {
        let Some(records) = segment.sessions() else {
            continue;
        };
        for record in records.iter() {
            let key = (record.session, record.panel.clone());
            if let Some(key) = wanted.get(&key) {
                let at = last.entry(key).or_insert(Micros(record.last));
                *at = (*at).max(Micros(record.last));
            }
        }
    }
    let hot = hot.read();
    for key in wanted {
        let rows = hot.get(&SessionHash(key.0)).iter();
        for row in rows.filter(|row| row.panel.as_str() == key.1) {
            let at = last.entry(key).or_insert(row.last);
            *at = (*at).max(row.last);
        }
    }
    last.into_iter()
        .map(|(key, at)| (at, key.clone()))
        .collect()
}

fn row_of(record: &SessionRecord) -> Option<SessionRow> {
    Some(SessionRow {
        session: SessionHash(record.session),
        panel: record.panel.parse().ok()?,
        admin: record.admin.clone(),
        admin_name: record.admin_name.clone(),
        start: Micros(record.start),
        last: Micros(record.last),
        requests: record.requests,
        folded: record.folded,
        changes: record.changes,
        denied: record.denied,
        ips: record.ips.iter().map(|ip| Ip(*ip)).collect(),
        user_agent: record.user_agent.as_deref().map(Arc::from),
        acted: record.acted.map(Micros),
        named: record.named.map(Micros),
        signed_out: record.signed_out.map(Micros),
    })
}
