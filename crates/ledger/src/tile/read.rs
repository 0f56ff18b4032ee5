//! Roots, proofs and entries out of tiles that somebody else may have written.

use super::cache::Cache;
use super::id::TILE_HEIGHT;
use super::{TileId, TileLevel, TileSource, bundle_entries};
use crate::tree::{Subtree, consistency_path, inclusion_path, range_root};
use crate::{ConsistencyProof, Frontier, Hash, InclusionProof, LedgerError, Tree, TreeHead};

/// Reads the tree of one size out of its tiles. What it hands out has been checked against the head
/// it was made with, which should come from a verified checkpoint: tiles are believed by their
/// hashes, not for where they were found.
///
/// A proof in a tree of n leaves reads about 2·log₂₅₆ n tiles at first and mostly one afterwards.
#[derive(Debug)]
pub struct TileReader<S> {
    source: S,
    head: TreeHead,
    cache: Cache,
}

impl<S: TileSource> TileReader<S> {
    /// A reader of the tree with this head. Nothing is read yet.
    pub fn new(source: S, head: TreeHead) -> Self {
        Self {
            source,
            head,
            cache: Cache::default(),
        }
    }

    /// The head it was made with.
    pub fn head(&self) -> TreeHead {
        self.head
    }

    /// Holds the right edge of the tree against the head: what is needed to go on appending.
    ///
    /// # Errors
    /// LEDGER-010 if the tiles make another root; LEDGER-007, 008 or 011 for a tile that is not
    /// there, damaged or unreadable.
    pub fn frontier(&mut self) -> Result<Frontier, LedgerError> {
        let frontier = self.frontier_at(self.head.size)?;
        self.agreed(frontier.head() == self.head)?;
        Ok(frontier)
    }

    /// The right edge as it was when the tree had `size` leaves, unchecked.
    pub(crate) fn frontier_at(&mut self, size: u64) -> Result<Frontier, LedgerError> {
        self.has_reached(size)?;
        let mut peaks = Vec::new();
        let mut at = 0;
        while let Some(level) = (size - at).checked_ilog2() {
            let index = at >> level;
            peaks.push(self.subtree(Subtree { level, index })?);
            at += 1 << level;
        }
        Frontier::resume(size, peaks)
    }

    /// The root as it was when the tree had `size` leaves. It is as true as the tiles are: prove it
    /// by [`TileReader::consistency`].
    ///
    /// # Errors
    /// LEDGER-002 for a size above the head's; LEDGER-007, 008 or 011 for a tile that is not there,
    /// damaged or unreadable.
    pub fn root_at(&mut self, size: u64) -> Result<Hash, LedgerError> {
        self.has_reached(size)?;
        range_root(0..size, &mut |at| self.subtree(at))
    }

    /// The hash of one leaf, as the tiles have it, unchecked.
    ///
    /// # Errors
    /// LEDGER-002 for an index that is not in the tree; LEDGER-007, 008 or 011 for a tile that is
    /// not there, damaged or unreadable.
    pub fn leaf(&mut self, index: u64) -> Result<Hash, LedgerError> {
        self.has_reached(index.saturating_add(1))?;
        self.subtree(Subtree { level: 0, index })
    }

    /// The proof that the leaf with this index is in the tree, with the hash of the leaf.
    ///
    /// # Errors
    /// LEDGER-002 for an index that is not in the tree; LEDGER-010 if tiles contradict the head;
    /// LEDGER-007, 008 or 011 for a tile that is not there, damaged or unreadable.
    pub fn inclusion(&mut self, index: u64) -> Result<(Hash, InclusionProof), LedgerError> {
        let size = self.head.size;
        let path = inclusion_path(index, size, &mut |at| self.subtree(at))?;
        let leaf = self.leaf(index)?;
        let proof = InclusionProof { index, size, path };
        self.agreed(proof.verify(leaf, self.head).is_ok())?;
        Ok((leaf, proof))
    }

    /// The proof that the tree of `old` leaves is the beginning of this one, with that tree's head.
    ///
    /// # Errors
    /// LEDGER-002 for a size above the head's; LEDGER-010 if tiles contradict the head;
    /// LEDGER-007, 008 or 011 for a tile that is not there, damaged or unreadable.
    pub fn consistency(&mut self, old: u64) -> Result<(TreeHead, ConsistencyProof), LedgerError> {
        let root = self.root_at(old)?;
        let new = self.head.size;
        let path = consistency_path(old, new, &mut |at| self.subtree(at))?;
        let old = TreeHead { size: old, root };
        let proof = ConsistencyProof {
            old: old.size,
            new,
            path,
        };
        self.agreed(proof.verify(old, self.head).is_ok())?;
        Ok((old, proof))
    }

