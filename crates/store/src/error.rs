//! Everything that can go wrong in this room, each with a stable code.

use std::path::PathBuf;

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// STORE-001
    #[error("{path} is in use by another Admintrail server (its lock is held)", path = path.display())]
    FolderLocked {
        /// The data folder.
        path: PathBuf,
    },
    /// STORE-002
    #[error("cannot write to {path}: {cause}", path = path.display())]
    NotWritable {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        cause: String,
    },
    /// STORE-003
    #[error("{path} is damaged: {cause}", path = path.display())]
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
}

impl StoreError {
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
        }
    }
}
