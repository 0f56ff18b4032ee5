//! What there is of a person, by the whole id.

use std::collections::BTreeSet;

use admintrail_event::{Micros, fold, folded};

use crate::columns::Chunk;
use crate::erasure::Traces;
use crate::mirror::Snapshot;

/// `None` if nobody has the id.
pub(crate) fn traces(snapshot: &Snapshot, admin: &str) -> Option<Traces> {
    let mut found = Found {
        id: fold(admin),
        newest: None,
        own: 0,
        panels: BTreeSet::new(),
        times: None,
    };
    for segment in snapshot.segments.iter() {
        let groups = 0..segment.head.groups.len();
        groups
            .filter_map(|group| segment.chunk(group))
            .for_each(|chunk| found.add(&chunk));
    }
    snapshot.chunks.iter().for_each(|chunk| found.add(chunk));
    if !snapshot.newest.is_empty() {
        found.add(&Chunk::build(&snapshot.newest));
    }
    Some(Traces {
        admin: found.newest?,
        own: found.own,
        panels: found.panels.into_iter().collect(),
        times: found.times?,
    })
}

struct Found {
    id: String,
    newest: Option<String>,
    own: u64,
    panels: BTreeSet<String>,
    times: Option<(Micros, Micros)>,
}

impl Found {
    /// Only the columns that are needed are read.
    fn add(&mut self, chunk: &Chunk) {
        let theirs: Vec<bool> = chunk
            .admin()
            .values()
            .map(|admin| folded(admin) == self.id)
            .collect();
        if !theirs.contains(&true) {
            return;
        }
        let mut newest = None;
        let mut panels = BTreeSet::new();
        for (row, time) in chunk.time().values().iter().enumerate() {
            let admin = chunk.admin().codes.of(row);
            let admin = admin.filter(|admin| theirs.get(*admin) == Some(&true));
            if admin.is_none() {
                continue;
            }
            newest = admin;
            self.own += 1;
            panels.extend(chunk.panel().codes.of(row));
            let time = Micros(*time);
            let (first, last) = self.times.unwrap_or((time, time));
            self.times = Some((first.min(time), last.max(time)));
        }
        let newest = newest.and_then(|code| chunk.admin().value(code));
        self.newest = newest.map(str::to_owned).or(self.newest.take());
        let panels = panels
            .into_iter()
            .filter_map(|code| chunk.panel().value(code));
        self.panels.extend(panels.map(str::to_owned));
    }
}
