//! The events of one block against the block's entry.

use admintrail_event::Seq;

use super::{FaultKind, RecordedEvent};
use crate::{BlockEntry, Frontier};

/// What is wrong first with the events of a block that has some, and which events that is about.
pub(super) fn first_fault(
    entry: &BlockEntry,
    events: &[RecordedEvent],
) -> Option<(FaultKind, Seq, Seq)> {
    let mut seqs = entry.seqs();
    for event in events {
        match seqs.next() {
            Some(seq) if event.seq.0 == seq => {}
            Some(seq) if event.seq.0 > seq && event.seq <= entry.last() => {
                return Some((FaultKind::Missing, Seq(seq), Seq(event.seq.0 - 1)));
            }
            _ => return Some((FaultKind::Added, event.seq, event.seq)),
        }
    }
    if let Some(seq) = seqs.next() {
        return Some((FaultKind::Missing, Seq(seq), entry.last()));
    }
    let mut tree = Frontier::new();
    events.iter().for_each(|event| tree.push(event.hash));
    if tree.root() != entry.root() {
        return Some((FaultKind::Changed, entry.first(), entry.last()));
    }
    wrong_moment(entry, events)
}

/// Hashes hold each event's moment; this holds the bounds that the entry gives for them.
fn wrong_moment(entry: &BlockEntry, events: &[RecordedEvent]) -> Option<(FaultKind, Seq, Seq)> {
    let (min, max) = entry.received();
    let known = || {
        events
            .iter()
            .filter_map(|event| Some((event.seq, event.received?)))
    };
    if let Some((seq, _)) = known().find(|(_, at)| !(min..=max).contains(at)) {
        return Some((FaultKind::Received, seq, seq));
    }
    let all_known = known().count() == events.len();
    let reached = known().any(|(_, at)| at == min) && known().any(|(_, at)| at == max);
    (all_known && !reached).then_some((FaultKind::Received, entry.first(), entry.last()))
}
