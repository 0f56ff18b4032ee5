//! A block while events come in.

use admintrail_event::{Micros, Seq};

use super::{BlockEntry, MAX_BLOCK_EVENTS};
use crate::{Frontier, Hash, LedgerError};

/// Collects the hashes of consecutive events until somebody says that the block is over.
#[derive(Debug, Clone)]
pub struct OpenBlock {
    first: Seq,
    received: Option<(Micros, Micros)>,
    tree: Frontier,
}

impl OpenBlock {
    /// A block that begins with this event.
    #[must_use]
    pub const fn new(first: Seq) -> Self {
        Self {
            first,
            received: None,
            tree: Frontier::new(),
        }
    }

    /// Adds the next event by its hash ([`super::EventHasher`]).
    ///
    /// # Errors
    /// LEDGER-019 if `seq` is not the one that follows, or the block is full; it stays as it was.
    pub fn push(&mut self, seq: Seq, received: Micros, hash: Hash) -> Result<(), LedgerError> {
        if self.next() != Some(seq) {
            return Err(LedgerError::NotNext {
                seq,
                next: self.next(),
            });
        }
        let (min, max) = self.received.unwrap_or((received, received));
        self.received = Some((min.min(received), max.max(received)));
        self.tree.push(hash);
        Ok(())
    }

    /// The event that has to come next; `None` if the block is full.
    #[must_use]
    pub fn next(&self) -> Option<Seq> {
        let fits = !self.is_full();
        fits.then(|| self.first.0.checked_add(self.tree.size()).map(Seq))?
    }

    /// How many events.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.tree.size()
    }

    /// Whether there is none yet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.tree.size() == 0
    }

    /// Whether it has [`MAX_BLOCK_EVENTS`] and must be closed.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.tree.size() >= MAX_BLOCK_EVENTS as u64
    }

    /// What the ledger keeps of it.
    ///
    /// # Errors
    /// LEDGER-020 for a block without events.
    pub fn close(&self) -> Result<BlockEntry, LedgerError> {
        // A block without events has no bounds; zeros are refused with its count.
        let (min, max) = self.received.unwrap_or_default();
        let count = u32::try_from(self.tree.size()).unwrap_or(u32::MAX);
        BlockEntry::new(self.first, count, (min, max), self.tree.root())
    }
}
