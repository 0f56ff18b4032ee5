//! The thread that moves the oldest hot events into the archive, and looks after the archive.

mod age;
mod erase;
mod upkeep;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use admintrail_event::{LogId, Micros, Seq};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use parking_lot::{Mutex, RwLock};
use tokio::sync::{mpsc, oneshot};

use crate::archive::{Archive, Block, Name, Run, Segment};
use crate::columns::Chunk;
use crate::derived::{Judging, Kept, Sessions};
use crate::erasure::{Begun, Erased, ErasureOrder};
use crate::hot::{Command, HotBlocks, Registration, Sealed};
use crate::ledger::Keeper;
use crate::mirror::Mirror;
use crate::retention::RetentionState;
use crate::trail::Tuning;
use crate::{Steps, StoreError};
pub(crate) use erase::Progress;

/// How often it looks even if nobody wakes it.
const EVERY: Duration = Duration::from_secs(1);
/// After a failure it waits so long.
const PAUSE: Duration = Duration::from_secs(5);
/// Snapshots of what is derived may take this part of the time.
const SNAPSHOT_SHARE: u32 = 20;

/// What the sealer tells everyone else.
#[derive(Debug, Clone, Default)]
pub(crate) struct SealerStatus {
    /// Why nothing can be sealed, and since when.
    sealing: Option<(Micros, String)>,
    /// Why what is too old cannot be dropped.
    dropping: Option<(Micros, String)>,
    /// Why what is small cannot be joined.
    joining: Option<(Micros, String)>,
    /// Why an erasure that was begun cannot be ended.
    erasing: Option<(Micros, String)>,
}

impl SealerStatus {
    /// Why something cannot be done, and since when.
    pub(crate) fn failing(&self) -> Option<(Micros, String)> {
        let mut all = [&self.sealing, &self.erasing, &self.dropping, &self.joining].into_iter();
        all.find_map(Clone::clone)
    }
}

/// What the sealer works with.
pub(crate) struct SealerParts {
    pub(crate) dir: PathBuf,
    pub(crate) log: LogId,
    pub(crate) clock: Arc<dyn Fn() -> Micros + Send + Sync>,
    pub(crate) archive: Arc<dyn Archive>,
    pub(crate) mirror: Arc<Mirror>,
    pub(crate) judging: Arc<RwLock<Judging>>,
    pub(crate) sessions: Arc<RwLock<Sessions>>,
    pub(crate) blocks: Arc<Mutex<HotBlocks>>,
    pub(crate) commands: mpsc::Sender<Command>,
    /// Nothing is sealed or dropped that it does not know; `None` without a ledger.
    pub(crate) keeper: Option<Keeper>,
    pub(crate) status: Arc<RwLock<SealerStatus>>,
    pub(crate) retention: Arc<RwLock<RetentionState>>,
    /// By which the clock was right when retention looked last; from an earlier run.
    pub(crate) clock_seen: Option<Micros>,
    pub(crate) broken: Arc<Mutex<Vec<(Name, StoreError)>>>,
    /// An erasure that an earlier run did not end.
    pub(crate) erasing: Option<Begun>,
    pub(crate) tuning: Tuning,
    pub(crate) steps: Steps,
}

/// Where an errand's end is told.
pub(crate) type Answer<T = ()> = std::sync::mpsc::Sender<Result<T, StoreError>>;

/// What the sealer is asked.
pub(crate) enum Errand {
    /// There may be enough to seal.
    Look,
    /// Seal everything that is in closed blocks, whatever there is; then answer.
    SealAll(Answer),
    /// Drop what is too old, join small segments, look whether all files are there; then answer.
    Upkeep(Answer),
    /// The clock is right, somebody says; then answer.
    TrustClock(Answer),
    /// Erase somebody from everything that was accepted so far; then answer.
    Erase(Box<ErasureOrder>, Progress, Answer<Erased>),
    Close,
}

