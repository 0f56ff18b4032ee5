//! A closed block with what is kept of it in private.

use admintrail_event::{LogId, Micros, Seq};
use admintrail_ledger::{BlockEntry, BlockKey, EventHasher, Hash, LedgerError, OpenBlock, Salt};
use serde::{Deserialize, Serialize};

use super::marks::Marks;
use crate::archive::Block;
use crate::columns::Fields;

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
