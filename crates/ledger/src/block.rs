//! Blocks: the events of about one second, hashed together, and what the ledger keeps of each.
//!
//! An event is hashed as `SHA-256(0x00 ‖ salt ‖ canonical bytes)`. The salt keeps whoever has only
//! the hash from trying names and addresses until one fits, and lets an erased event stay in its
//! block by its hash alone. That hash **is** the leaf hash of the block's tree: the `0x00` in front
//! is the leaf prefix of RFC 6962, and the leaf's data is `salt ‖ canonical bytes`. It is not to be
//! hashed as a leaf once more.

mod entry;
mod event_hash;
mod open;
mod statement;

pub use entry::{BlockEntry, LedgerEntry};
pub use event_hash::{BlockKey, EventHasher, Salt, SaltedEvent};
pub use open::OpenBlock;
pub use statement::{Declaration, ReasonSeal, Statement, StatementKind};

/// The most events of a block.
pub const MAX_BLOCK_EVENTS: u32 = 4_096;
