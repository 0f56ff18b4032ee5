//! A closed block with what is kept of it in private.

use admintrail_event::{LogId, Micros, Seq};
use admintrail_ledger::{BlockEntry, BlockKey, EventHasher, Hash, LedgerError, OpenBlock, Salt};
use serde::{Deserialize, Serialize};

use crate::archive::Block;
use crate::columns::Fields;

/// What tells an event of a block from its neighbours when the block's root does not fit: the first
/// twelve bits of each hash. They prove nothing; they name the event that is not as it was.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Marks(pub(crate) Vec<u8>);

impl Marks {
    fn of(hash: Hash) -> u16 {
        let [high, low, ..] = hash.0;
        u16::from_be_bytes([high, low]) >> 4
    }

    /// Two marks in three bytes.
    pub(crate) fn pack(hashes: &[Hash]) -> Self {
        let mut bytes = Vec::with_capacity(hashes.len() * 3 / 2 + 2);
        for pair in hashes.chunks(2) {
            let mut marks = pair.iter().map(|hash| Self::of(*hash));
            let (one, other) = (marks.next().unwrap_or(0), marks.next());
            let [high, low] = (one << 4 | other.unwrap_or(0) >> 8).to_be_bytes();
            bytes.extend([high, low]);
            bytes.extend(other.map(|other| other.to_be_bytes()[1]));
        }
        Self(bytes)
    }

    /// Whether the hash at a place may be the one that was there.
    pub(crate) fn fits(&self, place: usize, hash: Hash) -> bool {
        let at = place / 2 * 3;
        let byte = |at: usize| self.0.get(at).copied().map(u16::from);
        let mark = if place.is_multiple_of(2) {
            byte(at).zip(byte(at + 1)).map(|(a, b)| a << 4 | b >> 4)
        } else {
            byte(at + 1)
                .zip(byte(at + 2))
                .map(|(a, b)| (a & 0xf) << 8 | b)
        };
        mark.is_none_or(|mark| mark == Self::of(hash))
    }
}

/// What is kept of one event of a block instead of the block's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kept {
    /// It is as it was; this goes into its hash.
    Salt([u8; 16]),
    /// It was removed; this was its hash.
    Hash([u8; 32]),
    /// It was rewritten when somebody was erased.
    Erased(ErasedHash),
}

/// What is kept of an event that an erasure rewrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ErasedHash {
    /// The hash of what was recorded, in its block for ever.
    pub(crate) was: [u8; 32],
    /// The hash of what the erasure left, one of those that its statement's root is of.
    pub(crate) now: [u8; 32],
    /// The place of that statement in the ledger.
    pub(crate) statement: u64,
}

/// What an erasure left of an event, by its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ErasedLeaf {
    /// The place of the erasure's statement.
    pub(crate) statement: u64,
    pub(crate) seq: Seq,
    pub(crate) hash: Hash,
}

/// What is to be kept of blocks from which events go, or in which somebody is erased.
#[derive(Debug, Default)]
pub(crate) struct ToKeep {
    pub(crate) blocks: Vec<PrivateBlock>,
    /// What earlier erasures had left of events and is left no more.
    pub(crate) leaves: Vec<ErasedLeaf>,
}

/// What `ledger.db` has of a block.
#[derive(Debug, Clone)]
pub(crate) struct PrivateBlock {
    pub(crate) first: Seq,
    pub(crate) count: u32,
    /// Its entry's place in the ledger.
    pub(crate) index: u64,
    /// `None` once somebody of it was erased.
    pub(crate) key: Option<[u8; 32]>,
    pub(crate) marks: Marks,
    /// By place in the block, ascending; all of them once the key is gone.
    pub(crate) kept: Vec<(u16, Kept)>,
}

impl PrivateBlock {
    pub(crate) const fn last(&self) -> Seq {
        Seq(self.first.0 + self.count as u64 - 1)
    }

