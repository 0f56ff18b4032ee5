//! The append-only journal of openings: what was begun and is not yet durable elsewhere.
//!
//! `write()` before a request is forwarded survives `kill -9`; `fdatasync` survives power loss.
//! All syncing is done by one thread of its own, so that waiting requests share one sync and no
//! async thread ever blocks on a disk. There is one segment at a time: a full or failed one is
//! replaced by a fresh one that takes over what is still open, then deleted. A descriptor whose
//! sync failed is never tried again, because the kernel may have dropped the pages it could not
//! write.

mod disk;
mod draft_bytes;
#[cfg(test)]
pub(crate) mod faulty;
mod frame;
#[cfg(test)]
pub(crate) mod reading;
mod record;
mod recovery;
mod reserve;
#[cfg(test)]
mod reserve_tests;
mod syncer;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use admintrail_event::{Draft, EventId, Micros, PanelName};
use hashbrown::HashMap;
use parking_lot::{Condvar, Mutex, MutexGuard};
use tokio::sync::oneshot;

pub(crate) use disk::{Disk, RealDisk, SegmentFile};

use crate::health::{Cause, Health};
use reserve::Reserve;

/// A segment past this size is replaced.
const SEGMENT_BYTES: u64 = 8 << 20;

/// A write that needs no sync of its own is synced within this time (the promise is 50 ms; the
/// sync itself takes its share).
const SYNC_WITHIN: Duration = Duration::from_millis(35);

/// Between attempts to open a fresh segment while the disk refuses.
const RETRY_AFTER: Duration = Duration::from_millis(250);

/// The opening could not be written (or synced); why is in [`Health`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotWritten;

/// Completes when what was written before it is durable.
pub(crate) type Synced = oneshot::Receiver<Result<(), NotWritten>>;

/// Openings that are written together, and what became of them.
type Batch = Arc<AtomicU8>;

const GATHERED: u8 = 0;
const WRITTEN: u8 = 1;
const FAILED: u8 = 2;

/// An opening that waits for [`Journal::write_gathered`].
pub(crate) struct Gathered(Batch);

/// The journal of one folder.
pub(crate) struct Journal {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
    lock: Mutex<Option<std::fs::File>>,
}

struct Shared {
    folder: PathBuf,
    disk: Arc<dyn Disk>,
    health: Arc<Health>,
    reserve: Reserve,
    state: Mutex<State>,
    wake: Condvar,
}

struct State {
    /// `None` while no segment can be written.
    active: Option<Active>,
    /// Earlier segments, kept until the active one has taken over and is durable.
    old: Vec<PathBuf>,
    /// The framed opening of everything that is open, to be carried over into a fresh segment.
    open: HashMap<EventId, Vec<u8>>,
    /// Number of the next segment.
    next: u64,
    /// The active segment is replaced above this length.
    replace_above: u64,
    /// Framed openings that are not written yet, and their batch.
    gathered: Vec<u8>,
    batch: Batch,
    /// When written bytes must be synced at the latest.
    sync_by: Option<Instant>,
    /// Who waits for a sync.
    waiters: Vec<oneshot::Sender<Result<(), NotWritten>>>,
    /// Not before this moment is a fresh segment tried again.
    retry_at: Option<Instant>,
    closing: bool,
    /// Who waits for a fresh segment.
    renewals: Vec<std::sync::mpsc::Sender<io::Result<()>>>,
}

struct Active {
    file: Arc<dyn SegmentFile>,
    path: PathBuf,
    length: u64,
}

