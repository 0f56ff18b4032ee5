//! New events as they come.

use std::sync::Arc;

use admintrail_event::{Event, Seq};
use tokio::sync::watch;

use crate::answer::Sieve;
use crate::mirror::Mirror;
use crate::query::View;

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

    /// Waits until there is something to [`Self::read`]; `false` when the trail closed and
    /// everything was read.
    pub async fn ready(&mut self) -> bool {
        let after = self.after;
        let open = self.visible.wait_for(|seq| *seq > after).await.is_ok();
        open || *self.visible.borrow() > after
    }

    /// How many accepted events lie before this place and the newest.
    #[must_use]
    pub fn behind(&self) -> u64 {
        self.visible.borrow().0.saturating_sub(self.after.0)
    }

    /// Goes on by one bounded step (a few thousand events) and returns those of the view, at most
    /// `limit`, in `seq` order. Does not wait; may take a millisecond, so whoever is far
    /// [`Self::behind`] calls it off the async threads.
    pub fn read(&mut self, view: &View, limit: usize) -> Vec<Event> {
        let (events, after) = self
            .mirror
            .step(self.after, &Sieve::new(view), limit.max(1));
        self.after = after;
        events
    }

    /// The last event returned or passed over, to resume after.
    #[must_use]
    pub fn seq(&self) -> Seq {
        self.after
    }
}
