//! Hot events in memory: sealed chunks of columns, and the newest events as they came.

use std::sync::Arc;

use admintrail_event::{Event, Seq};
use parking_lot::RwLock;

use crate::StoreError;
use crate::archive::Archive;
use crate::columns::{CHUNK_ROWS, Chunk};

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

    /// At most `limit` events with a seq above `after`, in `seq` order.
    pub(crate) fn after(&self, after: Seq, limit: usize) -> Vec<Event> {
        let held = self.held.read();
        let first = held.chunks.partition_point(|chunk| chunk.seqs().1 <= after);
        let mut found: Vec<Event> = held
            .chunks
            .iter()
            .skip(first)
            .flat_map(|chunk| {
                let from = chunk.seq.values().partition_point(|seq| *seq <= after.0);
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
