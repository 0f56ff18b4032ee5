//! Events into columns.

use std::borrow::Borrow;

use admintrail_event::{Event, LogId, Micros};
use arrow_array::{BooleanArray, FixedSizeBinaryArray, UInt8Array, UInt64Array};
use arrow_buffer::{Buffer, NullBuffer, ScalarBuffer};

use super::chunk::{Chunk, Numbers};
use super::dictionary::{Coder, TextColumn, WideColumn};

impl Chunk {
    /// Takes events of one log in `seq` order, at most [`super::CHUNK_ROWS`].
    pub(crate) fn build<E: Borrow<Event>>(events: &[E]) -> Self {
        let log = events
            .first()
            .map_or(LogId::default(), |event| event.borrow().log);
        let rows = || events.iter().map(Borrow::borrow);
        let times = rows().map(|e| e.draft.time);
        let range = (
            times.clone().min().unwrap_or(Micros(0)),
            times.max().unwrap_or(Micros(0)),
        );
        let bytes = |of: fn(&Event) -> u8| rows().map(of).collect::<Vec<u8>>().into();
        let code = |of: fn(&Event) -> u8| UInt8Array::new(bytes(of), None);
        let flags = |of: fn(&Event) -> bool| rows().map(|e| Some(of(e))).collect::<BooleanArray>();
        let text = |of: fn(&Event) -> Option<&str>| texts(events, of);
        let number = |of: fn(&Event) -> Option<u64>| numbers(events, of);
        let whole = |of: fn(&Event) -> u64| UInt64Array::from_iter_values(rows().map(of));
        let ids: Vec<u8> = rows().flat_map(|e| *e.draft.id.as_bytes()).collect();
        Self {
            log,
            rows: events.len(),
            times: range,
            seq: whole(|e| e.seq.0),
            time: rows().map(|e| e.draft.time.0).collect::<Vec<i64>>().into(),
            received: rows().map(|e| e.received.0).collect::<Vec<i64>>().into(),
            id: FixedSizeBinaryArray::new(16, Buffer::from_vec(ids), None),
            kind: code(|e| e.draft.kind.code()),
            known_by: code(|e| e.draft.known_by.code()),
            request_type: code(|e| e.draft.request_type.code()),
            outcome: code(|e| e.draft.outcome.code()),
            ending: code(|e| e.draft.ending.code()),
            first: code(|e| e.first.0),
            asset: flags(|e| e.draft.asset),
            polling: flags(|e| e.draft.polling),
            status: rows().map(|e| e.draft.status).collect(),
            duration_us: number(|e| e.draft.duration_us),
            request_bytes: number(|e| e.draft.request_bytes),
            response_bytes: number(|e| e.draft.response_bytes),
            count: number(|e| e.draft.count),
            path_bytes: number(|e| e.draft.path_bytes.map(u64::from)),
            query_bytes: number(|e| e.draft.query_bytes.map(u64::from)),
            agent_bytes: number(|e| e.draft.agent_bytes.map(u64::from)),
            recorder_epoch: whole(|e| e.draft.recorder_epoch),
            recorder_seq: whole(|e| e.draft.recorder_seq),
            ip: wide(events, |e| e.draft.ip.as_ref().map(|ip| &ip.0)),
            session: wide(events, |e| {
                e.draft.session.as_ref().map(|session| &session.0)
            }),
            panel: text(|e| Some(e.draft.panel.as_str())),
            recorder: text(|e| Some(&e.draft.recorder)),
            admin: text(|e| e.draft.admin.as_deref()),
            admin_name: text(|e| e.draft.admin_name.as_deref()),
            attempted: text(|e| e.draft.attempted.as_deref()),
            acting_as: text(|e| e.draft.acting_as.as_deref()),
            user_agent: text(|e| e.draft.user_agent.as_deref()),
            method: text(|e| Some(&e.draft.method)),
            scheme: text(|e| e.draft.scheme.as_deref()),
            host: text(|e| e.draft.host.as_deref()),
            path: text(|e| Some(&e.draft.path)),
            query: text(|e| e.draft.query.as_deref()),
            route: text(|e| e.draft.route.as_deref()),
            action: text(|e| Some(&e.draft.action)),
            object: text(|e| e.draft.object.as_deref()),
        }
    }
}

fn texts<E: Borrow<Event>>(events: &[E], of: fn(&Event) -> Option<&str>) -> TextColumn {
    let mut coder = Coder::with_rows(events.len());
    for event in events {
        coder.push(of(event.borrow()).map(str::as_bytes));
    }
    coder.into_texts()
}

fn wide<E: Borrow<Event>>(events: &[E], of: fn(&Event) -> Option<&[u8; 16]>) -> WideColumn {
    let mut coder = Coder::with_rows(events.len());
    for event in events {
        coder.push(of(event.borrow()).map(<[u8; 16]>::as_slice));
    }
    coder.into_wide()
}

fn numbers<E: Borrow<Event>>(events: &[E], of: fn(&Event) -> Option<u64>) -> Numbers {
    let values: Vec<Option<u64>> = events.iter().map(|event| of(event.borrow())).collect();
    if values.iter().all(Option::is_none) {
        return Numbers(None);
    }
    let nulls: NullBuffer = values.iter().map(Option::is_some).collect();
    let values: ScalarBuffer<u64> = values.into_iter().map(Option::unwrap_or_default).collect();
    Numbers(Some(UInt64Array::new(values, Some(nulls))))
}
