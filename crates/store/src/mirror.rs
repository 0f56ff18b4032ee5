//! Hot events in memory: sealed chunks of columns, and the newest events as they came.

use std::sync::Arc;

use admintrail_event::{Event, Seq};
use parking_lot::RwLock;

use crate::StoreError;
use crate::answer::{Sieve, Verdict};
use crate::archive::Archive;
use crate::columns::{CHUNK_ROWS, Chunk};

/// Most of the newest rows that one step of a tail looks at.
const STEP_ROWS: usize = 1_024;

/// What the writer adds to and queries look into.
pub(crate) struct Mirror {
    held: RwLock<Held>,
}

#[derive(Default)]
struct Held {
    /// In `seq` order.
    chunks: Vec<Arc<Chunk>>,
    /// What came after the chunks, in `seq` order.
    newest: Vec<Arc<Event>>,
}

/// One moment of the trail; later changes do not show in it.
pub(crate) struct Snapshot {
    /// Sealed chunks in `seq` order.
    pub(crate) chunks: Vec<Arc<Chunk>>,
    /// What came after them.
    pub(crate) newest: Vec<Arc<Event>>,
}

impl Mirror {
    pub(crate) fn new(chunks: Vec<Arc<Chunk>>, newest: Vec<Arc<Event>>) -> Self {
        Self {
            held: RwLock::new(Held { chunks, newest }),
        }
    }

    /// Adds events that are durable, in `seq` order. Returns whether there is a chunk to make.
    pub(crate) fn add(&self, events: &mut Vec<Arc<Event>>) -> bool {
        let mut held = self.held.write();
        held.newest.append(events);
        held.newest.len() >= 2 * CHUNK_ROWS
    }

    /// Turns the oldest of the newest into chunks. Queries go on meanwhile; one caller at a time.
    pub(crate) fn make_chunks(&self) {
        loop {
            let rows: Vec<Arc<Event>> = {
                let held = self.held.read();
                // A chunk's worth stays as rows, so that this is not done again at once.
                if held.newest.len() < 2 * CHUNK_ROWS {
                    return;
                }
                held.newest.iter().take(CHUNK_ROWS).cloned().collect()
            };
            let chunk = Arc::new(Chunk::build(&rows));
            let mut held = self.held.write();
            let count = rows.len().min(held.newest.len());
            let rest = held.newest.split_off(count);
            let gone = std::mem::replace(&mut held.newest, rest);
            held.chunks.push(chunk);
            drop(held);
            drop(gone);
        }
    }

    /// This moment, with what the archive holds.
    pub(crate) fn snapshot(&self, archive: &dyn Archive) -> Result<Snapshot, StoreError> {
        let mut chunks = Vec::new();
        for segment in archive.segments() {
            for chunk in segment.chunks() {
                chunks.push(chunk?);
            }
        }
        let held = self.held.read();
        chunks.extend(held.chunks.iter().cloned());
        Ok(Snapshot {
            chunks,
            newest: held.newest.clone(),
        })
    }

    /// Looks through the next chunk, or the next of the newest rows, after a seq: at most `limit`
    /// events that the sieve lets through, and the seq up to which it has looked.
    pub(crate) fn step(&self, after: Seq, sieve: &Sieve<'_>, limit: usize) -> (Vec<Event>, Seq) {
        let (chunk, rows) = {
            let held = self.held.read();
            let first = held.chunks.partition_point(|chunk| chunk.seqs().1 <= after);
            match held.chunks.get(first) {
                Some(chunk) => (Some(Arc::clone(chunk)), Vec::new()),
                None => {
                    let from = held.newest.partition_point(|event| event.seq <= after);
                    let rows = held.newest.iter().skip(from).take(STEP_ROWS);
                    (None, rows.cloned().collect::<Vec<_>>())
                }
            }
        };
        // Nothing is held while the filter is asked: it may be a costly one.
        let mut found = Vec::new();
        if let Some(chunk) = chunk {
            let visible = sieve.sift(&chunk).visible;
            let from = chunk.seq().values().partition_point(|seq| *seq <= after.0);
            for row in visible.iter().filter(|row| *row >= from) {
                found.extend(chunk.event(row));
                if let Some(last) = found.last().filter(|_| found.len() >= limit) {
                    let seq = last.seq;
                    return (found, seq);
                }
            }
            return (found, chunk.seqs().1);
        }
        let mut seen = after;
        for event in rows {
            seen = event.seq;
            if sieve.judge(&event) == Verdict::Visible {
                found.push(Event::clone(&event));
                if found.len() >= limit {
                    break;
                }
            }
        }
        (found, seen)
    }

    /// At most `limit` events with a seq above `after`, in `seq` order.
    pub(crate) fn after(&self, after: Seq, limit: usize) -> Vec<Event> {
        let held = self.held.read();
        let first = held.chunks.partition_point(|chunk| chunk.seqs().1 <= after);
        let mut found: Vec<Event> = held
            .chunks
            .iter()
            .skip(first)
            .flat_map(|chunk| {
                let from = chunk.seq().values().partition_point(|seq| *seq <= after.0);
                (from..chunk.rows).filter_map(|row| chunk.event(row))
            })
            .take(limit)
            .collect();
        let from = held.newest.partition_point(|event| event.seq <= after);
        let wanted = limit.saturating_sub(found.len());
        found.extend(
            held.newest
                .iter()
                .skip(from)
                .take(wanted)
                .map(|event| Event::clone(event)),
        );
        found
    }
}
