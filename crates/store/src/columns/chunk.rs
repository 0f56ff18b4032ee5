//! Events of one log as columns: up to 4,096 in memory, a row group of a sealed segment otherwise.

use std::fmt;
use std::sync::{Arc, OnceLock};

use admintrail_event::{Event, EventId, LogId, Micros, Seq};
use arrow_array::{
    Array, BooleanArray, FixedSizeBinaryArray, Int64Array, UInt8Array, UInt16Array, UInt64Array,
};

use hashbrown::{HashMap, HashSet};

use super::column::{Column, Data, Numbers, Source};
use super::dictionary::{TextColumn, WideColumn};
use super::fields::Fields;
use crate::query::Position;

/// The columns, in `seq` order. Those of a sealed one are read when they are first asked for; one
/// that cannot be read has no values: its segment says so, and what was answered is asked again
/// without it.
pub(crate) struct Chunk {
    pub(crate) log: LogId,
    pub(crate) rows: usize,
    /// Smallest and largest time.
    pub(crate) times: (Micros, Micros),
    seqs: (Seq, Seq),
    cells: [OnceLock<Arc<Data>>; Column::ALL.len()],
    source: Option<Arc<dyn Source>>,
    /// Smallest and largest id.
    ids: OnceLock<Option<([u8; 16], [u8; 16])>>,
}

impl fmt::Debug for Chunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Chunk({}..={})", self.seqs.0.0, self.seqs.1.0)
    }
}

/// A method a column, named as the field of the event.
macro_rules! columns {
    ($($name:ident: $column:ident -> $kind:ident($type:ty);)*) => {
        $(
            pub(crate) fn $name(&self) -> &$type {
                match self.data(Column::$column) {
                    Data::$kind(values) => values,
                    _ => unreachable!("a column holds what Column::holds says"),
                }
            }
        )*
    };
}

impl Chunk {
    /// Of columns that are all there, in the order of [`Column::ALL`].
    pub(crate) fn of(
        log: LogId,
        times: (Micros, Micros),
        seqs: (Seq, Seq),
        rows: usize,
        columns: [Data; Column::ALL.len()],
    ) -> Self {
        Self {
            log,
            rows,
            times,
            seqs,
            cells: columns.map(|data| OnceLock::from(Arc::new(data))),
            source: None,
            ids: OnceLock::new(),
        }
    }

    /// Of columns that are read when they are asked for.
    pub(crate) fn lazy(
        log: LogId,
        times: (Micros, Micros),
        seqs: (Seq, Seq),
        rows: usize,
        source: Arc<dyn Source>,
    ) -> Self {
        Self {
            log,
            rows,
            times,
            seqs,
            cells: [const { OnceLock::new() }; Column::ALL.len()],
            source: Some(source),
            ids: OnceLock::new(),
        }
    }

    pub(crate) fn data(&self, column: Column) -> &Data {
        #[expect(clippy::indexing_slicing, reason = "a cell a column")]
        self.cells[column as usize].get_or_init(|| {
            let source = self.source.as_ref();
            source
                .and_then(|source| source.load(column))
                .unwrap_or_else(|| Arc::new(Data::missing(column, self.rows)))
        })
    }

    columns! {
        id: Id -> Ids(FixedSizeBinaryArray);
        seq: Seq -> Whole(UInt64Array);
        time: Time -> Times(Int64Array);
        received: Received -> Times(Int64Array);
        kind: Kind -> Codes(UInt8Array);
        known_by: KnownBy -> Codes(UInt8Array);
        request_type: RequestType -> Codes(UInt8Array);
        outcome: Outcome -> Codes(UInt8Array);
        ending: Ending -> Codes(UInt8Array);
        first: First -> Codes(UInt8Array);
        asset: Asset -> Flags(BooleanArray);
        polling: Polling -> Flags(BooleanArray);
        status: Status -> Status(UInt16Array);
        count: Count -> Numbers(Numbers);
        duration_us: DurationUs -> Numbers(Numbers);
        request_bytes: RequestBytes -> Numbers(Numbers);
        response_bytes: ResponseBytes -> Numbers(Numbers);
        path_bytes: PathBytes -> Numbers(Numbers);
        query_bytes: QueryBytes -> Numbers(Numbers);
        agent_bytes: AgentBytes -> Numbers(Numbers);
        recorder_epoch: RecorderEpoch -> Whole(UInt64Array);
        recorder_seq: RecorderSeq -> Whole(UInt64Array);
        ip: Ip -> Wide(WideColumn);
        session: Session -> Wide(WideColumn);
        panel: Panel -> Texts(TextColumn);
        recorder: Recorder -> Texts(TextColumn);
        admin: Admin -> Texts(TextColumn);
        admin_name: AdminName -> Texts(TextColumn);
        attempted: Attempted -> Texts(TextColumn);
        acting_as: ActingAs -> Texts(TextColumn);
        user_agent: UserAgent -> Texts(TextColumn);
        method: Method -> Texts(TextColumn);
        scheme: Scheme -> Texts(TextColumn);
        host: Host -> Texts(TextColumn);
        path: Path -> Texts(TextColumn);
        query: Query -> Texts(TextColumn);
        route: Route -> Texts(TextColumn);
        action: Action -> Texts(TextColumn);
        object: Object -> Texts(TextColumn);
    }