impl Journal {
    /// Opens the folder, takes over what an earlier run left open and returns it, oldest first.
    /// A full disk is no error: the journal starts failing and recovers by itself.
    pub(crate) fn start(
        folder: &Path,
        disk: Arc<dyn Disk>,
        health: Arc<Health>,
    ) -> io::Result<(Self, Vec<Draft>)> {
        make_private_folder(folder)?;
        let lock = lock_folder(folder)?;
        let mut found = recovery::read(folder)?;
        let reserve = Reserve::start(folder.join("reserve"), Arc::clone(&disk))?;
        for gap in reserve.earlier() {
            if !found.open.iter().any(|draft| draft.id == gap.id) {
                found.open.push(gap);
            }
        }
        let open = found
            .open
            .iter()
            .map(|draft| (draft.id, framed(draft)))
            .collect();
        let shared = Arc::new(Shared {
            folder: folder.to_owned(),
            disk,
            health,
            reserve,
            state: Mutex::new(State {
                active: None,
                old: found.segments,
                open,
                next: found.last + 1,
                replace_above: SEGMENT_BYTES,
                gathered: Vec::new(),
                batch: Batch::default(),
                sync_by: None,
                waiters: Vec::new(),
                retry_at: None,
                closing: false,
                renewals: Vec::new(),
            }),
            wake: Condvar::new(),
        });
        match shared.renew() {
            Err(error) if error.kind() != io::ErrorKind::StorageFull => return Err(error),
            _ => {}
        }
        let syncing = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("journal-sync".to_owned())
            .spawn(move || syncing.run())?;
        let journal = Self {
            shared,
            thread: Mutex::new(Some(thread)),
            lock: Mutex::new(Some(lock)),
        };
        Ok((journal, found.open))
    }

    /// Writes what nobody else will ever tell of again: a count, the start, the stop. While the disk
    /// refuses it is held, and goes into the next segment. Says whether it was written.
    pub(crate) fn keep(&self, draft: &Draft) -> bool {
        let bytes = framed(draft);
        let mut state = self.shared.state.lock();
        state.open.insert(draft.id, bytes.clone());
        let written = self.shared.append(&mut state, &bytes).is_ok();
        if written {
            self.sync_soon(state, false);
        }
        written
    }

    /// Counts requests in what was set aside for a journal that cannot be written, until `holder`
    /// (a request, or the gap event that tells of them) is durable.
    pub(crate) fn count_unwritten(
        &self,
        panel: &PanelName,
        holder: EventId,
        requests: u64,
        now: Micros,
    ) {
        self.shared.reserve.count(panel, holder, requests, now);
        self.sync_soon(self.shared.state.lock(), false);
    }

    /// A request of which only a count is left, under a gap that could not be written.
    pub(crate) fn lost(&self, request: EventId, gap: EventId) {
        self.shared.reserve.hand_over(request, gap);
        self.release(&[request]);
    }

    /// Writes an opening that must be durable before the request goes on.
    pub(crate) fn open_durable(&self, draft: &Draft) -> Result<Synced, NotWritten> {
        let (waiter, synced) = oneshot::channel();
        let bytes = framed(draft);
        let mut state = self.shared.state.lock();
        self.shared.append(&mut state, &bytes)?;
        state.open.insert(draft.id, bytes);
        state.waiters.push(waiter);
        self.sync_soon(state, true);
        Ok(synced)
    }

    /// Takes an opening to be written together with others; the same id again replaces the earlier
    /// one. Nothing is written yet.
    pub(crate) fn gather(&self, draft: &Draft) -> Result<Gathered, NotWritten> {
        let bytes = framed(draft);
        let mut state = self.shared.state.lock();
        if state.active.is_none() {
            return Err(NotWritten);
        }
        state.gathered.extend_from_slice(&bytes);
        state.open.insert(draft.id, bytes);
        Ok(Gathered(Arc::clone(&state.batch)))
    }

    /// Writes what has been gathered, unless somebody has. Synced within 50 ms.
    pub(crate) fn write_gathered(&self, gathered: &Gathered) -> Result<(), NotWritten> {
        if gathered.0.load(Ordering::Acquire) == GATHERED {
            let mut state = self.shared.state.lock();
            if gathered.0.load(Ordering::Acquire) == GATHERED {
                self.shared.append(&mut state, &[])?;
                self.sync_soon(state, false);
            }
        }
        match gathered.0.load(Ordering::Acquire) {
            WRITTEN => Ok(()),
            _ => Err(NotWritten),
        }
    }

    fn sync_soon(&self, mut state: MutexGuard<'_, State>, urgent: bool) {
        let asleep = state.sync_by.is_none();
        if asleep {
            state.sync_by = Some(Instant::now() + SYNC_WITHIN);
        }
        drop(state);
        if asleep || urgent {
            self.shared.wake.notify_one();
        }
    }

