//! Proofs that a leaf is in a tree (RFC 6962 section 2.1.1).

use serde::{Deserialize, Serialize};

use super::{Side, Subtree, TreeHead, range_root, split};
use crate::{Hash, LedgerError};

/// That one leaf is in a tree of one size: the hashes that lead from the leaf up to the root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InclusionProof {
    /// Which leaf, from 0 on.
    pub index: u64,
    /// How many leaves the tree has.
    pub size: u64,
    /// The sibling of the leaf first, the side of the root that the leaf is not in last.
    pub path: Vec<Hash>,
}

impl InclusionProof {
    /// Whether a leaf with this hash is in the tree with this head.
    ///
    /// # Errors
    /// LEDGER-004 if the proof is for a tree of another size, its path has another length than
    /// index and size ask for, or it leads to another root.
    pub fn verify(&self, leaf: Hash, head: TreeHead) -> Result<(), LedgerError> {
        if self.size == head.size && self.root_with(leaf) == Some(head.root) {
            Ok(())
        } else {
            Err(LedgerError::NotIncluded {
                index: self.index,
                size: head.size,
            })
        }
    }

    /// The root to which the path leads from this leaf; `None` if its length is wrong.
    #[must_use]
    pub fn root_with(&self, leaf: Hash) -> Option<Hash> {
        let steps = steps(self.index, self.size)?;
        if steps.len() != self.path.len() {
            return None;
        }
        let upward = steps.iter().rev().zip(&self.path);
        Some(upward.fold(leaf, |hash, ((side, _), sibling)| match side {
            Side::Left => Hash::of_node(*sibling, hash),
            Side::Right => Hash::of_node(hash, *sibling),
        }))
    }
}

/// From the root down to a leaf: on which side the way does not go on, and the leaves there.
/// `None` for a leaf outside of the tree.
fn steps(index: u64, size: u64) -> Option<Vec<(Side, std::ops::Range<u64>)>> {
    let mut range = 0..size;
    if !range.contains(&index) {
        return None;
    }
    let mut steps = Vec::new();
    while range.end - range.start > 1 {
        let middle = split(&range);
        if index < middle {
            steps.push((Side::Right, middle..range.end));
            range.end = middle;
        } else {
            steps.push((Side::Left, range.start..middle));
            range.start = middle;
        }
    }
    Some(steps)
}

/// The path of a proof, out of the hashes of complete subtrees.
pub(crate) fn inclusion_path(
    index: u64,
    size: u64,
    hash_of: &mut impl FnMut(Subtree) -> Result<Hash, LedgerError>,
) -> Result<Vec<Hash>, LedgerError> {
    let steps = steps(index, size).ok_or(LedgerError::OutOfTree { index, size })?;
    let upward = steps.into_iter().rev();
    upward
        .map(|(_, sibling)| range_root(sibling, hash_of))
        .collect()
}
