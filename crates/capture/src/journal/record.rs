//! What a frame says: a request was opened, or openings were released.

use admintrail_event::{Draft, EventId};

use super::{draft_bytes, frame};

const OPENING: u8 = b'O';
const RELEASE: u8 = b'R';
/// Fills a fresh segment to prove that the disk has room again.
const PAD: u8 = b'P';

/// One record, read back.
#[derive(Debug)]
pub(super) enum Record {
    /// A request began, or a counted gap grew (the same id again replaces).
    Opening(Box<Draft>),
    /// These events are durable elsewhere.
    Release(Vec<EventId>),
    /// Nothing.
    Pad,
}

/// Appends a framed opening.
pub(super) fn opening(draft: &Draft, out: &mut Vec<u8>) {
    let mark = frame::begin(out);
    out.push(OPENING);
    draft_bytes::write(draft, out);
    frame::end(out, mark);
}

/// Appends a framed release.
pub(super) fn release(ids: &[EventId], out: &mut Vec<u8>) {
    let mark = frame::begin(out);
    out.push(RELEASE);
    for id in ids {
        out.extend_from_slice(id.as_bytes());
    }
    frame::end(out, mark);
}

/// Appends a framed padding of `size` bytes.
pub(super) fn pad(size: usize, out: &mut Vec<u8>) {
    let mark = frame::begin(out);
    out.resize(out.len() + size.max(1), 0);
    if let Some(kind) = out.get_mut(mark + frame::HEADER) {
        *kind = PAD;
    }
    frame::end(out, mark);
}

/// Reads a payload; `None` if it is of a kind or version that is not known here.
pub(super) fn read(payload: &[u8]) -> Option<Record> {
    let (kind, body) = payload.split_first()?;
    match *kind {
        OPENING => draft_bytes::read(body).map(|draft| Record::Opening(Box::new(draft))),
        RELEASE => {
            let (ids, rest) = body.as_chunks::<16>();
            let ids: Result<Vec<_>, _> = ids.iter().copied().map(EventId::from_bytes).collect();
            ids.ok().filter(|_| rest.is_empty()).map(Record::Release)
        }
        PAD => Some(Record::Pad),
        _ => None,
    }
}
