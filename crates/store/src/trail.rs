//! The one door to the events.

mod erasing;
mod ledger;
mod opening;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use admintrail_event::{
    Counted, Draft, Event, EventId, LogId, Micros, PanelName, Seq, SessionHash, fold,
    submission_digest,
};
pub(crate) use opening::fresh_log;
use opening::{Found, SealedPart, archive_of};
use parking_lot::{Mutex, RwLock};
use tokio::sync::{oneshot, watch};

use crate::answer::{Asked, Budget};
use crate::archive::Name;
use crate::derived::{Judging, Sessions};
use crate::erasure::{Begun, ErasureProgress};
use crate::folder::FolderLock;
use crate::hot::{
    Access, Command, Database, HotBlocks, Loaded, Prepared, RecentIds, Status, Writer, WriterParts,
    close_open_block, encode_body, load,
};
use crate::ledger::{Keeper, KeeperParts, Prover, TrailEnd};
use crate::mirror::{Mirror, Snapshot};
use crate::query::{
    ActiveAdmin, Attempts, AttemptsBy, Facet, FacetField, GroupDetail, Groups, Histogram, Page,
    PageRequest, Position, Relation, SessionRow, SessionsPage, Total, View,
};
use crate::retention::{Retention, RetentionState};
use crate::sealer::{Answer, Errand, Sealer, SealerParts, SealerStatus};
use crate::tail::Tail;
use crate::{Steps, StoreError, answer};

/// Errands that may wait.
const ERRANDS: usize = 16;

/// How to open a trail.
#[derive(Clone)]
pub struct TrailOptions {
    /// The data folder; made if missing. Locked while the trail is open.
    pub dir: PathBuf,
    /// What time it is.
    pub clock: Arc<dyn Fn() -> Micros + Send + Sync>,
    /// Sizes and budgets; the default is right for all but tests.
    pub tuning: Tuning,
    /// Told of each step that a crash may interrupt.
    pub steps: Steps,
}

impl TrailOptions {
    /// A trail in a folder, with everything else as it should be.
    #[must_use]
    pub fn new(dir: PathBuf, clock: Arc<dyn Fn() -> Micros + Send + Sync>) -> Self {
        Self {
            dir,
            clock,
            tuning: Tuning::default(),
            steps: Steps::default(),
        }
    }
}

/// Sizes and budgets.
#[derive(Debug, Clone, Copy)]
pub struct Tuning {
    /// From how many hot events on some are sealed.
    pub seal_at: usize,
    /// How many events go into a segment, about.
    pub seal: usize,
    /// How many events of a segment are read together, at most 65,535.
    pub group: usize,
    /// Bytes of what was read of the archive that are kept in memory.
    pub cache_bytes: u64,
    /// Whether there is a ledger: always, but where what it costs is measured.
    pub ledger: bool,
    /// How long a question may read the archive before it answers with what it has.
    pub budget: Duration,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            seal_at: 500_000,
            seal: 250_000,
            group: 65_535,
            cache_bytes: 96 << 20,
            ledger: true,
            budget: Duration::from_millis(250),
        }
    }
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
    pub fn new(draft: Draft) -> Self {
        let digest = submission_digest(&draft);
        Self { draft, digest }
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
    /// Bytes of the database files and of the archive.
    pub bytes: u64,
    /// What the archive says of itself.
    pub archive: ArchiveState,
}

/// What the archive says of itself.
#[derive(Debug, Clone, Default)]
pub struct ArchiveState {
    /// Segments that can be read.
    pub segments: u64,
    /// Their events.
    pub events: u64,
    /// Bytes of their files.
    pub bytes: u64,
    /// Events that are not sealed.
    pub hot: u64,
    /// Why nothing can be sealed at the moment, and since when.
    pub failing: Option<(Micros, String)>,
    /// Segments that are left out: their file's name and what is wrong with it.
    pub damaged: Vec<(String, String)>,
}

/// A handle to the trail; clones share it. Queries are synchronous and may take milliseconds:
/// call them off the async threads.
#[derive(Clone)]
pub struct Trail {
    inner: Arc<Inner>,
}

