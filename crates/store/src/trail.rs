//! The one door to the events.

use std::path::PathBuf;
use std::sync::Arc;

use admintrail_event::{Draft, Event, EventId, LogId, Micros, Seq, SessionHash};

use crate::StoreError;
use crate::query::{
    ActiveAdmin, Facet, FacetField, Histogram, Page, PageRequest, Position, SessionRow,
    SessionsPage, View,
};

/// How to open a trail.
#[derive(Clone)]
pub struct TrailOptions {
    /// The data folder; made if missing. Locked while the trail is open.
    pub dir: PathBuf,
    /// What time it is.
    pub clock: Arc<dyn Fn() -> Micros + Send + Sync>,
}

/// An event to append with the digest of what was submitted.
#[derive(Debug, Clone)]
pub struct Submission {
    /// The event.
    pub draft: Draft,
    /// [`admintrail_event::submission_digest`] of what the sender sent.
    pub digest: [u8; 16],
}

impl Submission {
    /// Takes the digest of the draft itself.
    #[must_use]
    pub fn new(_draft: Draft) -> Self {
        todo!()
    }
}

/// What became of one submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    /// Accepted now; durable.
    Accepted(Seq),
    /// The same was accepted before.
    Duplicate(Seq),
    /// Another event has this id; nothing was stored.
    Conflict(Seq),
}

/// What the trail says of itself.
#[derive(Debug, Clone)]
pub struct TrailState {
    /// This log.
    pub log: LogId,
    /// Events held.
    pub events: u64,
    /// Last seq given.
    pub last_seq: Seq,
    /// When the last event was accepted.
    pub last_received: Option<Micros>,
    /// When the first event was accepted.
    pub first_received: Option<Micros>,
    /// Why nothing can be recorded at the moment, and since when.
    pub failing: Option<(Micros, String)>,
    /// Bytes of the database files.
    pub bytes: u64,
}

/// A handle to the trail; clones share it. Queries are synchronous and may take milliseconds:
/// call them off the async threads.
#[derive(Clone)]
pub struct Trail {/* private */}

#[allow(unused_variables, reason = "skeleton")]
impl Trail {
    /// Opens for writing; takes the folder's lock, repairs, loads the mirror newest first.
    pub fn open(options: TrailOptions) -> Result<Self, StoreError> {
        todo!()
    }

    /// Opens for reading only, beside a running server or without one. Writes nothing.
    pub fn open_read_only(options: TrailOptions) -> Result<Self, StoreError> {
        todo!()
    }

    /// Appends; when it returns Ok, everything accepted is durable and visible to queries.
    /// One receipt a submission, in order. Err: none of them was accepted.
    pub async fn append(&self, batch: Vec<Submission>) -> Result<Vec<Receipt>, StoreError> {
        todo!()
    }

    /// [`Self::append`] for threads without a runtime.
    pub fn append_blocking(&self, batch: Vec<Submission>) -> Result<Vec<Receipt>, StoreError> {
        todo!()
    }

    /// One page of the view with its totals.
    pub fn page(&self, view: &View, request: &PageRequest) -> Result<Page, StoreError> {
        todo!()
    }

    /// How many the view has.
    pub fn count(&self, view: &View) -> Result<u64, StoreError> {
        todo!()
    }

    /// One event.
    pub fn event(&self, id: EventId) -> Result<Option<Event>, StoreError> {
        todo!()
    }

    /// Counts over the view's time in about `buckets` buckets of a round width. Without `from`
    /// or `to` the first and last event bound it.
    pub fn histogram(&self, view: &View, buckets: usize) -> Result<Histogram, StoreError> {
        todo!()
    }

    /// The `limit` most frequent values.
    pub fn facet(&self, view: &View, field: FacetField, limit: usize) -> Result<Facet, StoreError> {
        todo!()
    }

    /// Sessions with at least one event in the view, latest first.
    pub fn sessions(&self, view: &View, offset: usize, limit: usize) -> Result<SessionsPage, StoreError> {
        todo!()
    }

    /// One session, all of its events counted.
    pub fn session(&self, session: &SessionHash) -> Result<Option<SessionRow>, StoreError> {
        todo!()
    }

    /// Admins with an event (not polling) since `since`, latest first.
    pub fn active(&self, since: Micros) -> Vec<ActiveAdmin> {
        todo!()
    }

    /// Events accepted from now on, or after the position (resuming).
    pub fn tail(&self, after: Option<Position>) -> Tail {
        todo!()
    }

    /// Every event of the view in the order of time, oldest first, in chunks of at most 1,000,
    /// from one snapshot and without holding anything up.
    pub fn scan(&self, view: &View) -> Box<dyn Iterator<Item = Result<Vec<Event>, StoreError>> + Send> {
        todo!()
    }

    /// What the trail says of itself.
    pub fn state(&self) -> TrailState {
        todo!()
    }

    /// Whether an admin of this id (folded) has any event, on any panel.
    pub fn knows_admin(&self, admin: &str) -> bool {
        todo!()
    }

    /// Finishes what is under way and closes the database in order.
    pub fn close(&self) {
        todo!()
    }
}

/// A place in the order of acceptance from which new events are read. Holds no memory for slow readers.
pub struct Tail {/* private */}

impl Tail {
    /// Waits for events and returns at most `limit` of them in `seq` order; `None` when the trail closed.
    pub async fn next(&mut self, _limit: usize) -> Option<Vec<Event>> {
        todo!()
    }
}
