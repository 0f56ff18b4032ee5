//! The connections of one listener.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use hashbrown::HashMap;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::connection::Watched;

/// Every open connection.
#[derive(Default)]
pub(crate) struct Register {
    open: Mutex<HashMap<u64, Arc<Watched>>>,
    count: AtomicUsize,
    next: AtomicU64,
    left: Notify,
}

/// A place in the register; gives it back when dropped.
pub(crate) struct Ticket {
    register: Arc<Register>,
    number: u64,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.register.open.lock().remove(&self.number);
        self.register.count.fetch_sub(1, Relaxed);
        self.register.left.notify_waiters();
    }
}

impl Register {
    pub(crate) fn enter(self: &Arc<Self>, watched: &Arc<Watched>) -> Ticket {
        let number = self.next.fetch_add(1, Relaxed);
        self.open.lock().insert(number, Arc::clone(watched));
        self.count.fetch_add(1, Relaxed);
        Ticket {
            register: Arc::clone(self),
            number,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.count.load(Relaxed)
    }

    /// Waits until none is open.
    pub(crate) async fn emptied(&self) {
        loop {
            let left = self.left.notified();
            if self.len() == 0 {
                return;
            }
            left.await;
        }
    }

    /// Waits until one has gone, unless there are fewer than this.
    pub(crate) async fn fewer_than(&self, limit: usize) {
        let left = self.left.notified();
        if self.len() >= limit {
            left.await;
        }
    }

    /// Ends the connection that has been without a request for longest. False if all have one.
    pub(crate) fn end_longest_idle(&self) -> bool {
        let open = self.open.lock();
        let longest = open
            .iter()
            // What is ending already makes no further room.
            .filter(|(_, watched)| watched.is_idle() && !watched.is_finishing())
            .min_by_key(|(number, watched)| (watched.idle_since.load(Relaxed), **number));
        let Some((_, watched)) = longest else {
            return false;
        };
        watched.end();
        true
    }

    /// Lets every request under way be the last of its connection.
    pub(crate) fn finish_all(&self) {
        for watched in self.open.lock().values() {
            watched.finish();
        }
    }

    /// Ends all.
    pub(crate) fn end_all(&self) {
        for watched in self.open.lock().values() {
            watched.end();
        }
    }

    /// The connections that speak HTTP/2.
    pub(crate) fn speaking_http2(&self) -> Vec<Arc<Watched>> {
        let open = self.open.lock();
        let speaking = open.values().filter(|it| it.streams.get().is_some());
        speaking.cloned().collect()
    }

    /// Ends what has kept us waiting for too long.
    pub(crate) fn end_overdue(&self, now: u32, head: Duration, idle: Duration) {
        let over = |since: u32, limit: Duration| {
            // Both are cut to whole seconds, so one more makes sure that the time is over.
            since != 0 && u64::from(now.saturating_sub(since)) > limit.as_secs()
        };
        for watched in self.open.lock().values() {
            if watched.tunnel.load(Relaxed) {
                continue;
            }
            if let Some(streams) = watched.streams.get() {
                streams.end_overdue(|since| over(since, idle));
            }
            let overdue = over(watched.head_since.load(Relaxed), head)
                || over(watched.body_since.load(Relaxed), idle)
                || over(watched.blocked_since.load(Relaxed), idle)
                || (watched.is_idle() && over(watched.idle_since.load(Relaxed), idle));
            if overdue {
                watched.end();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;

    #[test]
    fn each_idle_connection_makes_room_once() {
        let register = Arc::new(Register::default());
        let now = Arc::new(AtomicU32::new(1));
        let open: Vec<_> = (0..2)
            .map(|_| {
                let watched = Arc::new(Watched::new(([127, 0, 0, 1], 1).into(), &now));
                let ticket = register.enter(&watched);
                (watched, ticket)
            })
            .collect();
        assert!(register.end_longest_idle());
        assert!(open[0].0.is_finishing() && !open[1].0.is_finishing());
        assert!(register.end_longest_idle());
        assert!(open[1].0.is_finishing());
        assert!(!register.end_longest_idle());
        // It is no tunnel: what a tunnel is excused from still counts.
        assert!(open.iter().all(|(watched, _)| watched.is_idle()));
    }
}
