//! Proofs that a tree only grew (RFC 6962 section 2.1.2).

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{Side, Subtree, TreeHead, range_root, split};
use crate::{Hash, LedgerError};

/// That a tree of `new` leaves begins with the tree of `old` leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsistencyProof {
    /// How many leaves the earlier tree has. RFC 6962 has no proof from 0 on; here it is empty.
    pub old: u64,
    /// How many leaves the later tree has.
    pub new: u64,
    /// The hashes of section 2.1.2, in its order.
    pub path: Vec<Hash>,
}

impl ConsistencyProof {
    /// Whether the tree with the head `new` begins with the one with the head `old`.
    ///
    /// # Errors
    /// LEDGER-005 if the proof is for other sizes, its path has another length than they ask for,
    /// or it leads to another root than one of the two.
    pub fn verify(&self, old: TreeHead, new: TreeHead) -> Result<(), LedgerError> {
        let sizes = self.old == old.size && self.new == new.size;
        let holds = if self.old == 0 {
            // Every tree begins with the empty one, which has one root.
            let empty = |head: TreeHead| head.size > 0 || head == TreeHead::EMPTY;
            self.path.is_empty() && empty(old) && empty(new)
        } else {
            self.roots_with(old.root) == Some((old.root, new.root))
        };
        if sizes && holds {
            Ok(())
        } else {
            Err(LedgerError::NotConsistent {
                old: old.size,
                new: new.size,
            })
        }
    }

    /// The roots of both trees that follow from the path. Where the old tree is a complete subtree of
    /// the new one the path leaves it out, so `old_root` stands for itself.
    fn roots_with(&self, old_root: Hash) -> Option<(Hash, Hash)> {
        let walk = Walk::new(self.old, self.new)?;
        let mut path = self.path.iter().copied();
        let start = if walk.is_whole {
            old_root
        } else {
            path.next()?
        };
        let (mut old, mut new) = (start, start);
        for (side, _) in walk.steps.iter().rev() {
            let hash = path.next()?;
            match side {
                Side::Left => {
                    old = Hash::of_node(hash, old);
                    new = Hash::of_node(hash, new);
                }
                // What lies to the right came later.
                Side::Right => new = Hash::of_node(new, hash),
            }
        }
        path.next().is_none().then_some((old, new))
    }
}

/// The way from the root of the new tree down to the last complete subtree of the old one.
struct Walk {
    /// From the root down: on which side the way does not go on, and the leaves there.
    steps: Vec<(Side, Range<u64>)>,
    /// Where the way ends.
    end: Range<u64>,
    /// Whether that is all of the old tree, whose root whoever verifies knows.
    is_whole: bool,
}

impl Walk {
    /// `None` for a tree that shrinks, or begins with nothing.
    fn new(old: u64, new: u64) -> Option<Self> {
        if old == 0 || old > new {
            return None;
        }
        let mut end = 0..new;
        let mut steps = Vec::new();
        while end.end != old {
            let middle = split(&end);
            if old <= middle {
                steps.push((Side::Right, middle..end.end));
                end.end = middle;
            } else {
                steps.push((Side::Left, end.start..middle));
                end.start = middle;
            }
        }
        let is_whole = end.start == 0;
        Some(Self {
            steps,
            end,
            is_whole,
        })
    }
}

/// The path of a proof, out of the hashes of complete subtrees.
pub(crate) fn consistency_path(
    old: u64,
    new: u64,
    hash_of: &mut impl FnMut(Subtree) -> Result<Hash, LedgerError>,
) -> Result<Vec<Hash>, LedgerError> {
    if old == 0 {
        return Ok(Vec::new());
    }
    let Walk {
        steps,
        end,
        is_whole,
    } = Walk::new(old, new).ok_or(LedgerError::OutOfTree {
        index: old,
        size: new,
    })?;
    let start = (!is_whole).then_some(end);
    let siblings = steps.into_iter().rev().map(|(_, sibling)| sibling);
    let upward = start.into_iter().chain(siblings);
    upward.map(|range| range_root(range, hash_of)).collect()
}
