//! What can be found wrong, in words.

use std::fmt;

use admintrail_event::Seq;

use crate::LedgerError;

/// What kind of thing is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultKind {
    /// Events do not hash to the root of their block: one of them at least is another one.
    Changed,
    /// Events of a block are gone, and no statement says so.
    Missing,
    /// Events are there that their block does not count.
    Added,
    /// Events were not received when their block says.
    Received,
    /// An event is there by its hash alone, and no statement says so.
    Undeclared,
    /// Erased events are not as the erasure left them.
    AfterErasure,
    /// Numbers that no block has, and no statement says so.
    Gap,
    /// A block begins with numbers that an earlier one has.
    Overlap,
    /// An entry is not the one that was published.
    ChangedEntry,
    /// Published entries are gone: the published ledger is ahead of the trail.
    MissingEntry,
    /// An entry cannot be read.
    BadEntry,
    /// A statement is not in the ledger that was signed, or speaks of events that were not in it yet.
    FalseStatement,
    /// The entries do not make the root of a checkpoint or an anchor.
    Rewritten,
    /// Published tiles or bundles are gone, damaged, or not those of the checkpoint.
    Tiles,
}

impl FaultKind {
    /// The word for it in `--json`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Missing => "missing",
            Self::Added => "added",
            Self::Received => "received",
            Self::Undeclared => "undeclared",
            Self::AfterErasure => "after_erasure",
            Self::Gap => "gap",
            Self::Overlap => "overlap",
            Self::ChangedEntry => "changed_entry",
            Self::MissingEntry => "missing_entry",
            Self::BadEntry => "bad_entry",
            Self::FalseStatement => "false_statement",
            Self::Rewritten => "rewritten",
            Self::Tiles => "tiles",
        }
    }

    /// What it says of some events.
    const fn sentence(self) -> &'static str {
        match self {
            Self::Changed => "at least one is not as it was recorded",
            Self::Missing => "missing, and nothing in the ledger says so",
            Self::Added => "not in the ledger",
            Self::Received => "not received when the ledger says",
            Self::Undeclared => "rewritten or removed, and nothing in the ledger says so",
            Self::AfterErasure => "erased, and at least one is not as the erasure left it",
            Self::Gap => "in no block, and nothing in the ledger says so",
            Self::Overlap => "in two blocks",
            Self::ChangedEntry => "their entry is not the one that was published",
            Self::MissingEntry => "the published ledger goes on from here, the trail does not",
            Self::BadEntry => "their entry cannot be read",
            Self::FalseStatement => {
                "a statement about them is not in the signed ledger, or was there before them"
            }
            Self::Rewritten => "the ledger is not the one that was signed or kept elsewhere",
            Self::Tiles => "the published files are not those of the checkpoint",
        }
    }
}

/// The first thing that was found wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong.
    pub kind: FaultKind,
    /// The first event that may be concerned.
    pub first: Seq,
    /// The last event that may be concerned, as far as one can tell.
    pub last: Seq,
    /// Where in the ledger it was found, from 0 on.
    pub entry: u64,
}

/// A sentence with the events and the entry.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, last, .. } = self;
        if first == last {
            write!(f, "event {first}: ")?;
        } else {
            write!(f, "events {first} to {last}: ")?;
        }
        let sentence = self.kind.sentence();
        write!(f, "{sentence} (ledger entry {})", self.entry)
    }
}

/// Why a verification did not come to a good end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// Something is wrong with the trail or its ledger.
    #[error("{0}")]
    Fault(Fault),
    /// Something kept it from being looked at.
    #[error(transparent)]
    CannotCheck(#[from] LedgerError),
}

/// Published files that are gone or wrong are a fault; files that cannot be read are none.
pub(super) fn of_tiles(error: LedgerError, next: Seq, entry: u64) -> VerifyError {
    match error {
        LedgerError::TileMissing { .. }
        | LedgerError::TileDamaged { .. }
        | LedgerError::TilesContradict { .. }
        // The signed ledger is shorter than what is asked for.
        | LedgerError::OutOfTree { .. } => VerifyError::Fault(Fault {
            kind: FaultKind::Tiles,
            first: next,
            last: next,
            entry,
        }),
        other => VerifyError::CannotCheck(other),
    }
}
