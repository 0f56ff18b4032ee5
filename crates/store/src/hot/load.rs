//! Reading `trail.db` back into memory, on as many threads as pay off.

use std::num::NonZero;
use std::ops::Range;
use std::sync::Arc;

use admintrail_event::{Event, EventId, LogId, Micros, Seq};
use rusqlite::Connection;

use super::database::{Access, Database};
use super::row::decode_body;
use crate::StoreError;
use crate::columns::{CHUNK_ROWS, Chunk, ChunkBuilder, Fields};
use crate::derived::{Derived, Hashing};

/// From how many newest events background refreshes are recognised again.
const RECENT: usize = 2 * CHUNK_ROWS;

/// Everything that was stored, ready for queries.
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

impl Loaded {
    /// Of an empty trail.
    pub(crate) fn nothing(hashing: Hashing) -> Self {
        Self {
            chunks: Vec::new(),
            newest: Vec::new(),
            derived: Derived::new(hashing),
            count: 0,
            last_seq: Seq(0),
            last_id: None,
            first_received: None,
            last_received: None,
        }
    }
}

/// Reads all hot events of the log, those from the watermark on. The last chunk's worth stays as rows.
pub(crate) fn load(
    database: &Database,
    access: Access,
    log: LogId,
    watermark: Seq,
    hashing: Hashing,
) -> Result<Loaded, StoreError> {
    let connection = database.connect(access)?;
    let mut loaded = Loaded::nothing(hashing);
    // With nothing in hot, the seq before it was the last.
    loaded.last_seq = Seq(watermark.0.saturating_sub(1));
    let Some((first, last)) = database.seqs(&connection, watermark)? else {
        return Ok(loaded);
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
                let seqs = from..(from + share).min(edge);
                let derived = Derived::new(hashing);
                scope.spawn(move || part(database, access, log, seqs, derived))
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
    for part in parts {
        loaded.chunks.extend(part.chunks);
        loaded.derived.join(part.derived);
        loaded.last_id = loaded.last_id.max(part.last_id);
        loaded.count += part.count;
    }
    let mut newest = Vec::new();
    read(database, &connection, log, edge..last.0 + 1, |event| {
        newest.push(Arc::new(event));
    })?;
    for event in &newest {
        loaded.derived.replay(event);
        loaded.last_id = loaded.last_id.max(Some(event.draft.id));
    }
    loaded.count += newest.len() as u64;
    loaded.first_received = match loaded.chunks.first() {
        Some(chunk) => chunk.received().values().first().map(|at| Micros(*at)),
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
struct Part {
    chunks: Vec<Arc<Chunk>>,
    derived: Derived,
    last_id: Option<EventId>,
    count: u64,
}

impl Part {
    fn take(&mut self, chunk: Chunk) {
        let ids = chunk.id().values().chunks_exact(16);
        let last = ids
            .max()
            .and_then(|id| EventId::from_bytes(id.try_into().ok()?).ok());
        self.last_id = self.last_id.max(last);
        self.count += chunk.rows as u64;
        self.derived.replay_chunk(&chunk);
        self.chunks.push(Arc::new(chunk));
    }
}

fn part(
    database: &Database,
    access: Access,
    log: LogId,
    seqs: std::ops::Range<u64>,
    derived: Derived,
) -> Result<Part, StoreError> {
    let connection = database.connect(access)?;
    let mut part = Part {
        chunks: Vec::new(),
        derived,
        last_id: None,
        count: 0,
    };
    let mut builder = ChunkBuilder::default();
    read_rows(database, &connection, seqs, |fields| {
        builder.push(fields);
        if builder.is_full() {
            part.take(builder.finish(log));
        }
        Some(())
    })?;
    if builder.rows() > 0 {
        part.take(builder.finish(log));
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
    read_rows(database, connection, seqs, |fields| {
        take(fields.to_event(log)?);
        Some(())
    })
}

/// Hands out the rows of a range of seqs in order; `take` says `None` to one that is no event.
fn read_rows(
    database: &Database,
    connection: &Connection,
    seqs: std::ops::Range<u64>,
    mut take: impl FnMut(&Fields<'_>) -> Option<()>,
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
        let taken = fields_of(row)
            .filter(Fields::are_sound)
            .and_then(|fields| take(&fields));
        if taken.is_none() {
            let seq: i64 = row.get(0).map_err(wrong)?;
            return Err(database.damaged(format!("event {seq} cannot be read")));
        }
    }
    Ok(())
}

/// Rows as they are in the database, whatever they say: in order, their bodies one after the other.
#[derive(Default)]
pub(crate) struct RawRows {
    rows: Vec<RawRow>,
    bodies: Vec<u8>,
}

#[derive(Clone)]
struct RawRow {
    seq: u64,
    /// `None` for what is no row of an event.
    event: Option<RawEvent>,
}

#[derive(Clone)]
struct RawEvent {
    id: [u8; 16],
    numbers: (i64, i64, u8, bool),
    body: Range<usize>,
}

impl RawRows {
    pub(crate) const fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.rows.clear();
        self.bodies.clear();
    }

    /// The first and the last seq.
    pub(crate) fn seqs(&self) -> Option<(Seq, Seq)> {
        let (first, last) = (self.rows.first()?, self.rows.last()?);
        Some((Seq(first.seq), Seq(last.seq)))
    }

    fn push(&mut self, row: &rusqlite::Row<'_>) -> rusqlite::Result<()> {
        let seq = u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0);
        let event = self.event(row);
        self.rows.push(RawRow { seq, event });
        Ok(())
    }

    fn event(&mut self, row: &rusqlite::Row<'_>) -> Option<RawEvent> {
        let id = row.get_ref(1).ok()?.as_blob().ok()?.try_into().ok()?;
        let numbers = (
            row.get(2).ok()?,
            row.get(3).ok()?,
            row.get(4).ok()?,
            row.get(5).ok()?,
        );
        let body = row.get_ref(6).ok()?.as_blob().ok()?;
        let start = self.bodies.len();
        self.bodies.extend_from_slice(body);
        Some(RawEvent {
            id,
            numbers,
            body: start..self.bodies.len(),
        })
    }

    /// Those after a seq.
    pub(crate) fn after(&self, seq: Seq) -> Self {
        let at = self.rows.partition_point(|row| row.seq <= seq.0);
        let mut after = Self::default();
        for row in self.rows.get(at..).unwrap_or_default() {
            let mut row = row.clone();
            if let Some(event) = &mut row.event {
                let start = after.bodies.len();
                let body = self.bodies.get(event.body.clone()).unwrap_or_default();
                after.bodies.extend_from_slice(body);
                event.body = start..after.bodies.len();
            }
            after.rows.push(row);
        }
        after
    }

    /// Each seq with what its row says, if that is an event.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Seq, Option<Fields<'_>>)> {
        self.rows.iter().map(|row| (Seq(row.seq), self.fields(row)))
    }

    fn fields(&self, row: &RawRow) -> Option<Fields<'_>> {
        let event = row.event.as_ref()?;
        let (time, received, first, polling) = event.numbers;
        Some(Fields {
            seq: row.seq,
            id: event.id,
            time,
            received,
            first,
            polling,
            ..decode_body(self.bodies.get(event.body.clone())?)?
        })
    }
}

