//! The few file operations of the journal, behind a seam so that tests can let each of them fail.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

/// A folder's files.
pub(crate) trait Disk: Send + Sync + 'static {
    /// Makes a new file, readable by the owner only; it must not exist.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn SegmentFile>>;
    /// Opens a file whose first `size` bytes are allocated on the disk, or allocates them.
    fn reserve(&self, path: &Path, size: usize) -> io::Result<Arc<dyn SegmentFile>>;
    /// Makes the folder's entries durable.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
}

/// A segment that is written.
pub(crate) trait SegmentFile: Send + Sync + 'static {
    /// Writes all bytes at an offset, so that a failed write is overwritten by the next one.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// `fdatasync`.
    fn sync(&self) -> io::Result<()>;
}

/// The real one.
#[derive(Debug)]
pub(crate) struct RealDisk;

impl Disk for RealDisk {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn SegmentFile>> {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        Ok(Arc::new(file))
    }

    fn reserve(&self, path: &Path, size: usize) -> io::Result<Arc<dyn SegmentFile>> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)?;
        let length = file.metadata()?.len();
        let missing = size.saturating_sub(usize::try_from(length).unwrap_or(size));
        if missing > 0 {
            // Bytes, not a hole: a hole has no blocks.
            file.write_all_at(&vec![b'-'; missing], length)?;
            file.sync_all()?;
            if let Some(folder) = path.parent() {
                self.sync_folder(folder)?;
            }
        }
        Ok(Arc::new(file))
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }
}

impl SegmentFile for File {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}
