//! New events as they come.

use std::sync::Arc;

use admintrail_event::{Event, Seq};
use tokio::sync::watch;

use crate::mirror::Mirror;

/// A place in the order of acceptance from which new events are read. Holds no memory for slow readers.
pub struct Tail {
    mirror: Arc<Mirror>,
    after: Seq,
    /// The last visible seq; gone when the trail is closed.
    visible: watch::Receiver<Seq>,
}

impl Tail {
    pub(crate) fn new(mirror: Arc<Mirror>, after: Seq, visible: watch::Receiver<Seq>) -> Self {
        Self {
            mirror,
            after,
            visible,
        }
    }

    /// Waits for events and returns at most `limit` of them in `seq` order; `None` when the trail closed.
    pub async fn next(&mut self, limit: usize) -> Option<Vec<Event>> {
        let after = self.after;
        let closed = self.visible.wait_for(|seq| *seq > after).await.is_err();
        let events = self.mirror.after(self.after, limit.max(1));
        match events.last() {
            Some(last) => self.after = last.seq,
            None if closed => return None,
            None => {}
        }
        Some(events)
    }

    /// The last event returned, to resume after.
    #[must_use]
    pub fn seq(&self) -> Seq {
        self.after
    }
}
