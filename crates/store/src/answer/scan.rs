//! Every event of a view, oldest first, a thousand at a time.

use std::sync::Arc;

use admintrail_event::Event;

use super::page::position_of;
use super::sieve::{Sieve, Verdict};
use crate::StoreError;
use crate::columns::Chunk;
use crate::mirror::Snapshot;
use crate::query::{Position, View};

/// Events handed out at once.
const CHUNK: usize = 1_000;

/// The places are found first, so the view need not live on; events are made when they are asked for.
pub(crate) fn scan(snapshot: Snapshot, view: &View) -> Scan {
    let sieve = Sieve::new(view);
    let mut places: Vec<(Position, u32, u32)> = Vec::new();
    let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    for (part, chunk) in snapshot.chunks.iter().enumerate() {
        let rows = sieve.sift(chunk).visible;
        places.extend(
            rows.iter()
                .map(|row| (chunk.position(row), small(part), small(row))),
        );
    }
    for (row, event) in snapshot.newest.iter().enumerate() {
        if sieve.judge(event) == Verdict::Visible {
            places.push((position_of(event), u32::MAX, small(row)));
        }
    }
    places.sort_unstable();
    Scan {
        chunks: snapshot.chunks,
        newest: snapshot.newest,
        places: places.into_iter(),
    }
}

/// The rest of a scan.
pub(crate) struct Scan {
    chunks: Vec<Arc<Chunk>>,
    newest: Vec<Arc<Event>>,
    places: std::vec::IntoIter<(Position, u32, u32)>,
}

impl Iterator for Scan {
    type Item = Result<Vec<Event>, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let places: Vec<_> = self.places.by_ref().take(CHUNK).collect();
        let events: Vec<Event> = places
            .iter()
            .filter_map(|(_, part, row)| match self.chunks.get(*part as usize) {
                Some(chunk) => chunk.event(*row as usize),
                None => self
                    .newest
                    .get(*row as usize)
                    .map(|event| Event::clone(event)),
            })
            .collect();
        (!events.is_empty()).then_some(Ok(events))
    }
}
