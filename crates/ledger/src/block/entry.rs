//! The entries of the ledger, as bytes.

use std::ops::RangeInclusive;

use admintrail_event::{Micros, Seq};

use super::{MAX_BLOCK_EVENTS, Statement};
use crate::{Hash, LedgerError};

/// First byte of a block's entry.
const BLOCK: u8 = 1;

/// First byte of a statement's.
const STATEMENT: u8 = 2;

/// What the ledger keeps of one block: 61 bytes,
/// `0x01 ‖ first seq u64be ‖ count u32be ‖ min received i64be ‖ max received i64be ‖ root`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockEntry {
    first: Seq,
    count: u32,
    received: (Micros, Micros),
    root: Hash,
}

impl BlockEntry {
    /// How many bytes an entry has.
    pub const BYTES: usize = 61;

    /// A block of `count` events from `first` on, received between two moments, under a root.
    ///
    /// # Errors
    /// LEDGER-020 if there are no events or more than [`MAX_BLOCK_EVENTS`], if a number would be 0 or
    /// above what a u64 holds, or if the moments are in the wrong order.
    pub fn new(
        first: Seq,
        count: u32,
        received: (Micros, Micros),
        root: Hash,
    ) -> Result<Self, LedgerError> {
        let wrong = |cause| Err(LedgerError::NotEntry { cause });
        if !(1..=MAX_BLOCK_EVENTS).contains(&count) {
            return wrong("a block has 1 to 4,096 events");
        }
        if first.0 == 0 || first.0.checked_add(u64::from(count) - 1).is_none() {
            return wrong("events are numbered from 1 to 2^64 - 1");
        }
        if received.0 > received.1 {
            return wrong("its first moment is later than its last");
        }
        Ok(Self {
            first,
            count,
            received,
            root,
        })
    }

    /// Number of its first event.
    #[must_use]
    pub const fn first(&self) -> Seq {
        self.first
    }

    /// Number of its last event.
    #[must_use]
    pub const fn last(&self) -> Seq {
        Seq(self.first.0 + (self.count as u64 - 1))
    }

    /// Numbers of its events.
    #[must_use]
    pub const fn seqs(&self) -> RangeInclusive<u64> {
        self.first.0..=self.last().0
    }

    /// How many events.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// When the earliest and the latest of its events were received, µs UTC.
    #[must_use]
    pub const fn received(&self) -> (Micros, Micros) {
        self.received
    }

    /// Root over the hashes of its events.
    #[must_use]
    pub const fn root(&self) -> Hash {
        self.root
    }

    /// The bytes of the entry.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(Self::BYTES);
        out.push(BLOCK);
        out.extend_from_slice(&self.first.0.to_be_bytes());
        out.extend_from_slice(&self.count.to_be_bytes());
        out.extend_from_slice(&self.received.0.0.to_be_bytes());
        out.extend_from_slice(&self.received.1.0.to_be_bytes());
        out.extend_from_slice(&self.root.0);
        out
    }

    /// What follows the first byte.
    fn parse(mut rest: &[u8]) -> Result<Self, LedgerError> {
        let whole = (|| {
            let first = Seq(u64::from_be_bytes(take(&mut rest)?));
            let count = u32::from_be_bytes(take(&mut rest)?);
            let min = Micros(i64::from_be_bytes(take(&mut rest)?));
            let max = Micros(i64::from_be_bytes(take(&mut rest)?));
            let root = Hash(take(&mut rest)?);
            rest.is_empty().then_some((first, count, (min, max), root))
        })();
        let (first, count, received, root) = whole.ok_or(LedgerError::NotEntry {
            cause: "a block's entry has 61 bytes",
        })?;
        Self::new(first, count, received, root)
    }
}

/// One entry of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LedgerEntry {
    /// A block of events.
    Block(BlockEntry),
    /// That events were removed or rewritten, and on whose word.
    Statement(Statement),
}

impl LedgerEntry {
    /// The bytes of the entry: one form for one entry.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Block(block) => block.to_bytes(),
            Self::Statement(statement) => {
                let mut out = vec![STATEMENT];
                statement.write(&mut out);
                out
            }
        }
    }

    /// Reads an entry in the one form that it has.
    ///
    /// # Errors
    /// LEDGER-020 for bytes that are no entry; LEDGER-021 for a kind or version that this program
    /// does not know, which is no fault of the ledger.
    pub fn parse(bytes: &[u8]) -> Result<Self, LedgerError> {
        match bytes.split_first() {
            Some((&BLOCK, rest)) => BlockEntry::parse(rest).map(Self::Block),
            Some((&STATEMENT, rest)) => Statement::parse(rest).map(Self::Statement),
            Some((&kind, _)) => Err(LedgerError::NewerEntry { kind, version: 0 }),
            None => Err(LedgerError::NotEntry {
                cause: "it has no bytes",
            }),
        }
    }
}

impl From<BlockEntry> for LedgerEntry {
    fn from(block: BlockEntry) -> Self {
        Self::Block(block)
    }
}

impl From<Statement> for LedgerEntry {
    fn from(statement: Statement) -> Self {
        Self::Statement(statement)
    }
}

/// The next `N` bytes, which `rest` then no longer has.
pub(super) fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (bytes, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*bytes)
}
