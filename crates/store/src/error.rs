//! Everything that can go wrong in this room, each with a stable code.

use std::path::PathBuf;

use admintrail_event::Seq;

/// Why the store could not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// STORE-001
    #[error(
        "{path} is in use by another Admintrail server{}; stop that one or choose another --data",
        holder.map_or_else(String::new, |pid| format!(" (process {pid})")),
        path = path.display()
    )]
    FolderLocked {
        /// The data folder.
        path: PathBuf,
        /// The process that holds it, if it said so.
        holder: Option<u32>,
    },
    /// STORE-002
    #[error(
        "cannot write to {path}: {cause}; give this user the folder (chown, mode 0700) or choose another --data",
        path = path.display()
    )]
    NotWritable {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        cause: String,
    },
    /// STORE-003
    #[error(
        "{path} is damaged: {cause}; nothing was changed. Keep a copy of the folder, then restore \
         this file from a backup, or move it away to begin a new trail",
        path = path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        cause: String,
    },
    /// STORE-004: nothing was accepted; the caller may retry the same submissions.
    #[error("could not be recorded: {cause}")]
    CannotRecord {
        /// "disk full" and the like.
        cause: String,
    },
    /// STORE-005
    #[error("the trail is closed")]
    Closed,
    /// STORE-006
    #[error("not a cursor of this trail")]
    BadCursor,
    /// STORE-007
    #[error("cannot read {path}: {cause}", path = path.display())]
    NotReadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: String,
    },
    /// STORE-008
    #[error(
        "{path} was written by a newer Admintrail (format {found}, this one knows {known}); \
         install that version again",
        path = path.display()
    )]
    TooNew {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The newest format known here.
        known: i64,
    },
    /// STORE-009
    #[error(
        "{path} is damaged: {cause}; it is left out, everything else is there. Put it back from a \
         backup, together with its .summary file",
        path = path.display()
    )]
    DamagedSegment {
        /// The file.
        path: PathBuf,
        /// What was found.
        cause: String,
    },
    /// STORE-010: nothing was accepted; everything else is recorded meanwhile.
    #[error(
        "whether {ids} of these events were recorded before cannot be said, so none was accepted: \
         {cause}. Then send them again"
    )]
    Undecided {
        /// How many.
        ids: usize,
        /// Which segment is damaged.
        cause: String,
    },
    /// STORE-011
    #[error(
        "the published ledger is ahead of this trail: it has {entries} entries of which {known} are \
         known here, and its events end before {next}, the trail's with {last}; an older copy of a \
         file was put back. Put back the newer one, or say that the events between are lost: \
         admintrail ledger accept-loss --by WHO"
    )]
    LedgerAhead {
        /// Entries of the published ledger.
        entries: u64,
        /// Entries that `ledger.db` has.
        known: u64,
        /// The first event that is in no block.
        next: Seq,
        /// The last event of the trail.
        last: Seq,
    },
    /// STORE-012
    #[error("{what} is not a checkpoint of this ledger: {cause}")]
    NotCheckpoint {
        /// Which file or option.
        what: String,
        /// What is wrong with it.
        cause: String,
    },
    /// STORE-013
    #[error("nobody in this trail has the id {admin}; give the whole id as the list shows it")]
    Nobody {
        /// The id that was asked for.
        admin: String,
    },
}

impl StoreError {
    /// Every code, none used twice.
    pub const CODES: &'static [&'static str] = &[
        "STORE-001",
        "STORE-002",
        "STORE-003",
        "STORE-004",
        "STORE-005",
        "STORE-006",
        "STORE-007",
        "STORE-008",
        "STORE-009",
        "STORE-010",
        "STORE-011",
        "STORE-012",
        "STORE-013",
    ];

    /// Stable code, never reused.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::FolderLocked { .. } => "STORE-001",
            Self::NotWritable { .. } => "STORE-002",
            Self::Damaged { .. } => "STORE-003",
            Self::CannotRecord { .. } => "STORE-004",
            Self::Closed => "STORE-005",
            Self::BadCursor => "STORE-006",
            Self::NotReadable { .. } => "STORE-007",
            Self::TooNew { .. } => "STORE-008",
            Self::DamagedSegment { .. } => "STORE-009",
            Self::Undecided { .. } => "STORE-010",
            Self::LedgerAhead { .. } => "STORE-011",
            Self::NotCheckpoint { .. } => "STORE-012",
            Self::Nobody { .. } => "STORE-013",
        }
    }
}
