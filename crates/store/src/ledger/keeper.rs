//! The thread that enters closed blocks into the ledger and publishes it.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use admintrail_event::{LogId, Micros, Seq};
use admintrail_ledger::{Checkpoint, LedgerEntry, LedgerError, Statement};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use parking_lot::{Mutex, RwLock};

use super::block::{Hashed, Hashing, ToKeep};
use super::opening::Opened;
use super::status::LedgerState;
use crate::archive::Block;
use crate::hot::HotBlocks;
use crate::mirror::Mirror;
use crate::random::random;
use crate::{Steps, StoreError};

/// How often blocks are entered; a checkpoint costs a few syncs however many there are.
const EVERY: Duration = Duration::from_secs(1);
/// Blocks that are entered together.
const MOST_BLOCKS: usize = 512;
/// Requests that may wait.
const REQUESTS: usize = 16;

/// What the keeper works with.
pub(crate) struct KeeperParts {
    pub(crate) log: LogId,
    pub(crate) clock: Arc<dyn Fn() -> Micros + Send + Sync>,
    pub(crate) mirror: Arc<Mirror>,
    pub(crate) blocks: Arc<Mutex<HotBlocks>>,
    pub(crate) steps: Steps,
}

type Answer<T = ()> = std::sync::mpsc::Sender<Result<T, StoreError>>;

/// What the ledger is to say.
struct Said {
    statement: Statement,
    kept: ToKeep,
    /// The key of the erasure that it announces.
    erasure: Option<[u8; 32]>,
}

/// What the keeper is asked.
enum Request {
    /// Enter every closed block and publish; then answer.
    CatchUp(Answer),
    /// Answer with every statement and its place.
    Statements(Answer<Vec<(u64, Statement)>>),
    /// Say so in the ledger, keep this of the blocks it is about, and publish; then answer with its place.
    Declare(Box<Said>, Answer<u64>),
    /// Keep this of events that a statement is about and that are to be rewritten; then answer.
    Keep(ToKeep, Answer),
    /// The erasure with this statement is done; then answer.
    ErasureDone(Option<u64>, Answer),
    /// All events of a range are gone: what is private about their blocks goes, too; then answer.
    Forget((Seq, Seq), Answer),
    Close,
}

/// A handle to the keeper's thread; clones ask the same one.
#[derive(Clone)]
pub(crate) struct Keeper {
    requests: Sender<Request>,
    state: Arc<RwLock<LedgerState>>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Keeper {
    pub(crate) fn start(parts: KeeperParts, opened: Opened) -> std::io::Result<Self> {
        let state = Arc::new(RwLock::new(opened.state.clone()));
        parts.blocks.lock().published(opened.state.next_seq);
        let (requests, inbox) = crossbeam_channel::bounded(REQUESTS);
        let work = Work {
            parts,
            behind: opened.behind,
            opened,
            state: Arc::clone(&state),
        };
        let thread = std::thread::Builder::new()
            .name("trail-ledger".to_owned())
            .spawn(move || work.run(&inbox))?;
        Ok(Self {
            requests,
            state,
            thread: Arc::new(Mutex::new(Some(thread))),
        })
    }

    pub(crate) fn state(&self) -> LedgerState {
        self.state.read().clone()
    }

    /// Waits until every closed block is published.
    pub(crate) fn catch_up(&self) -> Result<(), StoreError> {
        self.ask(Request::CatchUp)
    }

    /// Waits until the ledger says this; the statement's place. What it speaks of may be done
    /// afterwards, not before.
    pub(crate) fn declare(
        &self,
        statement: Statement,
        kept: ToKeep,
        erasure: Option<[u8; 32]>,
    ) -> Result<u64, StoreError> {
        let said = Box::new(Said {
            statement,
            kept,
            erasure,
        });
        self.ask(|answer| Request::Declare(said, answer))
    }

    /// Every statement of the ledger, published or not, with its place.
    pub(crate) fn statements(&self) -> Result<Vec<(u64, Statement)>, StoreError> {
        self.ask(Request::Statements)
    }

    /// Keeps what is needed of events before they are rewritten.
    pub(crate) fn keep(&self, kept: ToKeep) -> Result<(), StoreError> {
        self.ask(|answer| Request::Keep(kept, answer))
    }

    /// All events of an erasure are rewritten, and what was destroyed for it is to be found nowhere.
    pub(crate) fn erasure_done(&self, statement: Option<u64>) -> Result<(), StoreError> {
        self.ask(|answer| Request::ErasureDone(statement, answer))
    }

    /// Destroys what is private about the blocks of a range, all of whose events are gone.
    pub(crate) fn forget(&self, range: (Seq, Seq)) -> Result<(), StoreError> {
        self.ask(|answer| Request::Forget(range, answer))
    }

    fn ask<T>(&self, request: impl FnOnce(Answer<T>) -> Request) -> Result<T, StoreError> {
        let (reply, answer) = std::sync::mpsc::channel();
        self.requests
            .send(request(reply))
            .map_err(|_| StoreError::Closed)?;
        answer.recv().map_err(|_| StoreError::Closed)?
    }

    /// Publishes what there is and ends. Safe to call again.
    pub(crate) fn close(&self) {
        let Some(thread) = self.thread.lock().take() else {
            return;
        };
        let _ = self.requests.send(Request::Close);
        let _ = thread.join();
    }
}

struct Work {
    parts: KeeperParts,
    opened: Opened,
    state: Arc<RwLock<LedgerState>>,
    /// Something was appended that no checkpoint covers.
    behind: bool,
}

impl Work {
    fn run(mut self, inbox: &Receiver<Request>) {
        let mut due = Instant::now();
        loop {
            match inbox.recv_timeout(due.saturating_duration_since(Instant::now())) {
                Err(RecvTimeoutError::Timeout) => {
                    let done = self.catch_up();
                    self.note(done);
                    due = Instant::now() + EVERY;
                }
                Ok(Request::CatchUp(reply)) => {
                    let done = self.catch_up();
                    self.note(done.clone());
                    let _ = reply.send(done);
                }
                Ok(Request::Declare(said, reply)) => {
                    let done = self.declare(&said);
                    self.note(done.clone().map(drop));
                    let _ = reply.send(done);
                }
                Ok(Request::Statements(reply)) => {
                    let _ = reply.send(self.opened.database.read_statements());
                }
                Ok(Request::Keep(kept, reply)) => {
                    let _ = reply.send(self.opened.database.keep(&kept));
                }
                Ok(Request::ErasureDone(statement, reply)) => {
                    let _ = reply.send(self.opened.database.erasure_done(statement));
                }
                Ok(Request::Forget(range, reply)) => {
                    let _ = reply.send(self.opened.database.forget(range));
                }
                Ok(Request::Close) | Err(RecvTimeoutError::Disconnected) => {
                    let done = self.catch_up();
                    self.note(done);
                    return;
                }
            }
        }
    }