/// Reads every row from a seq on, in order. `take` is handed so many at a time; it may leave others to be
/// filled anew.
pub(crate) fn read_raw_rows(
    connection: &Connection,
    from: Seq,
    at_once: usize,
    mut take: impl FnMut(&mut RawRows) -> Result<(), StoreError>,
) -> rusqlite::Result<Result<(), StoreError>> {
    let mut statement = connection.prepare_cached(
        "SELECT seq, id, time, received, first, polling, body FROM events
         WHERE seq >= ?1 ORDER BY seq",
    )?;
    let mut rows = statement.query([i64::try_from(from.0).unwrap_or(i64::MAX)])?;
    let mut read = RawRows::default();
    while let Some(row) = rows.next()? {
        read.push(row)?;
        if read.len() >= at_once {
            if let Err(error) = take(&mut read) {
                return Ok(Err(error));
            }
            read.clear();
        }
    }
    if read.is_empty() {
        return Ok(Ok(()));
    }
    Ok(take(&mut read))
}

fn fields_of<'r>(row: &'r rusqlite::Row<'_>) -> Option<Fields<'r>> {
    let body = row.get_ref(6).ok()?.as_blob().ok()?;
    Some(Fields {
        seq: u64::try_from(row.get::<_, i64>(0).ok()?).ok()?,
        id: row.get_ref(1).ok()?.as_blob().ok()?.try_into().ok()?,
        time: row.get(2).ok()?,
        received: row.get(3).ok()?,
        first: row.get(4).ok()?,
        polling: row.get(5).ok()?,
        ..decode_body(body)?
    })
}
