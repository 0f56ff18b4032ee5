//! A disk for tests whose operations fail when told to.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::{Disk, RealDisk, SegmentFile};

/// A disk whose operations fail when told to.
#[derive(Default)]
pub(crate) struct Faults {
    pub(crate) create: AtomicUsize,
    pub(crate) write: AtomicUsize,
    pub(crate) sync: AtomicUsize,
    /// Syncs do not return while it is set.
    pub(crate) hangs: AtomicBool,
    pub(crate) syncs: AtomicUsize,
    pub(crate) sync_takes: Mutex<Duration>,
    /// Syncs asked of a file after one of its syncs had failed.
    pub(crate) retried: AtomicUsize,
}

/// Fails the `n`th from now on (1 = the next), or while it is `usize::MAX`, always.
fn fails(counter: &AtomicUsize, kind: io::ErrorKind) -> io::Result<()> {
    match counter.load(Ordering::SeqCst) {
        0 => Ok(()),
        usize::MAX => Err(kind.into()),
        n => {
            counter.store(n - 1, Ordering::SeqCst);
            if n == 1 { Err(kind.into()) } else { Ok(()) }
        }
    }
}

/// The real disk, with faults.
pub(crate) struct FaultyDisk(pub(crate) Arc<Faults>);

struct FaultyFile {
    faults: Arc<Faults>,
    inner: Arc<dyn SegmentFile>,
    failed: AtomicUsize,
}

impl Disk for FaultyDisk {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn SegmentFile>> {
        fails(&self.0.create, io::ErrorKind::StorageFull)?;
        let inner = RealDisk.create(path)?;
        Ok(Arc::new(FaultyFile {
            faults: Arc::clone(&self.0),
            inner,
            failed: AtomicUsize::new(0),
        }))
    }

    /// Blocks that are there stay writable, as on a full disk.
    fn reserve(&self, path: &Path, size: usize) -> io::Result<Arc<dyn SegmentFile>> {
        if !path.exists() {
            fails(&self.0.create, io::ErrorKind::StorageFull)?;
        }
        RealDisk.reserve(path, size)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        RealDisk.sync_folder(folder)
    }
}

impl SegmentFile for FaultyFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if let Err(error) = fails(&self.faults.write, io::ErrorKind::StorageFull) {
            // As a full disk does: a part arrives.
            self.inner.write_at(&bytes[..bytes.len() / 2], offset)?;
            return Err(error);
        }
        self.inner.write_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.faults.syncs.fetch_add(1, Ordering::SeqCst);
        if self.failed.load(Ordering::SeqCst) > 0 {
            self.faults.retried.fetch_add(1, Ordering::SeqCst);
        }
        while self.faults.hangs.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(*self.faults.sync_takes.lock());
        fails(&self.faults.sync, io::ErrorKind::Other).inspect_err(|_| {
            self.failed.fetch_add(1, Ordering::SeqCst);
        })?;
        self.inner.sync()
    }
}
