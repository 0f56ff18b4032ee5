//! Holds a whole trail against its ledger: from the events to the checkpoint.
//!
//! What is checked, entry by entry in the order of the ledger: that the published tiles and bundles
//! have just this entry; that blocks follow each other without a number missing or twice; that a
//! block's events are all there, in order, within its bounds of time, and hash to its root; that
//! whatever is not there, or is there by its hash alone, was declared by a statement that the
//! checkpoint covers; and that the entries make the roots of the checkpoint and of every anchor.
//!
//! It stops at the first fault and says which events it is about. A fault is a finding, not an
//! error: errors ([`VerifyError::CannotCheck`]) are what kept it from looking.

mod events;
mod excuses;
mod fault;

pub use fault::{Fault, FaultKind, VerifyError};

use std::collections::BTreeMap;

use admintrail_event::{Micros, Seq};

use crate::block::StatementKind;
use crate::{
    BlockEntry, Frontier, Hash, LedgerEntry, LedgerError, Statement, TILE_WIDTH, TileReader,
    TileSource, TreeHead,
};
use excuses::Excuses;

/// What is left of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// All of it; the hash was taken again from it.
    Whole,
    /// The hash as it was, and beside it the event as an erasure left it.
    Erased,
    /// Only the hash as it was: the event was removed from the middle of a block.
    HashOnly,
}

impl Kept {
    /// The kind of statement without which an event may not be kept like this.
    const fn needs(self) -> Option<StatementKind> {
        match self {
            Self::Whole => None,
            Self::Erased => Some(StatementKind::Erasure),
            Self::HashOnly => Some(StatementKind::Retention),
        }
    }
}

/// One event as the trail has it now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordedEvent {
    /// Its number.
    pub seq: Seq,
    /// When it was received, if that is still known.
    pub received: Option<Micros>,
    /// Its hash ([`crate::EventHasher`]).
    pub hash: Hash,
    /// Whether the hash was taken from the event or kept.
    pub kept: Kept,
}

/// One entry of the ledger as the trail has it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedBlock {
    /// The bytes of the entry.
    pub entry: Vec<u8>,
    /// The events of a block in the order of their numbers: all of them, or none where the whole
    /// block was removed. None for a statement.
    pub events: Vec<RecordedEvent>,
}

/// What was found to be in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Entries of the ledger that were looked at.
    pub entries: u64,
    /// Blocks among them.
    pub blocks: u64,
    /// Events that are as they were recorded.
    pub whole: u64,
    /// Events that a statement allows to be as an erasure left them.
    pub erased: u64,
    /// Events of which a statement allows only the hash to be there.
    pub hash_only: u64,
    /// Events that a statement allows to be gone, with their blocks.
    pub removed: u64,
    /// Numbers that no block has, declared as lost.
    pub lost: u64,
    /// Statements that were met, by their index in the ledger.
    pub statements: BTreeMap<u64, Statement>,
    /// Entries after the checkpoint: in order, but nobody signed for them yet.
    pub unpublished: u64,
    /// The number that the next event has.
    pub next: Seq,
}

/// Checks a trail against its ledger, entry by entry.
#[derive(Debug)]
pub struct Verifier<S> {
    reader: TileReader<S>,
    frontier: Frontier,
    /// Heads that are still to be reached, by size, then as they came.
    heads: Vec<TreeHead>,
    /// The first event after the last head that was reached.
    since_head: Seq,
    excuses: Excuses,
    report: Report,
}

impl<S: TileSource> Verifier<S> {
    /// Begins with the first entry. The reader's head should come from a checkpoint that was opened
    /// with a key one trusts.
    #[must_use]
    pub fn new(reader: TileReader<S>) -> Self {
        Self::from(reader, Frontier::new(), Seq(1))
    }

    /// Begins after an earlier checkpoint, whose ledger was checked then and ended before the event
    /// `next`. That nothing before it changed since is proven from the tiles.
    ///
    /// # Errors
    /// A fault if the ledger does not begin with that of the earlier checkpoint.
    pub fn resume(
        mut reader: TileReader<S>,
        start: TreeHead,
        next: Seq,
    ) -> Result<Self, VerifyError> {
        let frontier = reader.frontier_at(start.size);
        let frontier = frontier.map_err(|error| fault::of_tiles(error, next, start.size))?;
        let mut verifier = Self::from(reader, frontier, next);
        verifier.anchor(start)?;
        Ok(verifier)
    }

    fn from(reader: TileReader<S>, frontier: Frontier, next: Seq) -> Self {
        let head = reader.head();
        Self {
            reader,
            frontier,
            heads: vec![head],
            since_head: next,
            excuses: Excuses::default(),
            report: Report {
                next,
                ..Report::default()
            },
        }
    }

