//! Every event of a view, oldest first, a thousand at a time.
//!
//! Sealed groups are opened when their first row may be the next one, a span of their time after the
//! other, so that late events hold only their own few rows in memory.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

use admintrail_event::{Event, Micros};
use hashbrown::HashMap;

use super::page::position_of;
use super::sieve::{Sieve, Verdict};
use super::sweep::{GroupRef, groups_of};
use crate::StoreError;
use crate::columns::Chunk;
use crate::mirror::Snapshot;
use crate::query::{Position, View};

/// Events handed out at once.
const CHUNK: usize = 1_000;
/// Events that are made at once: those of one group cost little more together than alone.
const MADE: usize = 8_192;

/// Where a row is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Chunk(u32, u32),
    Newest(u32),
    Group(u32, u32),
}

/// From one moment; the filter need not live on.
pub(crate) fn scan(snapshot: Snapshot, view: &View) -> Scan {
    let (groups, _) = groups_of(&snapshot, view);
    let mut spans: Vec<(i64, i64, u32)> = groups
        .iter()
        .zip(0..)
        .flat_map(|(group, at)| group.spans().iter().map(move |(from, to)| (*from, *to, at)))
        .collect();
    spans.sort_unstable_by(|a, b| b.cmp(a));
    let mut scan = Scan {
        groups,
        spans,
        open: BinaryHeap::new(),
        made: VecDeque::new(),
        chunks: snapshot.chunks,
        newest: snapshot.newest,
        view: view.clone(),
        failed: false,
    };
    scan.open_hot();
    scan
}

/// The rest of a scan.
pub(crate) struct Scan {
    groups: Vec<GroupRef>,
    /// From when to when which group has rows; the earliest is the last.
    spans: Vec<(i64, i64, u32)>,
    /// Rows that are known and not made into events yet.
    open: BinaryHeap<Reverse<(Position, Place)>>,
    made: VecDeque<Event>,
    chunks: Vec<Arc<Chunk>>,
    newest: Vec<Arc<Event>>,
    view: View,
    failed: bool,
}

fn small(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

impl Scan {
    fn open_hot(&mut self) {
        let sieve = Sieve::new(&self.view);
        for (part, chunk) in self.chunks.iter().enumerate() {
            let rows = sieve.sift(chunk).visible;
            self.open.extend(rows.iter().map(|row| {
                let place = Place::Chunk(small(part), small(row));
                Reverse((chunk.position(row), place))
            }));
        }
        for (row, event) in self.newest.iter().enumerate() {
            if sieve.judge(event) == Verdict::Visible {
                let place = Place::Newest(small(row));
                self.open.push(Reverse((position_of(event), place)));
            }
        }
    }

    /// Opens every span that may hold the next row.
    fn open_due(&mut self) {
        while let Some((from, to, at)) = self.spans.last().copied() {
            let next = self
                .open
                .peek()
                .map(|Reverse((position, _))| position.time.0);
            if next.is_some_and(|next| next < from) {
                return;
            }
            self.spans.pop();
            let Some(chunk) = self.groups.get(at as usize).and_then(GroupRef::chunk) else {
                continue;
            };
            let of_span = View {
                from: Some(
                    self.view
                        .from
                        .map_or(Micros(from), |of| of.max(Micros(from))),
                ),
                to: Some(match self.view.to {
                    Some(end) => end.min(Micros(to.saturating_add(1))),
                    None => Micros(to.saturating_add(1)),
                }),
                ..self.view.clone()
            };
            let rows = Sieve::new(&of_span).sift(&chunk).visible;
            self.open.extend(rows.iter().map(|row| {
                let place = Place::Group(at, small(row));
                Reverse((chunk.position(row), place))
            }));
        }
    }

    fn make(&mut self) {
        let mut places: Vec<Place> = Vec::new();
        while places.len() < MADE {
            self.open_due();
            let Some(Reverse((_, place))) = self.open.pop() else {
                break;
            };
            places.push(place);
        }
        let mut rows: HashMap<u32, Vec<usize>> = HashMap::new();
        for place in &places {
            if let Place::Group(at, row) = place {
                rows.entry(*at).or_default().push(*row as usize);
            }
        }
        let mut sealed: HashMap<(u32, usize), Event> = HashMap::new();
        for (at, mut rows) in rows {
            rows.sort_unstable();
            if let Some(group) = self.groups.get(at as usize) {
                let events = group.segment.events(group.group, &rows);
                let keys = rows.into_iter().map(|row| (at, row));
                sealed.extend(keys.zip(events));
            }
        }
        let (chunks, newest) = (&self.chunks, &self.newest);
        let events = places.into_iter().filter_map(|place| match place {
            Place::Chunk(part, row) => chunks.get(part as usize)?.event(row as usize),
            Place::Newest(row) => newest.get(row as usize).map(|event| Event::clone(event)),
            Place::Group(at, row) => sealed.remove(&(at, row as usize)),
        });
        self.made.extend(events);
    }
}

impl Iterator for Scan {
    type Item = Result<Vec<Event>, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        if self.made.is_empty() {
            self.make();
            // What was handed out cannot be taken back: damage ends it here.
            let damage = self.groups.iter().find_map(|group| group.segment.damage());
            if let Some(error) = damage {
                self.failed = true;
                return Some(Err(error.clone()));
            }
        }
        let end = self.made.len().min(CHUNK);
        let events: Vec<Event> = self.made.drain(..end).collect();
        (!events.is_empty()).then_some(Ok(events))
    }
}
