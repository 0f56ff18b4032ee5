//! Up to 4,096 events of one log as columns.

use admintrail_event::{
    Draft, Ending, Event, EventId, FirstSet, Ip, Kind, KnownBy, LogId, Micros, Outcome, PanelName,
    RequestType, Seq, SessionHash,
};
use arrow_array::{
    Array, BooleanArray, FixedSizeBinaryArray, Int64Array, UInt8Array, UInt16Array, UInt64Array,
};

use super::dictionary::{TextColumn, WideColumn};
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

    /// One row as an event; `None` past the end.
    pub(crate) fn event(&self, row: usize) -> Option<Event> {
        if row >= self.rows {
            return None;
        }
        let text = |column: &TextColumn| column.get(row).map(str::to_owned);
        let id: [u8; 16] = self.id.value(row).try_into().ok()?;
        Some(Event {
            log: self.log,
            seq: Seq(self.seq.value(row)),
            received: Micros(self.received.value(row)),
            first: FirstSet(self.first.value(row)),
            draft: Draft {
                id: EventId::from_bytes(id).ok()?,
                kind: Kind::from_code(self.kind.value(row))?,
                count: self.count.get(row),
                time: Micros(self.time.value(row)),
                panel: self.panel.get(row)?.parse::<PanelName>().ok()?,
                recorder: text(&self.recorder).unwrap_or_default(),
                recorder_epoch: self.recorder_epoch.value(row),
                recorder_seq: self.recorder_seq.value(row),
                admin: text(&self.admin),
                admin_name: text(&self.admin_name),
                known_by: KnownBy::from_code(self.known_by.value(row))?,
                attempted: text(&self.attempted),
                acting_as: text(&self.acting_as),
                ip: self.ip.get(row).map(Ip),
                user_agent: text(&self.user_agent),
                session: self.session.get(row).map(SessionHash),
                request_type: RequestType::from_code(self.request_type.value(row))?,
                method: text(&self.method).unwrap_or_default(),
                scheme: text(&self.scheme),
                host: text(&self.host),
                path: text(&self.path).unwrap_or_default(),
                query: text(&self.query),
                route: text(&self.route),
                action: text(&self.action).unwrap_or_default(),
                object: text(&self.object),
                status: self.status.is_valid(row).then(|| self.status.value(row)),
                outcome: Outcome::from_code(self.outcome.value(row))?,
                ending: Ending::from_code(self.ending.value(row))?,
                duration_us: self.duration_us.get(row),
                request_bytes: self.request_bytes.get(row),
                response_bytes: self.response_bytes.get(row),
                asset: self.asset.value(row),
                polling: self.polling.value(row),
                path_bytes: self.path_bytes.get_u32(row),
                query_bytes: self.query_bytes.get_u32(row),
                agent_bytes: self.agent_bytes.get_u32(row),
            },
        })
    }
}
