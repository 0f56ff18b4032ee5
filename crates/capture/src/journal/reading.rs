//! The reader of segments, for the tests that damage them.

use admintrail_event::Draft;
use admintrail_event::testing::workload;

use super::{draft_bytes, frame, record};

/// A segment, and what was opened in it.
pub(crate) fn segment(openings: usize) -> (Vec<u8>, Vec<Draft>) {
    let drafts: Vec<_> = workload(7, openings).collect();
    let mut bytes = frame::MAGIC.to_vec();
    for draft in &drafts {
        record::opening(draft, &mut bytes);
    }
    record::release(&[drafts[0].id], &mut bytes);
    (bytes, drafts)
}

/// The openings that are read from a segment.
pub(crate) fn openings(bytes: &[u8]) -> Vec<Draft> {
    let frames = frame::Frames::of(bytes);
    let payloads = frames.into_iter().flatten();
    payloads.filter_map(record).collect()
}

/// The opening that a record tells of.
pub(crate) fn record(payload: &[u8]) -> Option<Draft> {
    match record::read(payload)? {
        record::Record::Opening(draft) => Some(*draft),
        record::Record::Release(_) | record::Record::Pad => None,
    }
}

/// An opening as a record.
pub(crate) fn payload(draft: &Draft) -> Vec<u8> {
    let mut bytes = vec![b'O'];
    draft_bytes::write(draft, &mut bytes);
    bytes
}
