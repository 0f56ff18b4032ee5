//! What a recorder said of an event, as the bytes of one database column.
//!
//! One column instead of thirty makes a row cheap to write and to read. The first byte is the
//! version; fields follow in a fixed order and are never reordered: a new version adds to the end.

use admintrail_event::Draft;

use crate::columns::Fields;

const VERSION: u8 = 1;

/// Bits of the flags byte.
const ASSET: u8 = 1;
/// The recorder itself said so; what the trail found is a column of its own.
const POLLING: u8 = 2;

/// Appends the body of a draft. Its id and time are columns of their own.
pub(crate) fn encode_body(draft: &Draft, out: &mut Vec<u8>) {
    out.push(VERSION);
    out.extend_from_slice(&[
        draft.kind.code(),
        draft.known_by.code(),
        draft.request_type.code(),
        draft.outcome.code(),
        draft.ending.code(),
        if draft.asset { ASSET } else { 0 } | if draft.polling { POLLING } else { 0 },
    ]);
    number(out, draft.recorder_epoch);
    number(out, draft.recorder_seq);
    optional(out, draft.count);
    optional(out, draft.status.map(u64::from));
    optional(out, draft.duration_us);
    optional(out, draft.request_bytes);
    optional(out, draft.response_bytes);
    optional(out, draft.path_bytes.map(u64::from));
    optional(out, draft.query_bytes.map(u64::from));
    optional(out, draft.agent_bytes.map(u64::from));
    bytes(out, draft.ip.as_ref().map(|ip| ip.0.as_slice()));
    bytes(
        out,
        draft.session.as_ref().map(|session| session.0.as_slice()),
    );
    for text in [
        Some(draft.panel.as_str()),
        Some(&draft.recorder),
        draft.admin.as_deref(),
        draft.admin_name.as_deref(),
        draft.attempted.as_deref(),
        draft.acting_as.as_deref(),
        draft.user_agent.as_deref(),
        Some(&draft.method),
        draft.scheme.as_deref(),
        draft.host.as_deref(),
        Some(&draft.path),
        draft.query.as_deref(),
        draft.route.as_deref(),
        Some(&draft.action),
        draft.object.as_deref(),
    ] {
        bytes(out, text.map(str::as_bytes));
    }
}

/// Reads a body again, borrowing its texts; what has columns of its own is left for the caller to
/// fill. `None` if it is not a body.
pub(crate) fn decode_body(body: &[u8]) -> Option<Fields<'_>> {
    let mut reader = Reader { rest: body };
    if reader.byte()? != VERSION {
        return None;
    }
    let [kind, known_by, request_type, outcome, ending, flags] = reader.array()?;
    let fields = Fields {
        id: [0; 16],
        seq: 0,
        time: 0,
        received: 0,
        first: 0,
        kind,
        known_by,
        request_type,
        outcome,
        ending,
        asset: flags & ASSET != 0,
        polling: flags & POLLING != 0,
        recorder_epoch: reader.number()?,
        recorder_seq: reader.number()?,
        count: reader.optional()?,
        status: narrow(reader.optional()?)?,
        duration_us: reader.optional()?,
        request_bytes: reader.optional()?,
        response_bytes: reader.optional()?,
        path_bytes: narrow(reader.optional()?)?,
        query_bytes: narrow(reader.optional()?)?,
        agent_bytes: narrow(reader.optional()?)?,
        ip: wide(reader.bytes()?)?,
        session: wide(reader.bytes()?)?,
        panel: reader.text()??,
        recorder: reader.text()??,
        admin: reader.text()?,
        admin_name: reader.text()?,
        attempted: reader.text()?,
        acting_as: reader.text()?,
        user_agent: reader.text()?,
        method: reader.text()??,
        scheme: reader.text()?,
        host: reader.text()?,
        path: reader.text()??,
        query: reader.text()?,
        route: reader.text()?,
        action: reader.text()??,
        object: reader.text()?,
    };
    reader.rest.is_empty().then_some(fields)
}

/// LEB128.
fn number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// 0 for none, else a 1 and the number.
fn optional(out: &mut Vec<u8>, value: Option<u64>) {
    match value {
        None => out.push(0),
        Some(value) => {
            out.push(1);
            number(out, value);
        }
    }
}

/// Length plus one, 0 for none, then the bytes.
fn bytes(out: &mut Vec<u8>, value: Option<&[u8]>) {
    match value {
        None => out.push(0),
        Some(value) => {
            number(out, value.len() as u64 + 1);
            out.extend_from_slice(value);
        }
    }
}

fn narrow<T: TryFrom<u64>>(value: Option<u64>) -> Option<Option<T>> {
    value.map_or(Some(None), |value| T::try_from(value).ok().map(Some))
}

fn wide(value: Option<&[u8]>) -> Option<Option<[u8; 16]>> {
    value.map_or(Some(None), |value| value.try_into().ok().map(Some))
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn number(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn optional(&mut self) -> Option<Option<u64>> {
        match self.byte()? {
            0 => Some(None),
            1 => self.number().map(Some),
            _ => None,
        }
    }

    fn bytes(&mut self) -> Option<Option<&'a [u8]>> {
        let Some(length) = self.number()?.checked_sub(1) else {
            return Some(None);
        };
        let (value, rest) = self.rest.split_at_checked(usize::try_from(length).ok()?)?;
        self.rest = rest;
        Some(Some(value))
    }

    fn text(&mut self) -> Option<Option<&'a str>> {
        self.bytes()?.map_or(Some(None), |value| {
            std::str::from_utf8(value).ok().map(Some)
        })
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (value, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*value)
    }
}

#[cfg(test)]
mod tests {
    use admintrail_event::{
        Ending, EventId, KnownBy, LogId, Micros, Outcome, PanelName, SessionHash,
    };

    use super::*;

    fn decoded(id: EventId, time: Micros, body: &[u8]) -> Option<Draft> {
        let fields = Fields {
            id: *id.as_bytes(),
            time: time.0,
            ..decode_body(body)?
        };
        Some(fields.to_event(LogId::default())?.draft)
    }

    #[test]
    fn a_draft_with_every_field_reads_back_and_a_cut_one_does_not() {
        let time = Micros(1_795_000_000_123_456);
        let id = EventId::new(time, [9; 10]);
        let panel: PanelName = "billing".parse().unwrap();
        let mut draft = Draft::request(id, time, panel, "DELETE", "/client/4711");
        draft.known_by = KnownBy::Session;
        draft.outcome = Outcome::Denied;
        draft.ending = Ending::Dropped;
        draft.asset = true;
        draft.polling = true;
        draft.recorder_seq = u64::MAX;
        draft.count = Some(0);
        draft.status = Some(403);
        draft.duration_us = Some(9_000);
        draft.path_bytes = Some(u32::MAX);
        draft.ip = Some("2001:db8::1".parse().unwrap());
        draft.session = Some(SessionHash([3; 16]));
        draft.admin = Some("olena@hosting.example".to_owned());
        draft.query = Some(String::new());
        draft.object = Some("client/4711".to_owned());
        let mut body = Vec::new();
        encode_body(&draft, &mut body);
        assert_eq!(decoded(id, time, &body), Some(draft));
        for end in 0..body.len() {
            assert_eq!(decoded(id, time, &body[..end]), None, "cut at {end}");
        }
        body.push(0);
        assert_eq!(decoded(id, time, &body), None);
    }
}
