//! What all recorders of a process share: journal, ring of finished events, gaps, health.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use admintrail_event::{Draft, EventId, Micros, PanelName};
use hashbrown::HashMap;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::gaps::{Gaps, Reason};
use super::queue::Queue;
use crate::health::{Cause, Clock, Health};
use crate::identity::{Keeper, PanelMemory};
use crate::journal::Journal;
use crate::{RecorderState, Sink};

/// Finished events that wait for the sink, at most.
pub(super) const RING: usize = 16_384;

/// Above this many waiting events new requests meet the fail policy; below a quarter they pass.
const BACKLOG: usize = RING / 4 * 3;

pub(crate) struct Trunk {
    pub(crate) journal: Journal,
    pub(crate) health: Arc<Health>,
    pub(crate) clock: Clock,
    pub(crate) name: String,
    pub(crate) epoch: u64,
    pub(crate) key: [u8; 32],
    pub(crate) keeper: Keeper,
    /// How long the event of a sign-in waits for the next request with its session.
    pub(crate) confirmation: Duration,
    pub(super) sink: Arc<dyn Sink>,
    pub(super) queue: Queue,
    pub(super) gaps: Mutex<Gaps>,
    pub(super) open: AtomicU64,
    /// Somebody has asked to stop.
    pub(super) stopping: AtomicBool,
    /// In order: deliver everything, then end.
    pub(super) stop_when_drained: AtomicBool,
    /// Out of order: end at once.
    pub(super) abandoned: AtomicBool,
    pub(super) hurry: Notify,
    pub(super) drained: Notify,
    /// What is learned of a panel outlives a change of its rules.
    pub(super) panels: Mutex<HashMap<PanelName, Arc<PanelMemory>>>,
}

impl Trunk {
    pub(super) fn new(
        journal: Journal,
        health: Arc<Health>,
        clock: Clock,
        name: String,
        key: [u8; 32],
        keeper: Keeper,
        sink: Arc<dyn Sink>,
    ) -> Self {
        let epoch = u64::try_from(clock().0).unwrap_or(0);
        Self {
            journal,
            health,
            clock,
            name,
            epoch,
            key,
            keeper,
            confirmation: Duration::ZERO,
            sink,
            queue: Queue::new(RING),
            gaps: Mutex::default(),
            open: AtomicU64::new(0),
            stopping: AtomicBool::new(false),
            stop_when_drained: AtomicBool::new(false),
            abandoned: AtomicBool::new(false),
            hurry: Notify::new(),
            drained: Notify::new(),
            panels: Mutex::default(),
        }
    }

    /// What an earlier run left, before anything new. None of it falls out of the ring.
    pub(super) fn restore(&self, left: Vec<Draft>) {
        self.queue
            .restore(left.into_iter().map(|event| self.signed(event)));
    }

    fn signed(&self, mut event: Draft) -> Draft {
        event.recorder.clone_from(&self.name);
        event.recorder_epoch = self.epoch;
        event
    }

    pub(super) fn state(&self) -> RecorderState {
        RecorderState {
            open: self.open.load(Ordering::Relaxed),
            waiting: self.queue.waiting(),
            unrecorded: self.gaps.lock().unrecorded(),
            failing: self.health.failing(),
        }
    }

    pub(super) fn count_refused(&self, panel: &PanelName, address: IpAddr, requests: u64) {
        self.count(panel, Reason::Refused, Some(address), requests);
    }

    /// What is learned of this panel.
    pub(crate) fn panel(&self, name: &PanelName) -> Arc<PanelMemory> {
        Arc::clone(self.panels.lock().entry(name.clone()).or_default())
    }

    /// Ends as a crash does.
    pub(super) fn abandon(&self) {
        self.abandoned.store(true, Ordering::Release);
        self.health.failed(Cause::Stopped, "recording has stopped");
        self.hurry.notify_one();
        self.keeper.end();
        self.journal.close(false);
    }

    /// Carries changes of bindings to where they are kept, until the recorders end.
    pub(super) async fn keep_bindings(self: Arc<Self>) {
        self.keeper.run().await;
    }

    pub(crate) fn now(&self) -> Micros {
        (self.clock)()
    }

    /// A request was let in.
    pub(crate) fn opened(&self) {
        self.open.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes the finished event of a request that [`Trunk::opened`] counted. It is signed already,
    /// as its opening was.
    pub(crate) fn close(&self, event: Draft) {
        self.open.fetch_sub(1, Ordering::Relaxed);
        self.push(event);
    }

    /// Takes an event that had no opening of a request: a marker, or a gap.
    pub(super) fn finish(&self, event: Draft) {
        let event = self.signed(event);
        self.journal.keep(&event);
        self.push(event);
    }

    fn push(&self, event: Draft) {
        if let Some(lost) = self.queue.push(event) {
            self.count_lost(&lost);
        }
        if self.queue.len() > BACKLOG {
            self.health
                .failed(Cause::Backlog, "the record does not keep up");
        }
    }

    /// A request fell out of the ring: it is counted instead. Its opening goes after the count has
    /// come, in the journal and in what is held for its next segment alike.
    fn count_lost(&self, lost: &Draft) {
        let now = self.now();
        let mut gaps = self.gaps.lock();
        let gap = gaps.count(&lost.panel, Reason::Unrecorded, None, 1, now);
        if self.journal.keep(gap) {
            self.journal.release(&[lost.id]);
        } else {
            self.journal.lost(lost.id, gap.id);
        }
    }

    pub(super) fn count(
        &self,
        panel: &PanelName,
        reason: Reason,
        address: Option<IpAddr>,
        requests: u64,
    ) {
        let now = self.now();
        let mut gaps = self.gaps.lock();
        let gap = gaps.count(panel, reason, address, requests, now);
        if !self.journal.keep(gap) {
            self.journal.count_unwritten(panel, gap.id, requests, now);
        }
    }

    /// This request has no opening in the journal, whatever becomes of it.
    pub(crate) fn unwritten(&self, request: &Draft) {
        self.journal
            .count_unwritten(&request.panel, request.id, 1, self.now());
    }

    /// These are durable in the sink.
    pub(super) fn settled(&self, ids: &[EventId]) {
        self.journal.release(ids);
        self.queue.settled();
        if self.queue.len() < BACKLOG / 3 {
            self.health.works(Cause::Backlog);
        }
    }

    /// Gaps that are due become finished events.
    pub(super) fn finish_gaps(&self, before: Micros) {
        let due = self.gaps.lock().take_due(before);
        for gap in due {
            self.finish(gap);
        }
    }
}
