//! A trail with what was published of it, to be changed and verified.

use admintrail_event::{Micros, Seq};
use admintrail_ledger::{
    Declaration, Fault, FaultKind, LedgerEntry, RecordedBlock, Report, Statement, StatementKind,
    TileReader, TreeHead, Verifier, VerifyError,
};

use crate::samples::{Tiles, blocks, published};

/// Blocks of four, six, three and five events: 1–4, 5–10, 11–13, 14–18.
pub(crate) const SIZES: [usize; 4] = [4, 6, 3, 5];

/// What is recorded, and what was published of it.
#[derive(Clone)]
pub(crate) struct Trail {
    pub(crate) recorded: Vec<RecordedBlock>,
    pub(crate) tiles: Tiles,
    pub(crate) head: TreeHead,
    pub(crate) anchors: Vec<TreeHead>,
}

impl Trail {
    /// Everything recorded is published.
    pub(crate) fn published(recorded: Vec<RecordedBlock>) -> Self {
        let (tiles, head) = published(recorded.iter().map(|block| block.entry.as_slice()));
        Self {
            recorded,
            tiles,
            head,
            anchors: Vec::new(),
        }
    }

    pub(crate) fn intact() -> Self {
        let blocks = blocks(&SIZES);
        Self::published(blocks.iter().map(|block| block.recorded()).collect())
    }

    /// With statements behind the blocks, and what they are about changed by `change`.
    pub(crate) fn with(
        statements: &[Declaration],
        change: impl FnOnce(&mut Vec<RecordedBlock>),
    ) -> Self {
        let mut recorded = Self::intact().recorded;
        recorded.extend(statements.iter().map(said));
        let mut trail = Self::published(recorded);
        change(&mut trail.recorded);
        trail
    }

    pub(crate) fn changed(change: impl FnOnce(&mut Vec<RecordedBlock>)) -> Self {
        let mut trail = Self::intact();
        change(&mut trail.recorded);
        trail
    }

    pub(crate) fn verifier(&self) -> Verifier<&Tiles> {
        Verifier::new(TileReader::new(&self.tiles, self.head))
    }

    /// As `admintrail verify` would: statements first, then everything.
    pub(crate) fn verify(&self) -> Result<Report, VerifyError> {
        let mut verifier = self.verifier();
        for anchor in &self.anchors {
            verifier.anchor(*anchor)?;
        }
        for (index, block) in (0..self.head.size).zip(&self.recorded) {
            if let Ok(LedgerEntry::Statement(statement)) = LedgerEntry::parse(&block.entry) {
                verifier.declare(index, &statement)?;
            }
        }
        verifier.run(self.recorded.iter().cloned())
    }

    pub(crate) fn fault(&self) -> Fault {
        match self.verify() {
            Err(VerifyError::Fault(fault)) => fault,
            other => panic!("{other:?}"),
        }
    }
}

pub(crate) fn said(declared: &Declaration) -> RecordedBlock {
    let statement = Statement::new(declared.clone()).unwrap();
    RecordedBlock {
        entry: LedgerEntry::from(statement).to_bytes(),
        events: Vec::new(),
    }
}

pub(crate) fn declared(kind: StatementKind, first: u64, last: u64, events: u64) -> Declaration {
    Declaration {
        kind,
        at: Micros(1_795_000_100_000_000),
        first: Seq(first),
        last: Seq(last),
        events,
        cutoff: None,
        panel: None,
        subject: None,
        by: "olena@example.org".into(),
        approved_by: None,
        reason: None,
        after: None,
    }
}

pub(crate) fn fault(kind: FaultKind, first: u64, last: u64, entry: u64) -> Fault {
    let (first, last) = (Seq(first), Seq(last));
    Fault {
        kind,
        first,
        last,
        entry,
    }
}