/// A handle to the sealer's thread.
pub(crate) struct Sealer {
    errands: Sender<Errand>,
    /// What takes long is to end early; the next start goes on with it.
    closing: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Sealer {
    pub(crate) fn start(
        mut parts: SealerParts,
        (errands, inbox): (Sender<Errand>, Receiver<Errand>),
    ) -> std::io::Result<Self> {
        let closing = Arc::new(AtomicBool::new(false));
        let work = Work {
            closing: Arc::clone(&closing),
            age: age::Age::new(parts.clock_seen.or(parts.mirror.last_received())),
            upkeep: upkeep::Upkeep::default(),
            erasing: parts.erasing.take(),
            parts,
            tick_due: Instant::now() + EVERY,
            snapshot_due: Instant::now(),
            rest_until: None,
        };
        let thread = std::thread::Builder::new()
            .name("trail-sealer".to_owned())
            .spawn(move || work.run(&inbox))?;
        Ok(Self {
            errands,
            closing,
            thread: Mutex::new(Some(thread)),
        })
    }

    pub(crate) fn ask(&self, errand: Errand) -> Result<(), StoreError> {
        self.errands.send(errand).map_err(|_| StoreError::Closed)
    }

    /// Finishes what is under way and ends. Safe to call again.
    pub(crate) fn close(&self) {
        let Some(thread) = self.thread.lock().take() else {
            return;
        };
        self.closing.store(true, Ordering::Relaxed);
        let _ = self.errands.send(Errand::Close);
        let _ = thread.join();
    }
}

struct Work {
    parts: SealerParts,
    closing: Arc<AtomicBool>,
    /// When it is to look after things next, however much else there is to do.
    tick_due: Instant,
    /// When the next snapshot may be taken.
    snapshot_due: Instant,
    /// After a failure.
    rest_until: Option<Instant>,
    age: age::Age,
    upkeep: upkeep::Upkeep,
    /// What is left to be done of an erasure; nothing is dropped or joined before that.
    erasing: Option<Begun>,
}

impl Work {
    fn run(mut self, inbox: &Receiver<Errand>) {
        loop {
            let now = Instant::now();
            match inbox.recv_timeout(self.tick_due.saturating_duration_since(now)) {
                Ok(Errand::Look) | Err(RecvTimeoutError::Timeout) => {}
                Ok(Errand::SealAll(reply)) => {
                    let done = self.seal_all();
                    let _ = reply.send(done);
                }
                Ok(Errand::Upkeep(reply)) => {
                    let done = self.end_erasure();
                    let done = done.and_then(|()| self.drop_old());
                    let _ = reply.send(done.and_then(|()| self.keep_up()));
                }
                Ok(Errand::TrustClock(reply)) => {
                    let done = self.end_erasure().and_then(|()| self.trust_clock());
                    let _ = reply.send(done);
                }
                Ok(Errand::Erase(order, told, reply)) => {
                    let _ = reply.send(self.erase(&order, &told));
                }
                Ok(Errand::Close) | Err(RecvTimeoutError::Disconnected) => {
                    self.snapshot();
                    return;
                }
            }
            if Instant::now() >= self.tick_due {
                self.tick();
                self.tick_due = Instant::now() + EVERY;
            }
            self.look();
        }
    }

    fn tick(&mut self) {
        let _ = self.parts.commands.blocking_send(Command::Tick);
        if self.erasing.is_some() && self.rest_until.is_none() {
            let done = self.end_erasure();
            if done.is_err() {
                self.rest_until = Some(Instant::now() + PAUSE);
            }
            if matches!(done, Err(StoreError::Closed)) {
                return;
            }
            self.note(&mut self.parts.status.write().erasing, done.err());
        }
        if self.erasing.is_some() {
            return;
        }
        if let Some(done) = self.drop_old_if_due() {
            self.note(&mut self.parts.status.write().dropping, done.err());
        }
        if let Some(done) = self.keep_up_if_due() {
            self.note(&mut self.parts.status.write().joining, done.err());
        }
    }

    /// Seals while there is enough.
    fn look(&mut self) {
        if self.rest_until.is_some_and(|until| Instant::now() < until) {
            return;
        }
        self.rest_until = None;
        while self.parts.mirror.chunked().0 >= self.parts.tuning.seal_at {
            let blocks = self.parts.blocks.lock().oldest(self.parts.tuning.seal);
            match self.seal(blocks) {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    self.note(&mut self.parts.status.write().sealing, Some(error));
                    self.rest_until = Some(Instant::now() + PAUSE);
                    return;
                }
            }
        }
    }

    fn seal_all(&mut self) -> Result<(), StoreError> {
        let (done, closed) = oneshot::channel();
        self.parts
            .commands
            .blocking_send(Command::CloseBlock(done))
            .map_err(|_| StoreError::Closed)?;
        closed.blocking_recv().map_err(|_| StoreError::Closed)?;
        self.catch_up()?;
        self.parts.mirror.make_all_chunks();
        loop {
            let blocks = self.parts.blocks.lock().oldest(self.parts.tuning.seal);
            if !self.seal(blocks)? {
                return Ok(());
            }
        }
    }

