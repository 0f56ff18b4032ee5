//! Finished events on their way to the sink: a bounded ring.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};

use admintrail_event::{Draft, Kind};
use parking_lot::Mutex;
use tokio::sync::Notify;

pub(super) struct Queue {
    inner: Mutex<Inner>,
    /// Taken by the delivery task, not yet durable.
    in_flight: AtomicUsize,
    length: AtomicUsize,
    /// Told when the queue is no longer empty.
    pub(super) filled: Notify,
}

struct Inner {
    /// Boxed, so that the lock is held for moving pointers only.
    events: VecDeque<Box<Draft>>,
    capacity: usize,
    next_seq: u64,
    /// The last number of what an earlier run left.
    restored: u64,
}

impl Queue {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            inner: Mutex::new(Inner {
                events: VecDeque::new(),
                capacity,
                next_seq: 0,
                restored: 0,
            }),
            in_flight: AtomicUsize::new(0),
            length: AtomicUsize::new(0),
            filled: Notify::new(),
        }
    }

    /// Numbers the event and appends it. When the ring is full, the oldest request of this run falls
    /// out and is returned, to be counted; markers, counts and what an earlier run left stay.
    pub(super) fn push(&self, event: Draft) -> Option<Box<Draft>> {
        let mut event = Box::new(event);
        let mut inner = self.inner.lock();
        inner.next_seq += 1;
        event.recorder_seq = inner.next_seq;
        let lost = if inner.events.len() >= inner.capacity {
            let may_go =
                |event: &Draft| event.kind == Kind::Request && event.recorder_seq > inner.restored;
            let oldest = inner.events.iter().position(|event| may_go(event));
            oldest.and_then(|at| inner.events.remove(at))
        } else {
            None
        };
        let was_empty = inner.events.is_empty();
        inner.events.push_back(event);
        self.length.store(inner.events.len(), Ordering::Relaxed);
        drop(inner);
        if was_empty {
            self.filled.notify_one();
        }
        lost
    }

    /// Numbers and appends events whatever the capacity, which grows by their number: what an
    /// earlier run left must not crowd out what comes now.
    pub(super) fn restore(&self, events: impl Iterator<Item = Draft>) {
        let mut inner = self.inner.lock();
        for mut event in events {
            inner.next_seq += 1;
            event.recorder_seq = inner.next_seq;
            inner.events.push_back(Box::new(event));
            inner.capacity += 1;
        }
        inner.restored = inner.next_seq;
        self.length.store(inner.events.len(), Ordering::Relaxed);
        drop(inner);
        self.filled.notify_one();
    }

    /// The oldest events, at most `max`.
    pub(super) fn take(&self, max: usize) -> Vec<Draft> {
        let mut inner = self.inner.lock();
        let count = inner.events.len().min(max);
        let batch: Vec<_> = inner.events.drain(..count).collect();
        if inner.events.is_empty() && inner.events.capacity() > 4 * max {
            inner.events.shrink_to(max);
        }
        self.length.store(inner.events.len(), Ordering::Relaxed);
        self.in_flight.store(batch.len(), Ordering::Relaxed);
        drop(inner);
        batch.into_iter().map(|event| *event).collect()
    }

    /// The batch last taken is durable.
    pub(super) fn settled(&self) {
        self.in_flight.store(0, Ordering::Relaxed);
    }

    pub(super) fn len(&self) -> usize {
        self.length.load(Ordering::Relaxed)
    }

    /// Finished events not yet durable.
    pub(super) fn waiting(&self) -> u64 {
        (self.len() + self.in_flight.load(Ordering::Relaxed)) as u64
    }
}

#[cfg(test)]
mod tests {
    use admintrail_event::Micros;

    use super::*;
    use crate::ids;

    fn event(path: &str) -> Draft {
        let now = Micros(1_795_000_000_000_000);
        Draft::request(ids::new_id(now), now, "a".parse().unwrap(), "GET", path)
    }

    #[test]
    fn requests_of_this_run_make_room_and_nothing_else_does() {
        let queue = Queue::new(2);
        queue.restore([event("/left")].into_iter());
        let marker = Draft {
            kind: Kind::Start,
            ..event("/start")
        };
        assert!(queue.push(marker).is_none());
        assert!(queue.push(event("/1")).is_none());
        assert_eq!(queue.push(event("/2")).unwrap().path, "/1");
        assert_eq!(queue.push(event("/3")).unwrap().path, "/2");
        let paths: Vec<_> = queue.take(9).into_iter().map(|event| event.path).collect();
        assert_eq!(paths, ["/left", "/start", "/3"]);
    }
}
