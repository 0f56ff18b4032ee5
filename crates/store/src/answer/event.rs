//! One event.

use admintrail_event::{Event, EventId};

use crate::mirror::Snapshot;

/// The event of an id: the newest rows first, then the chunks of hot, then whatever segment may hold it.
pub(crate) fn event(snapshot: &Snapshot, id: EventId) -> Option<Event> {
    let newest = snapshot.newest.iter().find(|event| event.draft.id == id);
    if let Some(event) = newest {
        return Some(Event::clone(event));
    }
    let hot = snapshot.chunks.iter().rev().find_map(|chunk| {
        let mut ids = chunk.id().value_data().chunks_exact(16);
        let row = ids.position(|bytes| bytes == id.as_bytes())?;
        chunk.event(row)
    });
    hot.or_else(|| {
        snapshot.segments.iter().rev().find_map(|segment| {
            segment.groups_with(id).into_iter().find_map(|group| {
                let row = segment.row_of(group, id)?;
                segment.events(group, &[row]).pop()
            })
        })
    })
}
