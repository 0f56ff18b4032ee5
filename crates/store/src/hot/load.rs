//! Reading `trail.db` back into memory, on as many threads as pay off.

use std::num::NonZero;
use std::sync::Arc;

use admintrail_event::{Event, EventId, FirstSet, LogId, Micros, Seq};
use rusqlite::Connection;

use super::database::{Access, Database};
use super::row::decode_body;
use crate::StoreError;
use crate::columns::{CHUNK_ROWS, Chunk};
use crate::derived::Derived;

/// From how many newest events background refreshes are recognised again.
const RECENT: usize = 2 * CHUNK_ROWS;

/// Everything that was stored, ready for queries.
#[derive(Default)]
pub(crate) struct Loaded {
    pub(crate) chunks: Vec<Arc<Chunk>>,
    pub(crate) newest: Vec<Arc<Event>>,
    pub(crate) derived: Derived,
    pub(crate) count: u64,
    pub(crate) last_seq: Seq,
    pub(crate) last_id: Option<EventId>,
    pub(crate) first_received: Option<Micros>,
    pub(crate) last_received: Option<Micros>,
}

/// Reads all events of the log. The last chunk's worth stays as rows.
pub(crate) fn load(database: &Database, access: Access, log: LogId) -> Result<Loaded, StoreError> {
    let connection = database.connect(access)?;
    let Some((first, last)) = database.seqs(&connection)? else {
        return Ok(Loaded::default());
    };
    // Rows of the newest part are few; what is older is cut at multiples of a chunk.
    let total = last.0 - first.0 + 1;
    let whole = (total.saturating_sub(CHUNK_ROWS as u64)) / CHUNK_ROWS as u64;
    let edge = first.0 + whole * CHUNK_ROWS as u64;
    let threads = std::thread::available_parallelism()
        .map_or(1, NonZero::get)
        .min(8) as u64;
    let share = whole.div_ceil(threads).max(1) * CHUNK_ROWS as u64;
    let parts = std::thread::scope(|scope| {
        let workers: Vec<_> = (first.0..edge)
            .step_by(usize::try_from(share).unwrap_or(usize::MAX))
            .map(|from| {
                scope.spawn(move || part(database, access, log, from..(from + share).min(edge)))
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| {
                worker
                    .join()
                    .unwrap_or_else(|_| Err(database.damaged("a row could not be read")))
            })
            .collect::<Result<Vec<_>, _>>()
    })?;
    let mut loaded = Loaded::default();
    for part in parts {
        loaded.chunks.extend(part.chunks);
        loaded.derived.join(part.derived);
        loaded.last_id = loaded.last_id.max(part.last_id);
        loaded.count += part.count;
    }
    let mut newest = Vec::new();
    read(database, &connection, log, edge..last.0 + 1, |event| {
        newest.push(Arc::new(event))
    })?;
    for event in &newest {
        loaded.derived.replay(event);
        loaded.last_id = loaded.last_id.max(Some(event.draft.id));
    }
    loaded.count += newest.len() as u64;
    loaded.first_received = match loaded.chunks.first() {
        Some(chunk) => chunk.received.values().first().map(|at| Micros(*at)),
        None => newest.first().map(|event| event.received),
    };
    loaded.last_seq = last;
    loaded.last_received = newest.last().map(|event| event.received);
    replay_recent(&mut loaded, &newest);
    loaded.newest = newest;
    Ok(loaded)
}

fn replay_recent(loaded: &mut Loaded, newest: &[Arc<Event>]) {
    let mut before = RECENT.saturating_sub(newest.len());
    let mut older: Vec<Event> = Vec::new();
    for chunk in loaded.chunks.iter().rev() {
        let from = chunk.rows.saturating_sub(before);
        let mut rows: Vec<Event> = (from..chunk.rows)
            .filter_map(|row| chunk.event(row))
            .collect();
        before = before.saturating_sub(rows.len());
        rows.append(&mut older);
        older = rows;
        if before == 0 {
            break;
        }
    }
    for event in older.iter().chain(newest.iter().map(AsRef::as_ref)) {
        loaded.derived.replay_recent(event);
    }
}

/// What one thread read.
#[derive(Default)]
struct Part {
    chunks: Vec<Arc<Chunk>>,
    derived: Derived,
    last_id: Option<EventId>,
    count: u64,
}

fn part(
    database: &Database,
    access: Access,
    log: LogId,
    seqs: std::ops::Range<u64>,
) -> Result<Part, StoreError> {
    let connection = database.connect(access)?;
    let mut part = Part::default();
    let mut rows: Vec<Event> = Vec::with_capacity(CHUNK_ROWS);
    read(database, &connection, log, seqs, |event| {
        part.last_id = part.last_id.max(Some(event.draft.id));
        part.derived.replay(&event);
        part.count += 1;
        rows.push(event);
        if rows.len() == CHUNK_ROWS {
            part.chunks.push(Arc::new(Chunk::build(&rows)));
            rows.clear();
        }
    })?;
    if !rows.is_empty() {
        part.chunks.push(Arc::new(Chunk::build(&rows)));
    }
    Ok(part)
}

/// Reads the events of a range of seqs in order.
pub(crate) fn read(
    database: &Database,
    connection: &Connection,
    log: LogId,
    seqs: std::ops::Range<u64>,
    mut take: impl FnMut(Event),
) -> Result<(), StoreError> {
    let wrong = |error: rusqlite::Error| database.opening_error(&error);
    let mut statement = connection
        .prepare_cached(
            "SELECT seq, id, time, received, first, polling, body FROM events
             WHERE seq >= ?1 AND seq < ?2 ORDER BY seq",
        )
        .map_err(wrong)?;
    let bound = |seq: u64| i64::try_from(seq).unwrap_or(i64::MAX);
    let mut rows = statement
        .query([bound(seqs.start), bound(seqs.end)])
        .map_err(wrong)?;
    while let Some(row) = rows.next().map_err(wrong)? {
        let seq: i64 = row.get(0).map_err(wrong)?;
        let event = event_of(log, row).map_err(wrong)?;
        take(event.ok_or_else(|| database.damaged(format!("event {seq} cannot be read")))?);
    }
    Ok(())
}

fn event_of(log: LogId, row: &rusqlite::Row<'_>) -> rusqlite::Result<Option<Event>> {
    let seq: i64 = row.get(0)?;
    let time = Micros(row.get(2)?);
    let first: i64 = row.get(4)?;
    let polling: bool = row.get(5)?;
    let (Ok(id), Ok(body)) = (row.get_ref(1)?.as_blob(), row.get_ref(6)?.as_blob()) else {
        return Ok(None);
    };
    let draft = <[u8; 16]>::try_from(id)
        .ok()
        .and_then(|id| EventId::from_bytes(id).ok())
        .and_then(|id| decode_body(id, time, body));
    let (Some(mut draft), Ok(seq), Ok(first)) = (draft, u64::try_from(seq), u8::try_from(first))
    else {
        return Ok(None);
    };
    draft.polling = polling;
    Ok(Some(Event {
        log,
        seq: Seq(seq),
        received: Micros(row.get(3)?),
        first: FirstSet(first),
        draft,
    }))
}