    /// What is kept of one event.
    pub(crate) fn kept(&self, seq: Seq) -> Option<Kept> {
        let place = u16::try_from(seq.0.checked_sub(self.first.0)?).ok()?;
        let at = self.kept.binary_search_by_key(&place, |(at, _)| *at).ok()?;
        self.kept.get(at).map(|(_, kept)| *kept)
    }
}

impl Kept {
    /// The hash that the event's block has, where it cannot be taken any more.
    pub(crate) const fn hash(self) -> Option<Hash> {
        match self {
            Self::Salt(_) => None,
            Self::Hash(was) | Self::Erased(ErasedHash { was, .. }) => Some(Hash(was)),
        }
    }
}

/// Takes the hashes of a block's events.
pub(crate) struct Salting {
    key: Option<BlockKey>,
    hasher: EventHasher,
}

impl Salting {
    pub(crate) fn of(block: &PrivateBlock) -> Self {
        Self::with(block.key.as_ref())
    }

    pub(crate) fn with(key: Option<&[u8; 32]>) -> Self {
        Self {
            key: key.map(BlockKey::new),
            hasher: EventHasher::new(),
        }
    }

    /// The salt of an event, if it still has the one that it was recorded with.
    pub(crate) fn salt(&self, seq: Seq, kept: Option<Kept>) -> Option<Salt> {
        match kept {
            Some(Kept::Salt(salt)) => Some(Salt(salt)),
            Some(Kept::Erased(_)) => None,
            // One that is to be removed is there until it is.
            Some(Kept::Hash(_)) | None => self.key.as_ref().map(|key| key.salt(seq)),
        }
    }

    /// The hash of an event as it is now; `None` for one that has no salt or is none.
    pub(crate) fn hash(
        &mut self,
        log: LogId,
        fields: &Fields<'_>,
        kept: Option<Kept>,
    ) -> Option<Hash> {
        let salt = self.salt(Seq(fields.seq), kept)?;
        let canonical = fields.canonical(log)?;
        Some(self.hasher.hash(salt, &canonical))
    }
}

/// A block that was hashed just now.
pub(crate) struct Hashed {
    pub(crate) key: [u8; 32],
    pub(crate) entry: BlockEntry,
    pub(crate) marks: Marks,
}

/// Hashes a block while its events come.
pub(crate) struct Hashing {
    log: LogId,
    key: [u8; 32],
    salting: Salting,
    open: OpenBlock,
    hashes: Vec<Hash>,
}

impl Hashing {
    pub(crate) fn begin(log: LogId, block: &Block, key: [u8; 32]) -> Self {
        Self {
            log,
            salting: Salting::with(Some(&key)),
            key,
            open: OpenBlock::new(Seq(block.first_seq)),
            hashes: Vec::with_capacity(block.count as usize),
        }
    }

    pub(crate) fn take(&mut self, fields: &Fields<'_>) -> Result<(), LedgerError> {
        let (seq, received) = (Seq(fields.seq), Micros(fields.received));
        let hash = self.salting.hash(self.log, fields, None);
        let hash = hash.ok_or(LedgerError::NotEntry {
            cause: "an event of it cannot be read",
        })?;
        self.hashes.push(hash);
        self.open.push(seq, received, hash)
    }

    pub(crate) fn end(self) -> Result<Hashed, LedgerError> {
        Ok(Hashed {
            entry: self.open.close()?,
            marks: Marks::pack(&self.hashes),
            key: self.key,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// A mark fits its own hash and no other that begins otherwise.
        #[test]
        fn marks_name_the_one_that_changed(
            hashes in prop::collection::vec(any::<[u8; 32]>(), 1..40),
            other in any::<[u8; 32]>(),
        ) {
            let hashes: Vec<Hash> = hashes.into_iter().map(Hash).collect();
            let marks = Marks::pack(&hashes);
            prop_assert!(marks.0.len() <= hashes.len() * 3 / 2 + 1);
            for (place, hash) in hashes.iter().enumerate() {
                prop_assert!(marks.fits(place, *hash));
                let same = Marks::of(*hash) == Marks::of(Hash(other));
                prop_assert_eq!(marks.fits(place, Hash(other)), same);
            }
        }
    }
}
