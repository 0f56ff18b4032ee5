//! The hash tree of RFC 6962 section 2.1: roots and proofs, without a word about what is in it.
//!
//! All of it is arithmetic over complete subtrees: a root, and each hash of a proof, is a complete
//! subtree or made of a few. So a proof can be made from whatever knows the hashes of complete
//! subtrees: a tree in memory ([`Tree`]) or tiles ([`crate::TileReader`]).

mod consistency;
mod frontier;
mod inclusion;
mod memory;

pub use consistency::ConsistencyProof;
pub use frontier::Frontier;
pub use inclusion::InclusionProof;
pub use memory::Tree;

pub(crate) use consistency::consistency_path;
pub(crate) use inclusion::inclusion_path;

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::{Hash, LedgerError};

/// A tree at one size: what a checkpoint signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeHead {
    /// How many leaves.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

impl TreeHead {
    /// The tree without leaves.
    pub const EMPTY: Self = Self {
        size: 0,
        root: Hash::EMPTY_TREE,
    };
}

/// A complete subtree: the 2^`level` leaves from `index`·2^`level` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Subtree {
    /// 0 for a single leaf.
    pub(crate) level: u32,
    pub(crate) index: u64,
}

/// On which side of a path something lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

/// The root over leaves that are all at hand, by their hashes: faster than [`Frontier`], one after the
/// other.
#[must_use]
pub fn root_over(leaves: &[Hash]) -> Hash {
    let mut level = leaves.to_vec();
    while level.len() > 1 {
        let mut above = Vec::with_capacity(level.len().div_ceil(2));
        for nodes in level.chunks(4) {
            match *nodes {
                [a, b, c, d] => above.extend(Hash::of_nodes([[a, b], [c, d]])),
                [a, b, c] => above.extend([Hash::of_node(a, b), c]),
                [a, b] => above.push(Hash::of_node(a, b)),
                // Without a neighbour it goes up as it is: what RFC 6962's splitting comes to.
                _ => above.extend(nodes),
            }
        }
        level = above;
    }
    level.first().copied().unwrap_or(Hash::EMPTY_TREE)
}

/// Where RFC 6962 splits a range of two or more leaves: after the largest power of two of them that
/// leaves something for the right side.
fn split(range: &Range<u64>) -> u64 {
    let last = (range.end - range.start).saturating_sub(1);
    // `last` is 1 or more.
    range.start + (1 << last.checked_ilog2().unwrap_or(0))
}

/// The root over a range of leaves that splitting a whole tree leads to.
pub(crate) fn range_root(
    range: Range<u64>,
    hash_of: &mut impl FnMut(Subtree) -> Result<Hash, LedgerError>,
) -> Result<Hash, LedgerError> {
    let mut parts = Vec::new();
    let mut at = range.start;
    while let Some(level) = (range.end - at).checked_ilog2() {
        let index = at >> level;
        parts.push(hash_of(Subtree { level, index })?);
        at += 1 << level;
    }
    Ok(joined(&parts))
}

/// The root over complete subtrees that lie side by side, each smaller than the one before.
fn joined(parts: &[Hash]) -> Hash {
    let all = parts.iter().rev().copied();
    all.reduce(|right, left| Hash::of_node(left, right))
        .unwrap_or(Hash::EMPTY_TREE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_at_once_make_the_root_that_one_after_the_other_make() {
        let mut frontier = Frontier::new();
        let mut leaves = Vec::new();
        for size in 0..300_u32 {
            assert_eq!(root_over(&leaves), frontier.root(), "{size}");
            let leaf = Hash::of_leaf(&size.to_be_bytes());
            frontier.push(leaf);
            leaves.push(leaf);
        }
    }
}