    /// All entries of one bundle, whose index is that of its first entry divided by 256. Each one
    /// has been held against the leaves; hold those against the head by
    /// [`TileReader::inclusion`] or by a [`Frontier`] over all of them.
    ///
    /// # Errors
    /// LEDGER-002 for a bundle that is not in the tree; LEDGER-007, 008 or 011 for a tile or bundle
    /// that is not there, damaged or unreadable.
    pub fn bundle(&mut self, index: u64) -> Result<Vec<Vec<u8>>, LedgerError> {
        let tile = self.tile(TileLevel::Entries, index)?;
        let (found, bytes) = self.read(tile)?;
        let damaged = |cause| LedgerError::TileDamaged { tile: found, cause };
        let entries = bundle_entries(&bytes).ok_or_else(|| damaged("it ends inside an entry"))?;
        if entries.len() != usize::from(found.width()) {
            return Err(damaged("it has another number of entries"));
        }
        let mut out = Vec::new();
        let first = index * u64::from(super::TILE_WIDTH);
        for (leaf, entry) in (first..).zip(entries).take(tile.width().into()) {
            if self.leaf(leaf)? != Hash::of_leaf(entry) {
                return Err(damaged("an entry is not the one whose hash is in the tree"));
            }
            out.push(entry.to_vec());
        }
        Ok(out)
    }

    /// The hash of a complete subtree. Each level of tiles holds every eighth level of the tree;
    /// those in between are made of a part of a tile.
    fn subtree(&mut self, at: Subtree) -> Result<Hash, LedgerError> {
        let level = u8::try_from(at.level / TILE_HEIGHT).unwrap_or(u8::MAX);
        let height = at.level % TILE_HEIGHT;
        let above = TILE_HEIGHT - height;
        let place = (level, at.index >> above);
        let inside = Subtree {
            level: height,
            index: at.index & ((1 << above) - 1),
        };
        if let Some(tile) = self.cache.get(place) {
            return tile.subtree(inside);
        }
        let tile = self.hashes(place)?;
        let hash = tile.subtree(inside);
        self.cache.put(place, tile);
        hash
    }

    /// A hash as a level of tiles has it.
    pub(super) fn node(&mut self, level: u32, index: u64) -> Result<Hash, LedgerError> {
        let level = level * TILE_HEIGHT;
        self.subtree(Subtree { level, index })
    }

    fn hashes(&self, (level, index): (u8, u64)) -> Result<Tree, LedgerError> {
        let tile = self.tile(TileLevel::Hashes(level), index)?;
        let (found, bytes) = self.read(tile)?;
        let whole = bytes.len() == usize::from(found.width()) * Hash::BYTES;
        match Hash::run(&bytes).filter(|_| whole) {
            Some(hashes) => Ok(hashes.take(tile.width().into()).collect()),
            None => Err(LedgerError::TileDamaged {
                tile: found,
                cause: "it has another length",
            }),
        }
    }

    /// The tile as wide as it is in this tree.
    fn tile(&self, level: TileLevel, index: u64) -> Result<TileId, LedgerError> {
        TileId::in_tree(level, index, self.head.size).ok_or(LedgerError::OutOfTree {
            index: index.saturating_mul(super::TILE_WIDTH.into()),
            size: self.head.size,
        })
    }

    /// The bytes of a tile, or of the full one in its place: partial ones may be gone by then.
    fn read(&self, tile: TileId) -> Result<(TileId, Vec<u8>), LedgerError> {
        let wanted = std::iter::once(tile).chain(tile.is_partial().then(|| tile.full()));
        for tile in wanted {
            let read = self.source.read(&tile);
            let bytes = read.map_err(|cause| LedgerError::TileUnreadable {
                tile,
                cause: cause.to_string(),
            })?;
            if let Some(bytes) = bytes {
                return Ok((tile, bytes));
            }
        }
        Err(LedgerError::TileMissing { tile })
    }

    fn has_reached(&self, size: u64) -> Result<(), LedgerError> {
        if size <= self.head.size {
            Ok(())
        } else {
            Err(LedgerError::OutOfTree {
                index: size - 1,
                size: self.head.size,
            })
        }
    }

    fn agreed(&self, agree: bool) -> Result<(), LedgerError> {
        if agree {
            Ok(())
        } else {
            Err(LedgerError::TilesContradict {
                size: self.head.size,
            })
        }
    }
}