    fn catch_up(&mut self) -> Result<(), StoreError> {
        loop {
            let closed = self.parts.blocks.lock().from(self.opened.next, MOST_BLOCKS);
            if !closed.is_empty() {
                self.enter(&closed)?;
            }
            if self.behind {
                self.publish()?;
            }
            if closed.is_empty() {
                return Ok(());
            }
        }
    }

    /// Enters blocks; they are not published yet.
    fn enter(&mut self, closed: &[Block]) -> Result<(), StoreError> {
        let hashed: Vec<Hashed> = closed
            .iter()
            .map(|block| self.hash(block))
            .collect::<Result<_, _>>()?;
        self.opened.database.add_blocks(&hashed)?;
        self.parts.steps.reached("blocks entered");
        self.behind = true;
        for block in &hashed {
            let entry = LedgerEntry::from(block.entry).to_bytes();
            self.append(&entry)?;
            self.opened.next = Seq(block.entry.last().0 + 1);
        }
        Ok(())
    }

    fn hash(&self, block: &Block) -> Result<Hashed, StoreError> {
        let key = random()?;
        let mut hashing = Hashing::begin(self.parts.log, block, key);
        let mut done = Ok(());
        self.parts.mirror.between(block.seqs(), |fields| {
            if done.is_ok() {
                done = hashing.take(fields);
            }
        });
        let hashed = done
            .and_then(|()| hashing.end())
            .map_err(|error| cannot(&error))?;
        if hashed.entry.count() == block.count {
            Ok(hashed)
        } else {
            Err(cannot(&LedgerError::NotEntry {
                cause: "events of it are missing",
            }))
        }
    }

    fn append(&mut self, entry: &[u8]) -> Result<(), StoreError> {
        let appended = self.opened.tiles.append(entry);
        appended.map(drop).map_err(|error| cannot(&error))
    }

    fn declare(&mut self, said: &Said) -> Result<u64, StoreError> {
        // What it is about stands before it.
        self.catch_up()?;
        let Said {
            statement,
            kept,
            erasure,
        } = said;
        let database = &mut self.opened.database;
        let place = database.add_statement(statement, kept, erasure.as_ref(), None)?;
        self.parts.steps.reached("statement entered");
        self.behind = true;
        self.append(&LedgerEntry::from(statement.clone()).to_bytes())?;
        self.publish()?;
        Ok(place)
    }

    fn publish(&mut self) -> Result<(), StoreError> {
        let Opened {
            tiles,
            published,
            key,
            database,
            ..
        } = &mut self.opened;
        tiles.write_to(published).map_err(|error| cannot(&error))?;
        self.parts.steps.reached("tiles written");
        let head = tiles.head();
        let note = Checkpoint::new(key.name(), head)
            .sign(key)
            .map_err(|error| cannot(&error))?;
        published
            .publish(&note)
            .map_err(|error| StoreError::CannotRecord {
                cause: format!("the ledger's checkpoint cannot be written: {error}"),
            })?;
        self.parts.steps.reached("checkpoint published");
        database.published(head.size)?;
        self.behind = false;
        let mut state = self.state.write();
        state.entries = head.size;
        state.next_seq = self.opened.next;
        state.checkpoint = note;
        state.published = Some((self.parts.clock)());
        drop(state);
        self.parts.blocks.lock().published(self.opened.next);
        Ok(())
    }

    /// Keeps in mind since when it fails, or that it does not any more; said once in the log.
    fn note(&self, done: Result<(), StoreError>) {
        let mut state = self.state.write();
        match done {
            Ok(()) => state.failing = None,
            Err(error) => {
                if state.failing.is_none() {
                    tracing::error!(code = error.code(), %error, "the ledger cannot be written; events are recorded all the same and wait for it");
                    state.failing = Some(((self.parts.clock)(), error.to_string()));
                }
            }
        }
    }
}

fn cannot(error: &LedgerError) -> StoreError {
    StoreError::CannotRecord {
        cause: error.to_string(),
    }
}
