//! The published ledger as plain files: `ledger/checkpoint` and `ledger/tile/…`. Full tiles never
//! change, so the folder can be copied at any moment and as often as one likes.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use admintrail_ledger::{TileId, TileSink, TileSource};

/// The folder of the published ledger.
#[derive(Debug, Clone)]
pub(crate) struct Published {
    dir: PathBuf,
}

impl Published {
    /// Below a data folder.
    pub(crate) fn below(dir: &Path) -> Self {
        Self {
            dir: dir.join("ledger"),
        }
    }

    /// The checkpoint as it was published; `None` before the first one.
    pub(crate) fn checkpoint(&self) -> io::Result<Option<Vec<u8>>> {
        read(&self.dir.join("checkpoint"))
    }

    /// Replaces the checkpoint; durable when this returns.
    pub(crate) fn publish(&self, note: &str) -> io::Result<()> {
        write_whole(&self.dir.join("checkpoint"), note.as_bytes())
    }

    /// Every file below `tile/`, by its path as a tile has it.
    pub(crate) fn files(&self) -> io::Result<Vec<String>> {
        let mut found = Vec::new();
        let mut folders = vec![self.dir.join("tile")];
        while let Some(folder) = folders.pop() {
            let entries = match fs::read_dir(&folder) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                entries => entries?,
            };
            for entry in entries {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                } else if let Ok(below) = path.strip_prefix(&self.dir) {
                    found.push(below.to_string_lossy().into_owned());
                }
            }
        }
        Ok(found)
    }

    fn path(&self, tile: &TileId) -> PathBuf {
        self.dir.join(tile.to_string())
    }

    /// Removes the partial tiles that a full one has taken the place of; whoever looks for one reads
    /// the full one instead.
    fn remove_partial(&self, tile: &TileId) {
        let folder = self.dir.join(tile.partial_folder());
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(path = %folder.display(), %error, "partial tiles stay");
            }
            _ => {}
        }
    }
}

impl TileSource for Published {
    fn read(&self, tile: &TileId) -> io::Result<Option<Vec<u8>>> {
        read(&self.path(tile))
    }
}

impl TileSink for Published {
    fn write(&mut self, tile: &TileId, bytes: &[u8]) -> io::Result<()> {
        let path = self.path(tile);
        // A full tile that is there already is the same: a start may write it again.
        if !tile.is_partial() && read(&path)?.as_deref() == Some(bytes) {
            return Ok(());
        }
        write_whole(&path, bytes)?;
        if !tile.is_partial() {
            self.remove_partial(tile);
        }
        Ok(())
    }
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// All of it or nothing, and durable.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    make_folder(folder)?;
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&part, path)?;
    File::open(folder)?.sync_all()
}

fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    // The new names are in the folders above.
    for above in folder.ancestors().skip(1).take(6) {
        match File::open(above).and_then(|folder| folder.sync_all()) {
            Ok(()) => {}
            Err(_) => break,
        }
    }
    Ok(())
}
