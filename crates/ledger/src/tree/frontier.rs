//! A tree that remembers only what appending and its root need.

use super::{TreeHead, joined};
use crate::{Hash, LedgerError};

/// The right edge of a growing tree: the roots of the complete subtrees it is made of, largest
/// first. At most 64 hashes, whatever the size.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

impl Frontier {
    /// The tree without leaves.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            size: 0,
            peaks: Vec::new(),
        }
    }

    /// Goes on from what was kept: the size and [`Frontier::peaks`].
    ///
    /// # Errors
    /// LEDGER-003 unless there is one hash for each bit that is set in `size`.
    pub fn resume(size: u64, peaks: Vec<Hash>) -> Result<Self, LedgerError> {
        if peaks.len() == size.count_ones() as usize {
            Ok(Self { size, peaks })
        } else {
            Err(LedgerError::WrongPeaks {
                size,
                peaks: peaks.len(),
            })
        }
    }

    /// Appends a leaf by its hash.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        // Each subtree of the same size that already stands there makes one of twice the size.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                hash = Hash::of_node(left, hash);
            }
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// How many leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root over all leaves so far.
    #[must_use]
    pub fn root(&self) -> Hash {
        joined(&self.peaks)
    }

    /// Size and root.
    #[must_use]
    pub fn head(&self) -> TreeHead {
        TreeHead {
            size: self.size,
            root: self.root(),
        }
    }

    /// The roots of the complete subtrees, largest first: what is to be kept to go on later.
    #[must_use]
    pub fn peaks(&self) -> &[Hash] {
        &self.peaks
    }
}