struct Inner {
    log: LogId,
    database: Database,
    clock: Arc<dyn Fn() -> Micros + Send + Sync>,
    budget: Duration,
    mirror: Arc<Mirror>,
    judging: Arc<RwLock<Judging>>,
    sessions: Arc<RwLock<Sessions>>,
    status: Arc<RwLock<Status>>,
    visible: watch::Receiver<Seq>,
    /// Segments that could not even be opened.
    broken: Arc<Mutex<Vec<(Name, StoreError)>>>,
    sealer_status: Arc<RwLock<SealerStatus>>,
    retention: Arc<RwLock<RetentionState>>,
    /// `None` when opened for reading.
    writer: Option<Writer>,
    sealer: Option<Sealer>,
    keeper: Option<Keeper>,
    prover: Prover,
    erasing: Arc<Mutex<Option<(String, ErasureProgress)>>>,
    lock: Mutex<Option<FolderLock>>,
}

impl Trail {
    /// Opens for writing; takes the folder's lock, repairs, loads the mirror.
    ///
    /// # Errors
    /// STORE-001 if another server holds the folder, STORE-002 if it cannot be written, STORE-003
    /// if the database is damaged, STORE-008 if a newer version wrote it.
    pub fn open(options: TrailOptions) -> Result<Self, StoreError> {
        let lock = FolderLock::take(&options.dir)?;
        let database = Database::in_folder(&options.dir);
        let mut connection = database.connect(Access::Write)?;
        let log = database.prepare(&mut connection, fresh_log()?)?;
        close_open_block(&database, &mut connection)?;
        let found = Found::read(&database, &connection)?;
        let archive = archive_of(&options, Access::Write);
        let sealed = SealedPart::open(archive.as_ref(), &found, &options.dir, log);
        let loaded = load(
            &database,
            Access::Read,
            log,
            found.watermark,
            sealed.hashing,
        )?;
        let (sender, visible) = watch::channel(loaded.last_seq);
        let mut last_seq = loaded.last_seq;
        let ledger = if options.tuning.ledger {
            let end = TrailEnd {
                watermark: found.watermark,
                last: last_seq,
                now: (options.clock)(),
            };
            Some(crate::ledger::open(&options.dir, log, end)?)
        } else {
            None
        };
        // Not before: segments that an older trail.db does not know are those of a newer one.
        archive.clean(&found.segments);
        // Numbers that were given out once are not given out again.
        if let Some(ledger) = &ledger {
            last_seq = last_seq.max(Seq(ledger.next.0.saturating_sub(1)));
        }
        let floor = loaded.last_id.max(sealed.last_id());
        let mut inner = Inner::of(log, database.clone(), &options, loaded, sealed, visible);
        inner.lock = Mutex::new(Some(lock));
        inner.retention.write().dropped = found.dropped;
        let blocks = Arc::new(Mutex::new(HotBlocks::of(found.blocks)));
        let (errands, inbox) = crossbeam_channel::bounded(ERRANDS);
        let parts = WriterParts {
            first_row: database.first_row(&connection)?,
            database,
            connection,
            log,
            clock: options.clock.clone(),
            archive: Arc::clone(&archive),
            blocks: Arc::clone(&blocks),
            watermark: found.watermark,
            steps: options.steps.clone(),
            seal_at: options.tuning.seal_at as u64,
            sealer: errands.clone(),
            mirror: Arc::clone(&inner.mirror),
            judging: Arc::clone(&inner.judging),
            sessions: Arc::clone(&inner.sessions),
            status: Arc::clone(&inner.status),
            visible: sender,
            last_seq,
            recent: RecentIds::above(floor),
        };
        let no_thread = |error: std::io::Error| StoreError::CannotRecord {
            cause: format!("no thread could be started ({error})"),
        };
        let writer = Writer::start(parts).map_err(no_thread)?;
        if let Some(ledger) = ledger {
            let parts = KeeperParts {
                log,
                clock: options.clock.clone(),
                mirror: Arc::clone(&inner.mirror),
                blocks: Arc::clone(&blocks),
                steps: options.steps.clone(),
            };
            inner.keeper = Some(Keeper::start(parts, ledger).map_err(no_thread)?);
        }
        let parts = SealerParts {
            dir: options.dir,
            log,
            clock: options.clock,
            archive,
            mirror: Arc::clone(&inner.mirror),
            judging: Arc::clone(&inner.judging),
            sessions: Arc::clone(&inner.sessions),
            blocks,
            commands: writer.commands().clone(),
            keeper: inner.keeper.clone(),
            status: Arc::clone(&inner.sealer_status),
            retention: Arc::clone(&inner.retention),
            clock_seen: found.clock_seen,
            broken: Arc::clone(&inner.broken),
            erasing: Begun::read(&found.erasing)?,
            tuning: options.tuning,
            steps: options.steps,
        };
        inner.writer = Some(writer);
        inner.sealer = Some(Sealer::start(parts, (errands, inbox)).map_err(no_thread)?);
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Opens for reading only, beside a running server or without one: everything up to now.
    ///
    /// # Errors
    /// STORE-007 if there is nothing to read, STORE-003 if the database is damaged.
    pub fn open_read_only(options: TrailOptions) -> Result<Self, StoreError> {
        let database = Database::in_folder(&options.dir);
        if !database.path.exists() {
            return Err(StoreError::NotReadable {
                path: database.path,
                cause: "there is no trail in this folder yet".to_owned(),
            });
        }
        let connection = database.connect(Access::Read)?;
        let log = database.log(&connection)?.unwrap_or_default();
        let archive = archive_of(&options, Access::Read);
        // A server may be sealing meanwhile: then what was read of hot has holes.
        let (loaded, sealed) = loop {
            let found = Found::read(&database, &connection)?;
            let sealed = SealedPart::open(archive.as_ref(), &found, &options.dir, log);
            let loaded = if log == LogId::default() {
                Loaded::nothing(sealed.hashing)
            } else {
                load(
                    &database,
                    Access::Read,
                    log,
                    found.watermark,
                    sealed.hashing,
                )?
            };
            if Found::read(&database, &connection)?.segments == found.segments {
                break (loaded, sealed);
            }
        };
        let (_, visible) = watch::channel(loaded.last_seq);
        let inner = Inner::of(log, database, &options, loaded, sealed, visible);
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Appends; when it returns Ok, everything accepted is durable and visible to queries.
    /// One receipt a submission, in order.
    ///
    /// # Errors
    /// STORE-004 or STORE-005: none of them was accepted, as far as can be known; the same
    /// submissions may be sent again.
    pub async fn append(&self, batch: Vec<Submission>) -> Result<Vec<Receipt>, StoreError> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let (command, answer) = asked(batch);
        self.writer()?
            .commands()
            .send(command)
            .await
            .map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// [`Self::append`] for threads without a runtime.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub fn append_blocking(&self, batch: Vec<Submission>) -> Result<Vec<Receipt>, StoreError> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let (command, answer) = asked(batch);
        self.writer()?
            .commands()
            .blocking_send(command)
            .map_err(|_| StoreError::Closed)?;
        answer.blocking_recv().map_err(|_| StoreError::Closed)?
    }

    /// One page of the view with its totals.
    ///
    /// # Errors
    /// When the archive cannot be read.
    pub fn page(&self, view: &View, request: &PageRequest) -> Result<Page, StoreError> {
        let mut page =
            self.ask(|snapshot, budget| answer::page(snapshot, view, request, budget))?;
        self.admit_missing(view, &mut page.total);
        Ok(page)
    }

    /// How many the view has.
    ///
    /// # Errors
    /// When the archive cannot be read.
    pub fn count(&self, view: &View) -> Result<Total, StoreError> {
        let mut total = self.ask(|snapshot, budget| answer::count(snapshot, view, budget))?;
        self.admit_missing(view, &mut total);
        Ok(total)
    }

    /// One event.
    ///
    /// # Errors
    /// When the archive cannot be read.
    pub fn event(&self, id: EventId) -> Result<Option<Event>, StoreError> {
        self.ask(|snapshot, _| answer::event(snapshot, id))
    }

    /// Counts over the view's time in about `buckets` buckets of a round width. Without `from`
    /// the first event bounds it, without `to` the present bounds it. Buckets
    /// begin whole widths before or after `origin`: where days are to begin at somebody's midnight,
    /// it is one of those.
    ///
    /// # Errors
    /// When the archive cannot be read.
    pub fn histogram(
        &self,
        view: &View,
        buckets: usize,
        origin: Micros,
    ) -> Result<Histogram, StoreError> {
        let now = (self.inner.clock)();
        self.ask(|snapshot, budget| {
            answer::histogram(snapshot, view, buckets, (origin, now), budget)
        })
    }

    /// The `limit` most frequent values.
    ///
    /// # Errors
    /// When the archive cannot be read.
    pub fn facet(&self, view: &View, field: FacetField, limit: usize) -> Result<Facet, StoreError> {
        self.ask(|snapshot, budget| answer::facet(snapshot, view, field, limit, budget))
    }

    /// What the `limit` most frequent values did, and when.
    ///
    /// # Errors
    /// When the archive cannot be read.
    pub fn groups(
        &self,
        view: &View,
        field: FacetField,
        limit: usize,
    ) -> Result<Groups, StoreError> {
        self.ask(|snapshot, budget| {
            answer::groups(snapshot, view, field, limit, Asked::default(), budget)
        })
    }

    /// [`Self::groups`], each with its `named` most frequent values of another field.
    ///
    /// # Errors
    /// When the archive cannot be read.
    pub fn groups_with(
        &self,
        view: &View,
        field: FacetField,
        limit: usize,
        (other, named): (FacetField, usize),
    ) -> Result<Groups, StoreError> {
        let asked = Asked {
            other: Some((other, named)),
            over_time: None,
        };
        self.ask(|snapshot, budget| answer::groups(snapshot, view, field, limit, asked, budget))
    }

    /// [`Self::groups_with`], each with its counts over the view's time (without `from` since the
    /// first event, without `to` until now).
    ///
    /// # Errors
    /// When the archive cannot be read.
    pub fn groups_over_time(
        &self,
        view: &View,
        field: FacetField,
        limit: usize,
        detail: GroupDetail,
    ) -> Result<Groups, StoreError> {
        let now = (self.inner.clock)();
        self.ask(|snapshot, budget| {
            let (from, to) = answer::bounds(snapshot, view, now);
            let asked = Asked {
                other: Some((detail.other, detail.named)),
                over_time: Some((from, to, detail.parts)),
            };
            answer::groups(snapshot, view, field, limit, asked, budget)
        })
    }

    /// Who tries to get in: the `limit` addresses or names with the most refused requests of
    /// somebody nobody knows, each with `named` values of the other kind, and whether one of them
    /// ever got in (looked for in everything on record, whatever the view's time and filter).
    ///
    /// # Errors
    /// When the archive cannot be read.
    pub fn attempts(
        &self,
        view: &View,
        by: AttemptsBy,
        limit: usize,
        named: usize,
    ) -> Result<Attempts, StoreError> {
        self.ask(|snapshot, budget| answer::attempts(snapshot, view, by, limit, named, budget))
    }

    /// Calls `each` with the requests of the view, counted by what was asked for. The same kind may
    /// come several times. Without `queries` they are left out, and fewer kinds come.
    ///
    /// # Errors
    /// When the archive cannot be read.
    pub fn requests(
        &self,
        view: &View,
        queries: bool,
        each: impl FnMut(&Counted<'_>) + Send,
    ) -> Result<(), StoreError> {
        let budget = Budget::of(self.inner.budget);
        answer::requests(&self.snapshot(), view, queries, each, budget);
        Ok(())
    }

    /// Sessions with at least one event in the view, latest first; their counts are of the whole session.
    ///
    /// # Errors
    /// When the archive cannot be read.
    pub fn sessions(
        &self,
        view: &View,
        offset: usize,
        limit: usize,
    ) -> Result<SessionsPage, StoreError> {
        self.ask_with_sessions(|snapshot, hot, budget| {
            answer::sessions(snapshot, hot, view, (offset, limit), budget)
        })
    }

    /// How many sessions with at least one event in the view nobody is known of, by panel.
    ///
    /// # Errors
    /// When the archive cannot be read.
    pub fn nameless_sessions(&self, view: &View) -> Result<BTreeMap<PanelName, u64>, StoreError> {
        self.ask_with_sessions(|snapshot, hot, budget| {
            answer::nameless(snapshot, hot, view, budget)
        })
    }

    /// The sessions of this hash, all of their events counted: one, unless senders of several
    /// panels use the same. The one that came first is the first.
    ///
    /// # Errors
    /// When the archive cannot be read.
    pub fn session(&self, session: &SessionHash) -> Result<Vec<SessionRow>, StoreError> {
        self.ask_with_sessions(|snapshot, hot, _| answer::session(snapshot, hot, session))
    }

    /// Admins with an event (neither polling nor an asset) since `since` who have not signed out
    /// since, latest first.
    #[must_use]
    pub fn active(&self, since: Micros) -> Vec<ActiveAdmin> {
        self.inner.sessions.read().active(since)
    }

    /// Events accepted from now on, or after the position (resuming).
    #[must_use]
    pub fn tail(&self, after: Option<Position>) -> Tail {
        let now = *self.inner.visible.borrow();
        let after = match after {
            Some(position) if position.log == self.inner.log => position.seq.min(now),
            _ => now,
        };
        Tail::new(
            Arc::clone(&self.inner.mirror),
            after,
            self.inner.visible.clone(),
        )
    }

    /// Every event of the view in the order of time, oldest first, in chunks of at most 1,000,
    /// from one snapshot and without holding anything up.
    pub fn scan(
        &self,
        view: &View,
    ) -> Box<dyn Iterator<Item = Result<Vec<Event>, StoreError>> + Send> {
        Box::new(answer::scan(self.snapshot(), view))
    }

    /// Recorded events, of the view or not, that damaged segments with something in its time hold:
    /// no answer has them.
    #[must_use]
    pub fn missing(&self, view: &View) -> u64 {
        let segments = self.inner.mirror.segments();
        let damaged = segments
            .iter()
            .filter(|segment| segment.damage().is_some() && !answer::is_outside(segment, view));
        let rows: u64 = damaged.map(|segment| segment.head.rows).sum();
        // Of those that could not be opened nobody knows the times.
        let broken = self.inner.broken.lock();
        rows + broken.iter().map(|(name, _)| name.span()).sum::<u64>()
    }

    fn admit_missing(&self, view: &View, total: &mut Total) {
        if self.missing(view) > 0 {
            total.relation = Relation::AtLeast;
        }
    }

    /// What the trail says of itself.
    #[must_use]
    pub fn state(&self) -> TrailState {
        let status = self.inner.status.read().clone();
        let archive = self.archive_state();
        TrailState {
            log: self.inner.log,
            events: status.count,
            last_seq: *self.inner.visible.borrow(),
            last_received: status.last_received,
            first_received: status.first_received,
            failing: status.failing,
            bytes: self.inner.database.bytes() + archive.bytes,
            archive,
        }
    }

    fn archive_state(&self) -> ArchiveState {
        let segments = self.inner.mirror.segments();
        let broken = self.inner.broken.lock();
        let damaged = broken.iter().map(|(_, error)| error);
        let damaged: Vec<(String, String)> = damaged
            .chain(segments.iter().filter_map(|segment| segment.damage()))
            .filter_map(|error| match error {
                StoreError::DamagedSegment { path, cause } => {
                    let name = path.file_name().unwrap_or_default();
                    Some((name.to_string_lossy().into_owned(), cause.clone()))
                }
                _ => None,
            })
            .collect();
        let whole = || segments.iter().filter(|segment| segment.damage().is_none());
        ArchiveState {
            segments: whole().count() as u64,
            events: whole().map(|segment| segment.head.rows).sum(),
            bytes: whole().map(|segment| segment.bytes()).sum(),
            hot: self.inner.mirror.rows() as u64,
            failing: self.inner.sealer_status.read().failing(),
            damaged,
        }
    }

    /// Seals everything that was accepted, whatever the sizes; waits until it is done.
    ///
    /// # Errors
    /// STORE-004 if it cannot be written.
    pub fn seal(&self) -> Result<(), StoreError> {
        self.errand(Errand::SealAll)
    }

    /// How long events are kept from now on.
    pub fn set_retention(&self, retention: Retention) {
        self.inner.retention.write().policy = retention;
    }

    /// How long events are kept, and what was dropped so far.
    #[must_use]
    pub fn retention(&self) -> RetentionState {
        self.inner.retention.read().clone()
    }

    /// Somebody says that the clock is right although it leapt: retention goes on.
    ///
    /// # Errors
    /// STORE-004 if that cannot be written down.
    pub fn resume_retention(&self) -> Result<(), StoreError> {
        self.errand(Errand::TrustClock)
    }

    /// Does at once what is else done now and then: drops what is too old, joins small segments, and
    /// looks whether the archive's files are as they were; waits until it is done.
    ///
    /// # Errors
    /// STORE-004 if something cannot be written.
    pub fn upkeep(&self) -> Result<(), StoreError> {
        self.errand(Errand::Upkeep)
    }

    fn errand(&self, errand: impl Fn(Answer) -> Errand) -> Result<(), StoreError> {
        let sealer = self.inner.sealer.as_ref().ok_or(StoreError::Closed)?;
        let (reply, answer) = std::sync::mpsc::channel();
        sealer.ask(errand(reply))?;
        answer.recv().map_err(|_| StoreError::Closed)?
    }

    /// Whether an admin of this id (folded) has any event, on any panel.
    #[must_use]
    pub fn knows_admin(&self, admin: &str) -> bool {
        self.inner.judging.read().knows(&fold(admin))
    }

    /// Finishes what is under way and closes the database in order. Later appends are refused.
    pub fn close(&self) {
        self.inner.close();
        self.inner.lock.lock().take();
    }

    fn writer(&self) -> Result<&Writer, StoreError> {
        self.inner.writer.as_ref().ok_or(StoreError::Closed)
    }

    fn snapshot(&self) -> Snapshot {
        self.inner.mirror.snapshot()
    }

    /// [`Self::ask`] about sessions. Those of hot are not part of a snapshot: if events were sealed
    /// meanwhile, they may have been seen twice or not at all, and the question is asked again.
    fn ask_with_sessions<T>(
        &self,
        answer: impl Fn(&Snapshot, &RwLock<Sessions>, Budget) -> T,
    ) -> Result<T, StoreError> {
        loop {
            let before = self.inner.mirror.segments();
            let answered =
                self.ask(|snapshot, budget| answer(snapshot, &self.inner.sessions, budget))?;
            if Arc::ptr_eq(&before, &self.inner.mirror.segments()) {
                return Ok(answered);
            }
        }
    }

    /// Answers from one moment. What turns out to be damaged meanwhile is left out, and the question
    /// asked again.
    fn ask<T>(&self, answer: impl Fn(&Snapshot, Budget) -> T) -> Result<T, StoreError> {
        let budget = Budget::of(self.inner.budget);
        loop {
            let snapshot = self.snapshot();
            let answered = answer(&snapshot, budget);
            if snapshot
                .segments
                .iter()
                .all(|segment| segment.damage().is_none())
            {
                return Ok(answered);
            }
        }
    }
}

impl Inner {
    fn of(
        log: LogId,
        database: Database,
        options: &TrailOptions,
        mut loaded: Loaded,
        sealed: SealedPart,
        visible: watch::Receiver<Seq>,
    ) -> Self {
        let heads = || sealed.segments.iter().map(|segment| &segment.head);
        let first = heads().map(|head| Micros(head.received.0)).min();
        let last = heads().map(|head| Micros(head.received.1)).max();
        let status = Status {
            count: loaded.count + heads().map(|head| head.rows).sum::<u64>(),
            first_received: first.or(loaded.first_received),
            last_received: loaded.last_received.or(last),
            failing: None,
        };
        loaded.derived.join(sealed.derived);
        Self {
            log,
            database,
            clock: Arc::clone(&options.clock),
            budget: options.tuning.budget,
            broken: Arc::new(Mutex::new(sealed.broken)),
            sealer_status: Arc::default(),
            retention: Arc::default(),
            sealer: None,
            mirror: Arc::new(Mirror::new(sealed.segments, loaded.chunks, loaded.newest)),
            judging: Arc::new(RwLock::new(loaded.derived.judging)),
            sessions: Arc::new(RwLock::new(loaded.derived.sessions)),
            status: Arc::new(RwLock::new(status)),
            visible,
            writer: None,
            keeper: None,
            prover: Prover::of(&options.dir, log),
            erasing: Arc::default(),
            lock: Mutex::new(None),
        }
    }
}

impl Inner {
    /// The sealer first: it asks the writer for things.
    fn close(&self) {
        if let Some(sealer) = &self.sealer {
            sealer.close();
        }
        if let Some(writer) = &self.writer {
            writer.close();
        }
        if let Some(keeper) = &self.keeper {
            keeper.close();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

/// The command for the writer, and where its answer comes.
fn asked(batch: Vec<Submission>) -> (Command, oneshot::Receiver<Result<Vec<Receipt>, StoreError>>) {
    let (reply, answer) = oneshot::channel();
    let batch = prepared(batch);
    (Command::Append { batch, reply }, answer)
}

/// What is expensive and needs no order is done by whoever submits, not by the writer.
fn prepared(batch: Vec<Submission>) -> Vec<Prepared> {
    batch
        .into_iter()
        .map(|Submission { draft, digest }| {
            let mut body = Vec::with_capacity(512);
            encode_body(&draft, &mut body);
            Prepared {
                draft,
                digest,
                body,
            }
        })
        .collect()
}
