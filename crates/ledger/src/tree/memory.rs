//! A tree that remembers every hash, for blocks and for what a test compares with.

use super::{
    ConsistencyProof, InclusionProof, Subtree, TreeHead, consistency_path, inclusion_path,
    range_root,
};
use crate::{Hash, LedgerError};

/// A growing tree in memory with the hashes of all complete subtrees: 64 bytes a leaf.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tree {
    /// By level: the hashes of the complete subtrees of 2^level leaves.
    levels: Vec<Vec<Hash>>,
}

impl Tree {
    /// The tree without leaves.
    #[must_use]
    pub const fn new() -> Self {
        Self { levels: Vec::new() }
    }

    /// Appends a leaf by its hash.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for level in 0.. {
            if self.levels.len() <= level {
                self.levels.push(Vec::new());
            }
            let Some(row) = self.levels.get_mut(level) else {
                return;
            };
            let left = row.last().copied();
            row.push(hash);
            match left {
                Some(left) if row.len() % 2 == 0 => hash = Hash::of_node(left, hash),
                _ => return,
            }
        }
    }

    /// How many leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.levels.first().map_or(0, |leaves| leaves.len() as u64)
    }

    /// The hashes of the leaves.
    #[must_use]
    pub fn leaves(&self) -> &[Hash] {
        self.levels.first().map_or(&[], Vec::as_slice)
    }

    /// The root over all leaves.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.root_at(self.size()).unwrap_or(Hash::EMPTY_TREE)
    }

    /// Size and root.
    #[must_use]
    pub fn head(&self) -> TreeHead {
        TreeHead {
            size: self.size(),
            root: self.root(),
        }
    }

    /// The root as it was when the tree had so many leaves.
    ///
    /// # Errors
    /// LEDGER-002 for a size that it has not reached.
    pub fn root_at(&self, size: u64) -> Result<Hash, LedgerError> {
        range_root(0..size, &mut |at| self.subtree(at))
    }

    /// The proof that the leaf with this index is in the tree of all leaves.
    ///
    /// # Errors
    /// LEDGER-002 for an index that is not in the tree.
    pub fn inclusion(&self, index: u64) -> Result<InclusionProof, LedgerError> {
        self.inclusion_at(index, self.size())
    }

    /// The proof that the leaf with this index is in the tree of the first `size` leaves.
    ///
    /// # Errors
    /// LEDGER-002 for an index or a size that is not in the tree.
    pub fn inclusion_at(&self, index: u64, size: u64) -> Result<InclusionProof, LedgerError> {
        self.has_reached(size)?;
        let path = inclusion_path(index, size, &mut |at| self.subtree(at))?;
        Ok(InclusionProof { index, size, path })
    }

    /// The proof that the tree of `old` leaves is the beginning of the tree of all leaves.
    ///
    /// # Errors
    /// LEDGER-002 for a size that it has not reached.
    pub fn consistency(&self, old: u64) -> Result<ConsistencyProof, LedgerError> {
        self.consistency_at(old, self.size())
    }

    /// The proof that the tree of `old` leaves is the beginning of the tree of `new` leaves.
    ///
    /// # Errors
    /// LEDGER-002 for sizes that it has not reached, or that shrink.
    pub fn consistency_at(&self, old: u64, new: u64) -> Result<ConsistencyProof, LedgerError> {
        self.has_reached(new)?;
        let path = consistency_path(old, new, &mut |at| self.subtree(at))?;
        Ok(ConsistencyProof { old, new, path })
    }

    fn has_reached(&self, size: u64) -> Result<(), LedgerError> {
        if size <= self.size() {
            Ok(())
        } else {
            Err(LedgerError::OutOfTree {
                index: size - 1,
                size: self.size(),
            })
        }
    }

    /// The hash of a complete subtree.
    pub(crate) fn subtree(&self, at: Subtree) -> Result<Hash, LedgerError> {
        let row = self.levels.get(at.level as usize);
        let index = usize::try_from(at.index).unwrap_or(usize::MAX);
        row.and_then(|row| row.get(index))
            .copied()
            .ok_or(LedgerError::OutOfTree {
                index: ((at.index + 1) << at.level) - 1,
                size: self.size(),
            })
    }
}

impl FromIterator<Hash> for Tree {
    fn from_iter<I: IntoIterator<Item = Hash>>(leaves: I) -> Self {
        let mut tree = Self::new();
        leaves.into_iter().for_each(|leaf| tree.push(leaf));
        tree
    }
}
