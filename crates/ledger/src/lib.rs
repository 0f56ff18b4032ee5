//! The ledger: a Merkle log of blocks of events, which makes every change and every removal visible.
//!
//! Events are hashed into blocks of about one second, blocks become entries of one append-only tree
//! (RFC 6962), the tree is published as tiles (C2SP tlog-tiles) under signed checkpoints (C2SP
//! tlog-checkpoint, signed-note). Formats of the field, so that other people's tools check them:
//!
//! ```text
//! event ─▶ EventHasher ─▶ OpenBlock ─▶ LedgerEntry ─▶ TileWriter ─▶ tiles
//!                                                         └─▶ Checkpoint ─▶ signed note
//! event + EventProof + Checkpoint ─▶ verify_event         (one event, from an export)
//! events + EventProofs + Checkpoint ─▶ PackWriter         (a zip that checks itself)
//! blocks + tiles + Checkpoint ─▶ Verifier                 (the whole trail)
//! ```
//!
//! This room promises to be pure: no SQLite, no HTTP, no clock, no randomness. Keys, salts and time
//! come in as parameters; files are read and written behind [`TileSource`] and [`TileSink`]. What it
//! reads may come from anybody: no bytes make it panic. It uses `event` and nothing else of ours.

mod block;
mod checkpoint;
mod error;
mod hash;
mod note;
mod pack;
mod proof;
mod sha256;
mod tile;
mod tree;
mod verify;

pub use block::{
    BlockEntry, BlockKey, Declaration, EventHasher, LedgerEntry, MAX_BLOCK_EVENTS, OpenBlock,
    ReasonSeal, Salt, SaltedEvent, Statement, StatementKind,
};
pub use checkpoint::Checkpoint;
pub use error::LedgerError;
pub use hash::Hash;
pub use note::{KeyId, MAX_NOTE_BYTES, MAX_SIGNATURES, Note, SigningKey, VerifierKey, sign};
pub use pack::{PackAnchor, PackInfo, PackWriter};
pub use proof::{EventProof, verify_event};
pub use tile::{
    MAX_ENTRY_BYTES, TILE_WIDTH, TileFile, TileId, TileLevel, TileReader, TileSink, TileSource,
    TileWriter, bundle_entries,
};
pub use tree::{ConsistencyProof, Frontier, InclusionProof, Tree, TreeHead, root_over};
pub use verify::{
    Fault, FaultKind, Kept, RecordedBlock, RecordedEvent, Report, Verifier, VerifyError,
};
