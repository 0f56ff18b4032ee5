//! Hot events in memory: chunks of columns, and the newest events as they came; and which segments
//! lie before them, so that one look sees each event once.

use std::sync::Arc;

use admintrail_event::{Event, EventId, Micros, Seq};
use hashbrown::{HashMap, HashSet};
use parking_lot::RwLock;

use crate::answer::{Sieve, Verdict};
use crate::archive::Segments;
use crate::columns::{CHUNK_ROWS, Chunk, Fields};
use crate::query::View;

/// Most of the newest rows that one step of a tail looks at.
const STEP_ROWS: usize = 1_024;

/// What the writer adds to and queries look into.
pub(crate) struct Mirror {
    held: RwLock<Held>,
}

struct Held {
    /// What came before the chunks.
    segments: Segments,
    /// In `seq` order.
    chunks: Vec<Arc<Chunk>>,
    /// What came after the chunks, in `seq` order.
    newest: Vec<Arc<Event>>,
}

/// One moment of the trail; later changes do not show in it.
pub(crate) struct Snapshot {
    /// Sealed events, those of damaged segments left out.
    pub(crate) segments: Segments,
    /// Chunks of hot in `seq` order.
    pub(crate) chunks: Vec<Arc<Chunk>>,
    /// What came after them.
    pub(crate) newest: Vec<Arc<Event>>,
}

impl Mirror {
    pub(crate) fn new(
        segments: Segments,
        chunks: Vec<Arc<Chunk>>,
        newest: Vec<Arc<Event>>,
    ) -> Self {
        Self {
            held: RwLock::new(Held {
                segments,
                chunks,
                newest,
            }),
        }
    }

    /// Adds events that are durable, in `seq` order. Returns whether there is a chunk to make.
    pub(crate) fn add(&self, events: &mut Vec<Arc<Event>>) -> bool {
        let mut held = self.held.write();
        held.newest.append(events);
        held.newest.len() >= 2 * CHUNK_ROWS
    }