    /// Adds a head that somebody else kept; the ledger has to pass through it.
    ///
    /// # Errors
    /// A fault if it lies before the entries that are still to come and the ledger does not contain
    /// it.
    pub fn anchor(&mut self, head: TreeHead) -> Result<(), VerifyError> {
        if head.size > self.frontier.size() {
            let at = self.heads.partition_point(|other| other.size <= head.size);
            self.heads.insert(at, head);
            return Ok(());
        }
        let contained = self.reader.consistency(head.size);
        let (found, _) = contained.map_err(|error| self.of_tiles(error))?;
        if found == head {
            Ok(())
        } else {
            Err(self.fault(FaultKind::Rewritten, Seq(1), self.report.next))
        }
    }

    /// Says before the entries come that a statement is among them, so that it excuses what it is
    /// about: it stands behind the blocks that it speaks of. Only one under the checkpoint counts.
    ///
    /// # Errors
    /// A fault if the ledger has another entry there, or none that is signed.
    pub fn declare(&mut self, index: u64, statement: &Statement) -> Result<(), VerifyError> {
        let entry = LedgerEntry::from(statement.clone()).to_bytes();
        let leaf = match self.reader.inclusion(index) {
            Ok((leaf, _)) => Some(leaf),
            Err(LedgerError::OutOfTree { .. }) => None,
            Err(error) => return Err(self.of_tiles(error)),
        };
        if leaf == Some(Hash::of_leaf(&entry)) {
            self.excuses.add(index, statement);
            Ok(())
        } else {
            let declared = statement.declared();
            Err(self.fault(FaultKind::FalseStatement, declared.first, declared.last))
        }
    }

    /// Checks the next entry with its events.
    ///
    /// # Errors
    /// The first fault, or what kept it from looking. The verifier is of no use afterwards.
    pub fn check(&mut self, block: &RecordedBlock) -> Result<(), VerifyError> {
        let first = block.events.first().map(|event| event.seq);
        self.entry(&block.entry, first, |verifier, entry| {
            verifier.block(entry, &block.events)
        })
    }

    /// Checks the next entry, that of a block of which all events are there as they were: `made` is
    /// the entry that they make ([`crate::root_over`]), all of them hashed again. So several threads can do
    /// most of the work, and the entries alone have to come in their order.
    ///
    /// # Errors
    /// As those of [`Verifier::check`]. If `made` is another block than the entry, the fault is about
    /// the whole block; `check` tells more.
    pub fn check_made(&mut self, entry: &[u8], made: &BlockEntry) -> Result<(), VerifyError> {
        self.entry(entry, Some(made.first()), |verifier, entry| {
            verifier.follows(entry)?;
            if made != entry {
                let kind = if made.root() == entry.root() && made.seqs() == entry.seqs() {
                    FaultKind::Received
                } else {
                    FaultKind::Changed
                };
                return Err(verifier.fault(kind, entry.first(), entry.last()));
            }
            verifier.report.whole += u64::from(entry.count());
            verifier.checked(entry);
            Ok(())
        })
    }

    /// `event` is the first that came with the entry.
    fn entry(
        &mut self,
        bytes: &[u8],
        event: Option<Seq>,
        check_block: impl FnOnce(&mut Self, &BlockEntry) -> Result<(), VerifyError>,
    ) -> Result<(), VerifyError> {
        self.reach_heads()?;
        let next = self.report.next;
        let entry = match LedgerEntry::parse(bytes) {
            Ok(entry) => Ok(entry),
            Err(error @ LedgerError::NewerEntry { .. }) => return Err(error.into()),
            Err(_) => Err(self.fault(FaultKind::BadEntry, next, next)),
        };
        let last = match &entry {
            Ok(LedgerEntry::Block(entry)) => entry.last().max(next),
            _ => next,
        };
        self.published(bytes, last)?;
        let index = self.frontier.size();
        match entry? {
            LedgerEntry::Block(entry) => check_block(self, &entry)?,
            LedgerEntry::Statement(statement) => {
                if let Some(seq) = event {
                    return Err(self.fault(FaultKind::Added, seq, seq));
                }
                let said = statement.declared();
                // A statement about what is still to come would excuse whatever is done to it.
                if said.kind != StatementKind::Loss && said.last >= next {
                    return Err(self.fault(FaultKind::FalseStatement, said.first, said.last));
                }
                if index < self.reader.head().size {
                    self.excuses.add(index, &statement);
                }
                self.report.statements.insert(index, statement);
            }
        }
        self.report.entries += 1;
        self.frontier.push(Hash::of_leaf(bytes));
        Ok(())
    }

