//! The tree as files: tiles of 256 hashes and bundles of 256 entries (C2SP tlog-tiles).
//!
//! A full tile never changes. One at the right edge is *partial*: each width of it is a file of its
//! own, which stays as it was written and may go once the full one is there. So whoever holds an old
//! checkpoint finds what it needs, and caches need no rules.
//!
//! Where the files are is not this room's business: [`TileSource`] reads them, [`TileSink`] writes
//! them.

mod bundle;
mod cache;
mod id;
mod read;
mod write;

pub use bundle::{MAX_ENTRY_BYTES, bundle_entries};
pub use id::{TileId, TileLevel};
pub use read::TileReader;
pub use write::{TileFile, TileWriter};

pub(crate) use bundle::push_entry;

use std::collections::BTreeMap;
use std::io;

/// Hashes of a full tile, entries of a full bundle.
pub const TILE_WIDTH: u16 = 256;

/// Where tiles are read from: a folder, a server, a map in a test.
pub trait TileSource {
    /// The bytes of one tile or bundle, `None` where there is no such file. They need not be
    /// checked: whoever reads does that.
    ///
    /// # Errors
    /// Whatever keeps the answer from being known, other than that there is no such file.
    fn read(&self, tile: &TileId) -> io::Result<Option<Vec<u8>>>;
}

/// Where tiles are written to.
pub trait TileSink {
    /// Keeps the bytes of one tile or bundle under its path. Whether they are durable afterwards is
    /// the sink's to say; they must be before a checkpoint speaks of them.
    ///
    /// # Errors
    /// If they could not be kept.
    fn write(&mut self, tile: &TileId, bytes: &[u8]) -> io::Result<()>;
}

impl<T: TileSource + ?Sized> TileSource for &T {
    fn read(&self, tile: &TileId) -> io::Result<Option<Vec<u8>>> {
        (**self).read(tile)
    }
}

/// Tiles in memory.
impl TileSource for BTreeMap<TileId, Vec<u8>> {
    fn read(&self, tile: &TileId) -> io::Result<Option<Vec<u8>>> {
        Ok(self.get(tile).cloned())
    }
}

impl TileSink for BTreeMap<TileId, Vec<u8>> {
    fn write(&mut self, tile: &TileId, bytes: &[u8]) -> io::Result<()> {
        self.insert(*tile, bytes.to_vec());
        Ok(())
    }
}