    /// Turns the oldest of the newest into chunks. Queries go on meanwhile.
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
            self.make_chunk(&rows);
        }
    }

    /// The same, leaving as little as may be as rows.
    pub(crate) fn make_all_chunks(&self) {
        self.make_chunks();
        let rows: Vec<Arc<Event>> = self.held.read().newest.clone();
        for rows in rows.chunks(CHUNK_ROWS) {
            self.make_chunk(rows);
        }
    }

    fn make_chunk(&self, rows: &[Arc<Event>]) {
        let chunk = Arc::new(Chunk::build(rows));
        let mut held = self.held.write();
        // Another thread may have been faster.
        let first = |event: &Arc<Event>| event.seq;
        if held.newest.first().map(first) != rows.first().map(first) {
            return;
        }
        let count = rows.len().min(held.newest.len());
        let rest = held.newest.split_off(count);
        let gone = std::mem::replace(&mut held.newest, rest);
        held.chunks.push(chunk);
        drop(held);
        drop(gone);
    }

    /// This moment.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let held = self.held.read();
        let mut segments = Arc::clone(&held.segments);
        let (chunks, newest) = (held.chunks.clone(), held.newest.clone());
        drop(held);
        if segments.iter().any(|segment| segment.damage().is_some()) {
            let whole = segments.iter().filter(|segment| segment.damage().is_none());
            segments = whole.cloned().collect();
        }
        Snapshot {
            segments,
            chunks,
            newest,
        }
    }

    /// All segments, damaged ones too.
    pub(crate) fn segments(&self) -> Segments {
        Arc::clone(&self.held.read().segments)
    }

    /// Other segments than before, of the same events.
    pub(crate) fn replace_segments(&self, segments: Segments) {
        self.held.write().segments = segments;
    }

    /// When the last event was accepted.
    pub(crate) fn last_received(&self) -> Option<Micros> {
        let held = self.held.read();
        let newest = held.newest.last().map(|event| event.received);
        let chunk = held.chunks.last();
        let chunk = chunk.and_then(|chunk| chunk.received().values().last().copied().map(Micros));
        let segments = held.segments.iter().map(|segment| segment.head.received.1);
        newest.or(chunk).or(segments.max().map(Micros))
    }

    /// Which of these ids are hot: every part is gone through once, however many are asked for.
    pub(crate) fn seqs_of(&self, ids: &[EventId]) -> HashMap<EventId, Seq> {
        let wanted: HashSet<EventId> = ids.iter().copied().collect();
        let (chunks, newest) = {
            let held = self.held.read();
            (held.chunks.clone(), held.newest.clone())
        };
        let newest = newest.iter().map(|event| (event.draft.id, event.seq));
        let mut found: HashMap<EventId, Seq> =
            newest.filter(|(id, _)| wanted.contains(id)).collect();
        for chunk in &chunks {
            chunk.find(&wanted, &mut found);
        }
        found
    }

    /// How many events are hot.
    pub(crate) fn rows(&self) -> usize {
        let held = self.held.read();
        let chunks = held.chunks.iter().map(|chunk| chunk.rows);
        chunks.sum::<usize>() + held.newest.len()
    }

    /// How many events there are in chunks, and the last seq of those.
    pub(crate) fn chunked(&self) -> (usize, Seq) {
        let held = self.held.read();
        let rows = held.chunks.iter().map(|chunk| chunk.rows).sum();
        let last = held.chunks.last().map_or(Seq(0), |chunk| chunk.seqs().1);
        (rows, last)
    }

    /// The chunks of the events up to a seq, and of the chunk that reaches beyond it the rest.
    pub(crate) fn split(&self, last: Seq) -> (Vec<Arc<Chunk>>, Option<Arc<Chunk>>) {
        let chunks: Vec<Arc<Chunk>> = {
            let held = self.held.read();
            let end = held.chunks.partition_point(|chunk| chunk.seqs().0 <= last);
            held.chunks.iter().take(end).cloned().collect()
        };
        let (mut before, mut rest) = (Vec::with_capacity(chunks.len()), None);
        for chunk in chunks {
            if chunk.seqs().1 <= last {
                before.push(chunk);
            } else {
                let (head, tail) = chunk.split(last);
                before.push(Arc::new(head));
                rest = Some(Arc::new(tail));
            }
        }
        (before, rest)
    }

    /// The events up to a seq are in these segments from now on; `rest` is what [`Self::split`] said.
    pub(crate) fn sealed(&self, last: Seq, segments: Segments, rest: Option<Arc<Chunk>>) {
        let mut held = self.held.write();
        let end = held.chunks.partition_point(|chunk| chunk.seqs().0 <= last);
        let gone: Vec<Arc<Chunk>> = held.chunks.splice(..end, rest).collect();
        let old = std::mem::replace(&mut held.segments, segments);
        drop(held);
        drop((gone, old));
    }

    /// Looks through the next chunk, or the next of the newest rows, after a seq: at most `limit`
    /// events that the sieve lets through, and the seq up to which it has looked.
    pub(crate) fn step(&self, after: Seq, sieve: &Sieve<'_>, limit: usize) -> (Vec<Event>, Seq) {
        let (chunk, rows) = {
            let held = self.held.read();
            let first = held.chunks.partition_point(|chunk| chunk.seqs().1 <= after);
            let sealed = sealed_after(&held.segments, after);
            match (sealed, held.chunks.get(first)) {
                (Some(chunk), _) => (Some(Arc::new(chunk)), Vec::new()),
                (None, Some(chunk)) => (Some(Arc::clone(chunk)), Vec::new()),
                (None, None) => {
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

    /// Calls `each` with the hot events from one seq to another, in their order.
    pub(crate) fn between(&self, (first, last): (Seq, Seq), mut each: impl FnMut(&Fields<'_>)) {
        let (chunks, newest) = {
            let held = self.held.read();
            let from = held.chunks.partition_point(|chunk| chunk.seqs().1 < first);
            let chunks = held.chunks.iter().skip(from);
            let chunks = chunks.take_while(|chunk| chunk.seqs().0 <= last);
            let from = held.newest.partition_point(|event| event.seq < first);
            let newest = held.newest.iter().skip(from);
            let newest = newest.take_while(|event| event.seq <= last);
            (
                chunks.cloned().collect::<Vec<_>>(),
                newest.cloned().collect::<Vec<_>>(),
            )
        };
        for chunk in &chunks {
            let from = chunk.seq().values().partition_point(|seq| *seq < first.0);
            let fields = (from..chunk.rows).map_while(|row| chunk.fields(row));
            for fields in fields.take_while(|fields| fields.seq <= last.0) {
                each(&fields);
            }
        }
        newest
            .iter()
            .for_each(|event| each(&Fields::from(event.as_ref())));
    }

    /// At most `limit` events with a seq above `after`, in `seq` order.
    pub(crate) fn after(&self, after: Seq, limit: usize) -> Vec<Event> {
        let everything = View::default();
        let sieve = Sieve::new(&everything);
        let (mut found, mut seen) = (Vec::new(), after);
        loop {
            let (events, upto) = self.step(seen, &sieve, limit - found.len());
            found.extend(events);
            if found.len() >= limit || upto == seen {
                return found;
            }
            seen = upto;
        }
    }
}

/// The group of the next sealed events after a seq.
fn sealed_after(segments: &Segments, after: Seq) -> Option<Chunk> {
    let first = segments.partition_point(|segment| segment.name.last <= after);
    let whole = segments.iter().skip(first);
    whole
        .filter(|segment| segment.damage().is_none())
        .find_map(|segment| {
            let groups = &segment.head.groups;
            let group = groups.iter().position(|group| group.seqs.1 > after.0)?;
            segment.chunk(group)
        })
}