    /// Waits until the ledger has every closed block.
    fn catch_up(&self) -> Result<(), StoreError> {
        self.parts.keeper.as_ref().map_or(Ok(()), Keeper::catch_up)
    }

    /// Seals the events of these blocks; `false` if they cannot be sealed yet.
    fn seal(&mut self, mut blocks: Vec<Block>) -> Result<bool, StoreError> {
        let parts = &self.parts;
        let (_, chunked) = parts.mirror.chunked();
        let end = |block: &Block| Seq(block.first_seq + u64::from(block.count) - 1);
        // What is not in columns yet waits.
        blocks.retain(|block| end(block) <= chunked);
        let (Some(first), Some(last)) = (
            blocks.first().map(|b| Seq(b.first_seq)),
            blocks.last().map(end),
        ) else {
            return Ok(false);
        };
        let (chunks, rest) = parts.mirror.split(last);
        let run = Run {
            log: parts.log,
            seqs: (first, last),
            generation: 0,
            chunks: &chunks,
            blocks,
        };
        let segment = parts.archive.write(&run).map_err(|error| cannot(&error))?;
        let sessions = sessions_after(&parts.mirror, last, rest.as_deref());
        self.register(Registration {
            add: vec![segment],
            sealed: Some(Sealed {
                last,
                rest,
                sessions,
            }),
            ..Registration::default()
        })?;
        self.parts.status.write().sealing = None;
        if Instant::now() >= self.snapshot_due {
            self.snapshot();
        }
        self.parts.steps.reached("sealed");
        Ok(true)
    }

    /// The next generation of a segment, with these events; it counts once it is registered.
    fn rewritten(
        &self,
        segment: &Segment,
        chunks: &[Arc<Chunk>],
    ) -> Result<Arc<Segment>, StoreError> {
        let run = Run {
            log: segment.log(),
            seqs: (segment.name.first, segment.name.last),
            generation: segment.name.generation + 1,
            chunks,
            blocks: segment.blocks().map_err(|error| cannot(&error))?,
        };
        self.parts
            .archive
            .write(&run)
            .map_err(|error| cannot(&error))
    }

    /// Has the writer change which segments there are.
    fn register(&self, mut registration: Registration) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        registration.reply = reply;
        self.parts
            .commands
            .blocking_send(Command::Register(Box::new(registration)))
            .map_err(|_| StoreError::Closed)?;
        answer.blocking_recv().map_err(|_| StoreError::Closed)?
    }

    /// Keeps what is derived, so that a start need not read all segments.
    fn snapshot(&mut self) {
        if let Err(error) = self.keep_derived() {
            tracing::warn!(%error, "what makes the next start fast could not be kept");
        }
    }

    fn keep_derived(&mut self) -> std::io::Result<()> {
        let parts = &self.parts;
        let begun = Instant::now();
        let kept = {
            let (judging, sessions) = (parts.judging.read(), parts.sessions.read());
            // What is hot is derived anew in any case.
            let sealed = parts
                .mirror
                .segments()
                .last()
                .map_or(Seq(0), |s| s.name.last);
            Kept::of(&judging, &sessions, parts.log, sealed)
        };
        parts.steps.reached("snapshot begun");
        let written = kept.write(&parts.dir);
        self.snapshot_due = Instant::now() + begun.elapsed() * SNAPSHOT_SHARE;
        written
    }

    /// Keeps in mind since when something fails, or that it does not any more; said once in the log.
    fn note(&self, failing: &mut Option<(Micros, String)>, error: Option<StoreError>) {
        let Some(error) = error else {
            *failing = None;
            return;
        };
        if failing.is_none() {
            tracing::error!(code = error.code(), %error, "the archive cannot be written; events stay where they are");
            *failing = Some(((self.parts.clock)(), error.to_string()));
        }
    }
}

fn cannot(error: &std::io::Error) -> StoreError {
    let cause = match error.kind() {
        std::io::ErrorKind::StorageFull => "disk full".to_owned(),
        _ => error.to_string(),
    };
    StoreError::CannotRecord { cause }
}

/// The sessions of what is hot after a seq and in chunks, and the last seq of those.
fn sessions_after(mirror: &Mirror, last: Seq, rest: Option<&Chunk>) -> (Sessions, Seq) {
    let mut sessions = Sessions::default();
    let mut upto = last;
    if let Some(rest) = rest {
        sessions.count_chunk(rest);
        upto = rest.seqs().1;
    }
    for chunk in mirror.snapshot().chunks {
        if chunk.seqs().0 > upto {
            sessions.count_chunk(&chunk);
            upto = chunk.seqs().1;
        }
    }
    (sessions, upto)
}
