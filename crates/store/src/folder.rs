//! The data folder: made with narrow rights, held by one server at a time.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use crate::StoreError;

/// The exclusive right to write into a data folder; given back when dropped or when the process ends.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Makes the folder if it is missing and takes its lock.
    ///
    /// # Errors
    /// STORE-001 if another process holds it, STORE-002 if the folder cannot be made or written.
    pub(crate) fn take(dir: &Path) -> Result<Self, StoreError> {
        let not_writable = |path: &Path, error: &std::io::Error| StoreError::NotWritable {
            path: path.to_path_buf(),
            cause: error.to_string(),
        };
        if !dir.is_dir() {
            let mut builder = fs::DirBuilder::new();
            builder.recursive(true).mode(0o700);
            builder
                .create(dir)
                .map_err(|error| not_writable(dir, &error))?;
        }
        let path = dir.join("lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|error| not_writable(&path, &error))?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            let mut holder = String::new();
            let _ = file.read_to_string(&mut holder);
            return Err(StoreError::FolderLocked {
                path: dir.to_path_buf(),
                holder: holder.trim().parse().ok(),
            });
        }
        // Only to help people: the lock itself is the kernel's.
        let _ = file.set_len(0);
        let _ = file.seek(SeekFrom::Start(0));
        let _ = writeln!(file, "{}", std::process::id());
        Ok(Self { _file: file })
    }
}
