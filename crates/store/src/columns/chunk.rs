//! Up to 4,096 events of one log as columns.

use admintrail_event::{Event, LogId, Micros, Seq};
use arrow_array::{
    Array, BooleanArray, FixedSizeBinaryArray, Int64Array, UInt8Array, UInt16Array, UInt64Array,
};

use super::dictionary::{TextColumn, WideColumn};
use super::fields::Fields;
use crate::query::Position;

/// The columns, in `seq` order.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) log: LogId,
    pub(crate) rows: usize,
    /// Smallest and largest time.
    pub(crate) times: (Micros, Micros),
    pub(crate) seq: UInt64Array,
    pub(crate) time: Int64Array,
    pub(crate) received: Int64Array,
    pub(crate) id: FixedSizeBinaryArray,
    pub(crate) kind: UInt8Array,
    pub(crate) known_by: UInt8Array,
    pub(crate) request_type: UInt8Array,
    pub(crate) outcome: UInt8Array,
    pub(crate) ending: UInt8Array,
    pub(crate) first: UInt8Array,
    pub(crate) asset: BooleanArray,
    pub(crate) polling: BooleanArray,
    pub(crate) status: UInt16Array,
    pub(crate) duration_us: Numbers,
    pub(crate) request_bytes: Numbers,
    pub(crate) response_bytes: Numbers,
    pub(crate) count: Numbers,
    pub(crate) path_bytes: Numbers,
    pub(crate) query_bytes: Numbers,
    pub(crate) agent_bytes: Numbers,
    pub(crate) recorder_epoch: UInt64Array,
    pub(crate) recorder_seq: UInt64Array,
    pub(crate) ip: WideColumn,
    pub(crate) session: WideColumn,
    pub(crate) panel: TextColumn,
    pub(crate) recorder: TextColumn,
    pub(crate) admin: TextColumn,
    pub(crate) admin_name: TextColumn,
    pub(crate) attempted: TextColumn,
    pub(crate) acting_as: TextColumn,
    pub(crate) user_agent: TextColumn,
    pub(crate) method: TextColumn,
    pub(crate) scheme: TextColumn,
    pub(crate) host: TextColumn,
    pub(crate) path: TextColumn,
    pub(crate) query: TextColumn,
    pub(crate) route: TextColumn,
    pub(crate) action: TextColumn,
    pub(crate) object: TextColumn,
}

/// A column of numbers that may be missing; it takes no space when all are.
#[derive(Debug)]
pub(crate) struct Numbers(pub(crate) Option<UInt64Array>);

impl Numbers {
    pub(crate) fn get(&self, row: usize) -> Option<u64> {
        let array = self.0.as_ref()?;
        (row < array.len() && array.is_valid(row)).then(|| array.value(row))
    }

    fn get_u32(&self, row: usize) -> Option<u32> {
        self.get(row).and_then(|n| u32::try_from(n).ok())
    }
}

impl Chunk {
    /// Place of a row in the total order. Rows past the end read as the last possible place.
    pub(crate) fn position(&self, row: usize) -> Position {
        let (Some(time), Some(seq)) = (self.time.values().get(row), self.seq.values().get(row))
        else {
            return Position {
                time: Micros(i64::MAX),
                log: self.log,
                seq: Seq(u64::MAX),
            };
        };
        Position {
            time: Micros(*time),
            log: self.log,
            seq: Seq(*seq),
        }
    }

    /// The seqs of the first and the last row.
    pub(crate) fn seqs(&self) -> (Seq, Seq) {
        let values = self.seq.values();
        (
            Seq(values.first().copied().unwrap_or(0)),
            Seq(values.last().copied().unwrap_or(0)),
        )
    }

    /// One row; `None` past the end.
    pub(crate) fn fields(&self, row: usize) -> Option<Fields<'_>> {
        if row >= self.rows {
            return None;
        }
        Some(Fields {
            id: self.id.value(row).try_into().ok()?,
            seq: self.seq.value(row),
            time: self.time.value(row),
            received: self.received.value(row),
            first: self.first.value(row),
            polling: self.polling.value(row),
            asset: self.asset.value(row),
            kind: self.kind.value(row),
            known_by: self.known_by.value(row),
            request_type: self.request_type.value(row),
            outcome: self.outcome.value(row),
            ending: self.ending.value(row),
            recorder_epoch: self.recorder_epoch.value(row),
            recorder_seq: self.recorder_seq.value(row),
            count: self.count.get(row),
            status: self.status.is_valid(row).then(|| self.status.value(row)),
            duration_us: self.duration_us.get(row),
            request_bytes: self.request_bytes.get(row),
            response_bytes: self.response_bytes.get(row),
            path_bytes: self.path_bytes.get_u32(row),
            query_bytes: self.query_bytes.get_u32(row),
            agent_bytes: self.agent_bytes.get_u32(row),
            ip: self.ip.get(row),
            session: self.session.get(row),
            panel: self.panel.get(row)?,
            recorder: self.recorder.get(row).unwrap_or_default(),
            admin: self.admin.get(row),
            admin_name: self.admin_name.get(row),
            attempted: self.attempted.get(row),
            acting_as: self.acting_as.get(row),
            user_agent: self.user_agent.get(row),
            method: self.method.get(row).unwrap_or_default(),
            scheme: self.scheme.get(row),
            host: self.host.get(row),
            path: self.path.get(row).unwrap_or_default(),
            query: self.query.get(row),
            route: self.route.get(row),
            action: self.action.get(row).unwrap_or_default(),
            object: self.object.get(row),
        })
    }

    /// One row as an event; `None` past the end.
    pub(crate) fn event(&self, row: usize) -> Option<Event> {
        self.fields(row)?.to_event(self.log)
    }
}
