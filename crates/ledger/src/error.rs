//! Everything that can be wrong in this room, each with a stable code.

use admintrail_event::Seq;

use crate::TileId;

/// Why something is not what it should be, or could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// LEDGER-001
    #[error("not {digits} lower-case hexadecimal digits")]
    NotHex {
        /// How many were expected.
        digits: usize,
    },
    /// LEDGER-002
    #[error("there is no entry {index} in a tree of {size}")]
    OutOfTree {
        /// What was asked for, from 0 on.
        index: u64,
        /// How many entries there are.
        size: u64,
    },
    /// LEDGER-003
    #[error("{peaks} hashes are not the right edge of a tree of {size}")]
    WrongPeaks {
        /// How many entries the tree should have.
        size: u64,
        /// How many hashes were given.
        peaks: usize,
    },
    /// LEDGER-004
    #[error("the proof does not show that entry {index} is in the tree of {size}")]
    NotIncluded {
        /// Which entry, from 0 on.
        index: u64,
        /// Size of the tree.
        size: u64,
    },
    /// LEDGER-005
    #[error("the proof does not show that the tree of {new} begins with the tree of {old}")]
    NotConsistent {
        /// Size of the earlier tree.
        old: u64,
        /// Size of the later tree.
        new: u64,
    },
    /// LEDGER-006
    #[error("{path:?} is not the path of a tile")]
    NotTile {
        /// What was given, at most 100 characters of it.
        path: String,
    },
    /// LEDGER-007
    #[error("{tile} is missing")]
    TileMissing {
        /// Its path.
        tile: TileId,
    },
    /// LEDGER-008
    #[error("{tile} is damaged: {cause}")]
    TileDamaged {
        /// Its path.
        tile: TileId,
        /// What was found.
        cause: &'static str,
    },
    /// LEDGER-009
    #[error("an entry of {bytes} bytes does not fit into the ledger; 65,535 are the most")]
    EntryTooLong {
        /// How long it is.
        bytes: usize,
    },
    /// LEDGER-010
    #[error("the tiles do not belong to the ledger of {size} entries that was signed")]
    TilesContradict {
        /// Size that the checkpoint speaks of.
        size: u64,
    },
    /// LEDGER-011
    #[error("cannot read {tile}: {cause}")]
    TileUnreadable {
        /// Its path.
        tile: TileId,
        /// What its source said.
        cause: String,
    },
    /// LEDGER-012
    #[error("cannot write {tile}: {cause}")]
    TileUnwritable {
        /// Its path.
        tile: TileId,
        /// What its sink said.
        cause: String,
    },
    /// LEDGER-013
    #[error("not a signed note: {cause}")]
    NotNote {
        /// What is wrong with it.
        cause: &'static str,
    },
    /// LEDGER-014
    #[error("{name} did not sign this, though a line says so")]
    WrongSignature {
        /// The name of the key.
        name: String,
    },
    /// LEDGER-015
    #[error("none of the known keys signed this")]
    NotSigned,
    /// LEDGER-016
    #[error("not a key to check signatures with: {cause}")]
    NotKey {
        /// What is wrong with it.
        cause: &'static str,
    },
    /// LEDGER-017
    #[error("not a checkpoint: {cause}")]
    NotCheckpoint {
        /// What is wrong with it.
        cause: &'static str,
    },
    /// LEDGER-018
    #[error("no key of {origin} signed its checkpoint")]
    OtherOrigin {
        /// The name that the checkpoint gives.
        origin: String,
    },
    /// LEDGER-019
    #[error(
        "event {seq} is not the next one of the block{}",
        next.map_or_else(|| ", which is full".to_owned(), |next| format!("; {next} is"))
    )]
    NotNext {
        /// What was given.
        seq: Seq,
        /// What has to come; `None` if nothing more fits.
        next: Option<Seq>,
    },
    /// LEDGER-020
    #[error("not an entry of the ledger: {cause}")]
    NotEntry {
        /// What is wrong with it.
        cause: &'static str,
    },
    /// LEDGER-021: no fault of the ledger.
    #[error("this version knows no entry of kind {kind}, version {version}; use a newer one")]
    NewerEntry {
        /// First byte of the entry.
        kind: u8,
        /// Its version, 0 where the kind itself is not known.
        version: u8,
    },
    /// LEDGER-022
    #[error("not a statement of retention, erasure or loss: {cause}")]
    NotStatement {
        /// What is wrong with it.
        cause: &'static str,
    },
    /// LEDGER-023
    #[error("event {seq} is not proven: {cause}")]
    NotProof {
        /// The event.
        seq: Seq,
        /// What is wrong.
        cause: &'static str,
    },
    /// LEDGER-024: no fault of the event.
    #[error("this version knows no proofs of version {version}; use a newer one")]
    NewerProof {
        /// What the proof says.
        version: u8,
    },
    /// LEDGER-025
    #[error("event {seq} does not belong into the pack: {cause}")]
    NotForPack {
        /// The event.
        seq: Seq,
        /// What is wrong.
        cause: &'static str,
    },
    /// LEDGER-026
    #[error("cannot write the pack: {cause}")]
    PackUnwritable {
        /// What its place said.
        cause: String,
    },
}

impl LedgerError {
    /// Every code, none used twice.
    pub const CODES: &'static [&'static str] = &[
        "LEDGER-001",
        "LEDGER-002",
        "LEDGER-003",
        "LEDGER-004",
        "LEDGER-005",
        "LEDGER-006",
        "LEDGER-007",
        "LEDGER-008",
        "LEDGER-009",
        "LEDGER-010",
        "LEDGER-011",
        "LEDGER-012",
        "LEDGER-013",
        "LEDGER-014",
        "LEDGER-015",
        "LEDGER-016",
        "LEDGER-017",
        "LEDGER-018",
        "LEDGER-019",
        "LEDGER-020",
        "LEDGER-021",
        "LEDGER-022",
        "LEDGER-023",
        "LEDGER-024",
        "LEDGER-025",
        "LEDGER-026",
    ];

    /// Stable code, never reused.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotHex { .. } => "LEDGER-001",
            Self::OutOfTree { .. } => "LEDGER-002",
            Self::WrongPeaks { .. } => "LEDGER-003",
            Self::NotIncluded { .. } => "LEDGER-004",
            Self::NotConsistent { .. } => "LEDGER-005",
            Self::NotTile { .. } => "LEDGER-006",
            Self::TileMissing { .. } => "LEDGER-007",
            Self::TileDamaged { .. } => "LEDGER-008",
            Self::EntryTooLong { .. } => "LEDGER-009",
            Self::TilesContradict { .. } => "LEDGER-010",
            Self::TileUnreadable { .. } => "LEDGER-011",
            Self::TileUnwritable { .. } => "LEDGER-012",
            Self::NotNote { .. } => "LEDGER-013",
            Self::WrongSignature { .. } => "LEDGER-014",
            Self::NotSigned => "LEDGER-015",
            Self::NotKey { .. } => "LEDGER-016",
            Self::NotCheckpoint { .. } => "LEDGER-017",
            Self::OtherOrigin { .. } => "LEDGER-018",
            Self::NotNext { .. } => "LEDGER-019",
            Self::NotEntry { .. } => "LEDGER-020",
            Self::NewerEntry { .. } => "LEDGER-021",
            Self::NotStatement { .. } => "LEDGER-022",
            Self::NotProof { .. } => "LEDGER-023",
            Self::NewerProof { .. } => "LEDGER-024",
            Self::NotForPack { .. } => "LEDGER-025",
            Self::PackUnwritable { .. } => "LEDGER-026",
        }
    }
}
