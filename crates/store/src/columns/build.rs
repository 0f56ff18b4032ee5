//! Events into columns, one row after the other.

use std::borrow::Borrow;

use admintrail_event::{Event, LogId, Micros, Seq};
use arrow_array::{BooleanArray, FixedSizeBinaryArray, UInt8Array, UInt16Array, UInt64Array};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer};

use super::chunk::Chunk;
use super::column::{Data, Numbers};
use super::dictionary::Coder;
use super::fields::Fields;
use super::rowset::CHUNK_ROWS;

/// Collects the rows of one chunk. Rows come in `seq` order.
#[derive(Default)]
pub(crate) struct ChunkBuilder {
    ids: Vec<u8>,
    seq: Vec<u64>,
    time: Vec<i64>,
    received: Vec<i64>,
    first: Vec<u8>,
    kind: Vec<u8>,
    known_by: Vec<u8>,
    request_type: Vec<u8>,
    outcome: Vec<u8>,
    ending: Vec<u8>,
    asset: Vec<bool>,
    polling: Vec<bool>,
    recorder_epoch: Vec<u64>,
    recorder_seq: Vec<u64>,
    status: Vec<Option<u16>>,
    duration_us: Vec<Option<u64>>,
    request_bytes: Vec<Option<u64>>,
    response_bytes: Vec<Option<u64>>,
    count: Vec<Option<u64>>,
    path_bytes: Vec<Option<u64>>,
    query_bytes: Vec<Option<u64>>,
    agent_bytes: Vec<Option<u64>>,
    ip: Coder,
    session: Coder,
    panel: Coder,
    recorder: Coder,
    admin: Coder,
    admin_name: Coder,
    attempted: Coder,
    acting_as: Coder,
    user_agent: Coder,
    method: Coder,
    scheme: Coder,
    host: Coder,
    path: Coder,
    query: Coder,
    route: Coder,
    action: Coder,
    object: Coder,
}

impl ChunkBuilder {
    /// How many rows there are.
    pub(crate) fn rows(&self) -> usize {
        self.seq.len()
    }

    /// Whether no further row fits.
    pub(crate) fn is_full(&self) -> bool {
        self.rows() >= CHUNK_ROWS
    }

    pub(crate) fn push(&mut self, row: &Fields<'_>) {
        self.ids.extend_from_slice(&row.id);
        self.seq.push(row.seq);
        self.time.push(row.time);
        self.received.push(row.received);
        self.first.push(row.first);
        self.kind.push(row.kind);
        self.known_by.push(row.known_by);
        self.request_type.push(row.request_type);
        self.outcome.push(row.outcome);
        self.ending.push(row.ending);
        self.asset.push(row.asset);
        self.polling.push(row.polling);
        self.recorder_epoch.push(row.recorder_epoch);
        self.recorder_seq.push(row.recorder_seq);
        self.status.push(row.status);
        self.duration_us.push(row.duration_us);
        self.request_bytes.push(row.request_bytes);
        self.response_bytes.push(row.response_bytes);
        self.count.push(row.count);
        self.path_bytes.push(row.path_bytes.map(u64::from));
        self.query_bytes.push(row.query_bytes.map(u64::from));
        self.agent_bytes.push(row.agent_bytes.map(u64::from));
        self.ip.push(row.ip.as_ref().map(<[u8; 16]>::as_slice));
        self.session
            .push(row.session.as_ref().map(<[u8; 16]>::as_slice));
        for (coder, text) in [
            (&mut self.panel, Some(row.panel)),
            (&mut self.recorder, Some(row.recorder)),
            (&mut self.admin, row.admin),
            (&mut self.admin_name, row.admin_name),
            (&mut self.attempted, row.attempted),
            (&mut self.acting_as, row.acting_as),
            (&mut self.user_agent, row.user_agent),
            (&mut self.method, Some(row.method)),
            (&mut self.scheme, row.scheme),
            (&mut self.host, row.host),
            (&mut self.path, Some(row.path)),
            (&mut self.query, row.query),
            (&mut self.route, row.route),
            (&mut self.action, Some(row.action)),
            (&mut self.object, row.object),
        ] {
            coder.push(text.map(str::as_bytes));
        }
    }