    /// These events are durable elsewhere. A release that is lost costs a second delivery of the
    /// same id, which changes nothing; so it is never waited for.
    pub(crate) fn release(&self, ids: &[EventId]) {
        let mut state = self.shared.state.lock();
        if self.shared.reserve.settle(ids.iter()) {
            let by = Instant::now() + SYNC_WITHIN;
            state.sync_by.get_or_insert(by);
            self.shared.wake.notify_one();
        }
        let mut released = Vec::with_capacity(ids.len());
        released.extend(ids.iter().filter(|id| state.open.remove(*id).is_some()));
        if released.is_empty() {
            return;
        }
        let mut bytes = Vec::with_capacity(16 + released.len() * 16);
        record::release(&released, &mut bytes);
        // Failing leaves the openings released in memory; the fresh segment will not hold them.
        let _ = self.shared.append(&mut state, &bytes);
        if state
            .active
            .as_ref()
            .is_none_or(|active| active.length > state.replace_above)
        {
            drop(state);
            self.shared.wake.notify_one();
        }
    }

    /// Begins a fresh segment with nothing but what is open: of what was released nothing stays in the
    /// folder. Blocks until the earlier ones are gone.
    ///
    /// # Errors
    /// Why it could not be written; then the earlier ones are still there.
    pub(crate) fn renew(&self) -> io::Result<()> {
        let stopped = || io::Error::other("recording has stopped");
        let (done, renewed) = std::sync::mpsc::channel();
        let mut state = self.shared.state.lock();
        if state.closing {
            return Err(stopped());
        }
        state.renewals.push(done);
        drop(state);
        self.shared.wake.notify_one();
        renewed.recv().map_err(|_| stopped())?
    }

    /// Syncs, ends the thread and gives the folder free. In order (`all_done`), an empty journal
    /// leaves no file.
    pub(crate) fn close(&self, all_done: bool) {
        self.shared.state.lock().closing = true;
        self.shared.wake.notify_one();
        let thread = self.thread.lock().take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the journal's sync thread had panicked");
        }
        self.shared.reserve.close();
        let mut state = self.shared.state.lock();
        let active = state.active.take();
        if all_done && state.open.is_empty() && self.lock.lock().is_some() {
            for path in active
                .map(|a| a.path)
                .into_iter()
                .chain(std::mem::take(&mut state.old))
            {
                let _ = std::fs::remove_file(path);
            }
        }
        drop(state);
        self.lock.lock().take();
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.close(false);
    }
}

fn framed(draft: &Draft) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(512);
    record::opening(draft, &mut bytes);
    bytes
}

fn make_private_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

/// Two processes on one journal would each take the other's openings for a crash.
fn lock_folder(folder: &Path) -> io::Result<std::fs::File> {
    let file = std::fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join("lock"))?;
    rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).map_err(
        |error| {
            io::Error::new(
                io::Error::from(error).kind(),
                format!(
                    "the journal {} is in use by another process",
                    folder.display()
                ),
            )
        },
    )?;
    Ok(file)
}

impl State {
    /// Tells everybody in the batch what became of it, and begins the next.
    fn end_batch(&mut self, end: u8) {
        self.gathered.clear();
        // Shared only if somebody waits.
        if Arc::strong_count(&self.batch) > 1 {
            std::mem::take(&mut self.batch).store(end, Ordering::Release);
        }
    }
}

impl Shared {
    /// Appends what was gathered, and this, to the active segment. A failure closes the segment;
    /// the thread opens a fresh one.
    fn append(&self, state: &mut State, bytes: &[u8]) -> Result<(), NotWritten> {
        let Some(active) = &mut state.active else {
            return Err(NotWritten);
        };
        state.gathered.extend_from_slice(bytes);
        match active.file.write_at(&state.gathered, active.length) {
            Ok(()) => {
                active.length += state.gathered.len() as u64;
                state.end_batch(WRITTEN);
                Ok(())
            }
            Err(error) => {
                self.give_up(state, &error);
                Err(NotWritten)
            }
        }
    }

    /// Closes the active segment after an error; everybody who waits for it is told.
    fn give_up(&self, state: &mut State, error: &io::Error) {
        if let Some(active) = state.active.take() {
            state.old.push(active.path);
        }
        state.end_batch(FAILED);
        state.sync_by = None;
        state.retry_at = None;
        for waiter in state.waiters.drain(..) {
            let _ = waiter.send(Err(NotWritten));
        }
        self.health.failed(Cause::Journal, &reason(error));
        self.wake.notify_one();
    }
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "disk full".to_owned(),
        _ => format!("the journal of openings cannot be written: {error}"),
    }
}