    /// Place of a row in the total order. Rows past the end read as the last possible place.
    pub(crate) fn position(&self, row: usize) -> Position {
        let (Some(time), Some(seq)) = (self.time().values().get(row), self.seq().values().get(row))
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

    /// Adds the events of those of the wanted ids that are here.
    pub(crate) fn find(&self, wanted: &HashSet<EventId>, found: &mut HashMap<EventId, Seq>) {
        let all = || self.id().value_data().chunks_exact(16);
        let bytes = |id: &[u8]| <[u8; 16]>::try_from(id).unwrap_or_default();
        let ids = self
            .ids
            .get_or_init(|| Some((bytes(all().min()?), bytes(all().max()?))));
        let Some((least, largest)) = ids else { return };
        let may = |id: &EventId| (least..=largest).contains(&id.as_bytes());
        if !wanted.iter().any(may) {
            return;
        }
        for (id, seq) in all().zip(self.seq().values()) {
            if let Ok(id) = EventId::from_bytes(bytes(id))
                && wanted.contains(&id)
            {
                found.insert(id, Seq(*seq));
            }
        }
    }

    /// The seqs of the first and the last row.
    pub(crate) const fn seqs(&self) -> (Seq, Seq) {
        self.seqs
    }

    /// One row; `None` past the end.
    pub(crate) fn fields(&self, row: usize) -> Option<Fields<'_>> {
        if row >= self.rows {
            return None;
        }
        Some(Fields {
            id: self.id().value(row).try_into().ok()?,
            seq: self.seq().value(row),
            time: self.time().value(row),
            received: self.received().value(row),
            first: self.first().value(row),
            polling: self.polling().value(row),
            asset: self.asset().value(row),
            kind: self.kind().value(row),
            known_by: self.known_by().value(row),
            request_type: self.request_type().value(row),
            outcome: self.outcome().value(row),
            ending: self.ending().value(row),
            recorder_epoch: self.recorder_epoch().value(row),
            recorder_seq: self.recorder_seq().value(row),
            count: self.count().get(row),
            status: self
                .status()
                .is_valid(row)
                .then(|| self.status().value(row)),
            duration_us: self.duration_us().get(row),
            request_bytes: self.request_bytes().get(row),
            response_bytes: self.response_bytes().get(row),
            path_bytes: self.path_bytes().get_u32(row),
            query_bytes: self.query_bytes().get_u32(row),
            agent_bytes: self.agent_bytes().get_u32(row),
            ip: self.ip().get(row),
            session: self.session().get(row),
            panel: self.panel().get(row)?,
            recorder: self.recorder().get(row).unwrap_or_default(),
            admin: self.admin().get(row),
            admin_name: self.admin_name().get(row),
            attempted: self.attempted().get(row),
            acting_as: self.acting_as().get(row),
            user_agent: self.user_agent().get(row),
            method: self.method().get(row).unwrap_or_default(),
            scheme: self.scheme().get(row),
            host: self.host().get(row),
            path: self.path().get(row).unwrap_or_default(),
            query: self.query().get(row),
            route: self.route().get(row),
            action: self.action().get(row).unwrap_or_default(),
            object: self.object().get(row),
        })
    }

    /// One row as an event; `None` past the end.
    pub(crate) fn event(&self, row: usize) -> Option<Event> {
        self.fields(row)?.to_event(self.log)
    }
}