    /// The chunk, of this log; the builder is empty again.
    pub(crate) fn finish(&mut self, log: LogId) -> Chunk {
        let done = std::mem::take(self);
        let times = (
            Micros(done.time.iter().copied().min().unwrap_or(0)),
            Micros(done.time.iter().copied().max().unwrap_or(0)),
        );
        let seqs = (
            Seq(done.seq.first().copied().unwrap_or(0)),
            Seq(done.seq.last().copied().unwrap_or(0)),
        );
        let rows = done.seq.len();
        let codes = |codes: Vec<u8>| Data::Codes(UInt8Array::new(codes.into(), None));
        let flags =
            |flags: Vec<bool>| Data::Flags(BooleanArray::new(BooleanBuffer::from(flags), None));
        let whole = |numbers: Vec<u64>| Data::Whole(UInt64Array::new(numbers.into(), None));
        let texts = |coder: Coder| Data::Texts(coder.into_texts());
        let ids = FixedSizeBinaryArray::new(16, Buffer::from_vec(done.ids), None);
        let columns = [
            Data::Ids(ids),
            whole(done.seq),
            codes(done.kind),
            numbers(&done.count),
            Data::Times(done.time.into()),
            Data::Times(done.received.into()),
            texts(done.panel),
            texts(done.recorder),
            whole(done.recorder_epoch),
            whole(done.recorder_seq),
            texts(done.admin),
            texts(done.admin_name),
            codes(done.known_by),
            texts(done.attempted),
            texts(done.acting_as),
            Data::Wide(done.ip.into_wide()),
            texts(done.user_agent),
            Data::Wide(done.session.into_wide()),
            codes(done.request_type),
            texts(done.method),
            texts(done.scheme),
            texts(done.host),
            texts(done.path),
            texts(done.query),
            texts(done.route),
            texts(done.action),
            texts(done.object),
            Data::Status(UInt16Array::from(done.status)),
            codes(done.outcome),
            codes(done.ending),
            numbers(&done.duration_us),
            numbers(&done.request_bytes),
            numbers(&done.response_bytes),
            flags(done.asset),
            flags(done.polling),
            codes(done.first),
            numbers(&done.path_bytes),
            numbers(&done.query_bytes),
            numbers(&done.agent_bytes),
        ];
        Chunk::of(log, times, seqs, rows, columns)
    }
}

impl Chunk {
    /// The rows up to a seq, and the others.
    pub(crate) fn split(&self, last: Seq) -> (Self, Self) {
        let mut parts = [ChunkBuilder::default(), ChunkBuilder::default()];
        for fields in (0..self.rows).filter_map(|row| self.fields(row)) {
            let [before, after] = &mut parts;
            let part = if fields.seq <= last.0 { before } else { after };
            part.push(&fields);
        }
        let [mut before, mut after] = parts;
        (before.finish(self.log), after.finish(self.log))
    }

    /// Takes events of one log in `seq` order, at most [`CHUNK_ROWS`].
    pub(crate) fn build<E: Borrow<Event>>(events: &[E]) -> Self {
        let mut builder = ChunkBuilder::default();
        for event in events {
            builder.push(&Fields::from(event.borrow()));
        }
        builder.finish(
            events
                .first()
                .map_or(LogId::default(), |event| event.borrow().log),
        )
    }
}

fn numbers(values: &[Option<u64>]) -> Data {
    if values.iter().all(Option::is_none) {
        return Data::Numbers(Numbers(None));
    }
    let nulls: NullBuffer = values.iter().map(Option::is_some).collect();
    let values: Vec<u64> = values
        .iter()
        .map(|value| value.unwrap_or_default())
        .collect();
    Data::Numbers(Numbers(Some(UInt64Array::new(values.into(), Some(nulls)))))
}