    /// Checks that all that was published has come.
    ///
    /// # Errors
    /// A fault if entries are missing at the end.
    pub fn finish(mut self) -> Result<Report, VerifyError> {
        self.reach_heads()?;
        if self.heads.is_empty() {
            Ok(self.report)
        } else {
            let next = self.report.next;
            Err(self.fault(FaultKind::MissingEntry, next, next))
        }
    }

    /// Checks all entries that an iterator gives, to the end.
    ///
    /// # Errors
    /// The first fault, or what kept it from looking.
    pub fn run(
        mut self,
        blocks: impl IntoIterator<Item = RecordedBlock>,
    ) -> Result<Report, VerifyError> {
        for block in blocks {
            self.check(&block)?;
        }
        self.finish()
    }

    /// Whether the published files have just this entry next.
    fn published(&mut self, entry: &[u8], last: Seq) -> Result<(), VerifyError> {
        let (index, next) = (self.frontier.size(), self.report.next);
        if index >= self.reader.head().size {
            self.report.unpublished += 1;
            return Ok(());
        }
        let leaf = self.reader.leaf(index);
        if leaf.map_err(|error| self.of_tiles(error))? != Hash::of_leaf(entry) {
            return Err(self.fault(FaultKind::ChangedEntry, next, last));
        }
        let width = u64::from(TILE_WIDTH);
        if self.report.entries == 0 || index.is_multiple_of(width) {
            let bundle = self.reader.bundle(index / width);
            bundle.map_err(|error| self.of_tiles(error))?;
        }
        Ok(())
    }

    fn block(&mut self, entry: &BlockEntry, events: &[RecordedEvent]) -> Result<(), VerifyError> {
        self.follows(entry)?;
        if events.is_empty() {
            let kinds = [StatementKind::Retention, StatementKind::Loss];
            let all = entry.first()..=entry.last();
            let excused = self.excuses.excuse(all, Some(entry.received().1), &kinds);
            excused.map_err(|seq| self.fault(FaultKind::Missing, seq, entry.last()))?;
            self.report.removed += u64::from(entry.count());
        } else {
            self.events(entry, events)?;
        }
        self.checked(entry);
        Ok(())
    }

    /// Whether a block begins where the one before it ended, or what is between them is declared.
    fn follows(&mut self, entry: &BlockEntry) -> Result<(), VerifyError> {
        let next = self.report.next;
        if entry.first() < next {
            return Err(self.fault(FaultKind::Overlap, entry.first(), entry.last()));
        }
        if entry.first() > next {
            let gap = next..=Seq(entry.first().0 - 1);
            let excused = self
                .excuses
                .excuse(gap.clone(), None, &[StatementKind::Loss]);
            excused.map_err(|seq| self.fault(FaultKind::Gap, seq, *gap.end()))?;
            self.report.lost += entry.first().0 - next.0;
        }
        Ok(())
    }

    fn checked(&mut self, entry: &BlockEntry) {
        self.report.blocks += 1;
        // The last number of all has none after it; a block behind it overlaps.
        self.report.next = Seq(entry.last().0.saturating_add(1));
    }

    fn events(&mut self, entry: &BlockEntry, events: &[RecordedEvent]) -> Result<(), VerifyError> {
        let wrong = events::first_fault(entry, events);
        if let Some((kind, first, last)) = wrong {
            return Err(self.fault(kind, first, last));
        }
        for event in events {
            if let Some(kind) = event.kept.needs() {
                let all = event.seq..=event.seq;
                let excused = self.excuses.excuse(all, event.received, &[kind]);
                excused.map_err(|seq| self.fault(FaultKind::Undeclared, seq, seq))?;
            }
            let count = match event.kept {
                Kept::Whole => &mut self.report.whole,
                Kept::Erased => &mut self.report.erased,
                Kept::HashOnly => &mut self.report.hash_only,
            };
            *count += 1;
        }
        Ok(())
    }

    /// Holds the entries so far against the heads of just this size.
    fn reach_heads(&mut self) -> Result<(), VerifyError> {
        let reached = self
            .heads
            .partition_point(|head| head.size <= self.frontier.size());
        if reached == 0 {
            return Ok(());
        }
        let root = self.frontier.root();
        if self.heads.drain(..reached).any(|head| head.root != root) {
            let last = Seq(self.report.next.0.saturating_sub(1)).max(self.since_head);
            return Err(self.fault(FaultKind::Rewritten, self.since_head, last));
        }
        self.since_head = self.report.next;
        Ok(())
    }

    fn fault(&self, kind: FaultKind, first: Seq, last: Seq) -> VerifyError {
        VerifyError::Fault(Fault {
            kind,
            first,
            last,
            entry: self.frontier.size(),
        })
    }

    fn of_tiles(&self, error: LedgerError) -> VerifyError {
        fault::of_tiles(error, self.report.next, self.frontier.size())
    }
}
