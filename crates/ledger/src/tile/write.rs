//! Which tiles and bundles are to be written as a tree grows.

use super::id::TILE_HEIGHT;
use super::{TILE_WIDTH, TileId, TileLevel, TileReader, TileSink, TileSource, push_entry};
use crate::{Frontier, Hash, LedgerError, TreeHead};

/// One file to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TileFile {
    /// Which one; shown, it is the path.
    pub tile: TileId,
    /// All of it.
    pub bytes: Vec<u8>,
}

/// Appends entries and says what has to be written for them: bundles and tiles that became full,
/// and the partial ones at the right edge. It holds the right edge only, at most some 16 MiB of
/// entries and 64 KiB of hashes.
///
/// The order is: append, write [`TileWriter::files`] durably, call [`TileWriter::wrote`], publish a
/// checkpoint over [`TileWriter::head`]. A writer that died in between is made anew by
/// [`TileWriter::resume`] from the checkpoint and writes the same files again.
#[derive(Debug, Clone, Default)]
pub struct TileWriter {
    frontier: Frontier,
    /// The hashes of the last tile of each level, fewer than 256.
    edge: Vec<Vec<u8>>,
    /// The last bundle.
    bundle: Vec<u8>,
    /// What became full and was not written.
    full: Vec<TileFile>,
    /// How many entries had been appended when all was written.
    written: u64,
}

impl TileWriter {
    /// Begins an empty tree.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Goes on after the tree with this head, whose right edge is read from its tiles.
    ///
    /// # Errors
    /// LEDGER-010 if the tiles contradict the head; LEDGER-007, 008 or 011 for a tile or bundle that
    /// is not there, damaged or unreadable.
    pub fn resume(source: impl TileSource, head: TreeHead) -> Result<Self, LedgerError> {
        let mut reader = TileReader::new(source, head);
        let mut writer = Self {
            frontier: reader.frontier()?,
            written: head.size,
            ..Self::default()
        };
        let width = u64::from(TILE_WIDTH);
        if !head.size.is_multiple_of(width) {
            for entry in reader.bundle(head.size / width)? {
                push_entry(&mut writer.bundle, &entry)?;
            }
        }
        for level in 0.. {
            let Some(nodes) = head.size.checked_shr(level * TILE_HEIGHT) else {
                break;
            };
            if nodes == 0 {
                break;
            }
            let mut hashes = Vec::new();
            for index in nodes - nodes % width..nodes {
                hashes.extend_from_slice(&reader.node(level, index)?.0);
            }
            writer.edge.push(hashes);
        }
        Ok(writer)
    }

    /// Appends one entry and returns the hash of its leaf; its index is the size before.
    ///
    /// # Errors
    /// LEDGER-009 for an entry of more than 65,535 bytes; nothing is appended then.
    pub fn append(&mut self, entry: &[u8]) -> Result<Hash, LedgerError> {
        push_entry(&mut self.bundle, entry)?;
        let leaf = Hash::of_leaf(entry);
        self.frontier.push(leaf);
        let size = self.frontier.size();
        if size.is_multiple_of(TILE_WIDTH.into()) {
            let bytes = std::mem::take(&mut self.bundle);
            self.keep_full(TileLevel::Entries, size, bytes);
        }
        self.push_hash(leaf);
        Ok(leaf)
    }

    /// Size and root of all that was appended.
    #[must_use]
    pub fn head(&self) -> TreeHead {
        self.frontier.head()
    }

    /// The files that are new since [`TileWriter::wrote`]: full ones, then partial ones. Entries
    /// come before the hashes that speak of them.
    #[must_use]
    pub fn files(&self) -> Vec<TileFile> {
        let mut files = self.full.clone();
        let size = self.frontier.size();
        if size > self.written && !self.bundle.is_empty() {
            files.extend(edge_file(TileLevel::Entries, size, size, &self.bundle));
        }
        for (level, hashes) in (0_u8..).zip(&self.edge) {
            let shift = u32::from(level) * TILE_HEIGHT;
            let nodes = size >> shift;
            if nodes > self.written >> shift && !hashes.is_empty() {
                files.extend(edge_file(TileLevel::Hashes(level), nodes, size, hashes));
            }
        }
        files
    }

    /// Says that all of [`TileWriter::files`] is written.
    pub fn wrote(&mut self) {
        self.full.clear();
        self.written = self.frontier.size();
    }

    /// Writes all that is new, and knows it as written then.
    ///
    /// # Errors
    /// LEDGER-012 with what the sink said; the next call writes all of it again.
    pub fn write_to(&mut self, sink: &mut impl TileSink) -> Result<(), LedgerError> {
        for TileFile { tile, bytes } in self.files() {
            sink.write(&tile, &bytes)
                .map_err(|cause| LedgerError::TileUnwritable {
                    tile,
                    cause: cause.to_string(),
                })?;
        }
        self.wrote();
        Ok(())
    }

    /// Adds a hash to the edge of level 0; a tile that becomes full is a hash of the level above.
    fn push_hash(&mut self, leaf: Hash) {
        let size = self.frontier.size();
        let mut hash = leaf;
        for level in 0_u8.. {
            let at = usize::from(level);
            if self.edge.len() <= at {
                self.edge.push(Vec::new());
            }
            let Some(hashes) = self.edge.get_mut(at) else {
                return;
            };
            hashes.extend_from_slice(&hash.0);
            if hashes.len() < usize::from(TILE_WIDTH) * Hash::BYTES {
                return;
            }
            let bytes = std::mem::take(hashes);
            let mut tile = Frontier::new();
            Hash::run(&bytes)
                .into_iter()
                .flatten()
                .for_each(|hash| tile.push(hash));
            hash = tile.root();
            let nodes = size >> (u32::from(level) * TILE_HEIGHT);
            self.keep_full(TileLevel::Hashes(level), nodes, bytes);
        }
    }

    /// Keeps the last tile of a level of `nodes`, which is full.
    fn keep_full(&mut self, level: TileLevel, nodes: u64, bytes: Vec<u8>) {
        let index = nodes / u64::from(TILE_WIDTH) - 1;
        if let Ok(tile) = TileId::new(level, index, TILE_WIDTH) {
            self.full.push(TileFile { tile, bytes });
        }
    }
}

/// The partial tile at the end of a level of `nodes`.
fn edge_file(level: TileLevel, nodes: u64, size: u64, bytes: &[u8]) -> Option<TileFile> {
    let tile = TileId::in_tree(level, nodes / u64::from(TILE_WIDTH), size)?;
    Some(TileFile {
        tile,
        bytes: bytes.to_vec(),
    })
}
