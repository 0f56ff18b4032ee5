//! The ledger of this trail: every closed block of events becomes an entry of one Merkle tree, the tree
//! is published as files, and a checkpoint signs it. The formats are `admintrail_ledger`'s; here is
//! what they are made from and where they are kept.
//!
//! ```text
//! hot commit ─▶ block closed ─▶ ledger.db (key, entry) ─▶ ledger/tile/… ─▶ ledger/checkpoint
//! ```
//!
//! Each arrow is durable before the next begins; a start goes on wherever a crash stopped. Nothing is
//! sealed, dropped or rewritten before its block is published. What is behind an arrow is never ahead
//! of what is before it: if it is, somebody put back an old copy, and the trail does not open.
//!
//! `ledger.db` is private: it has the keys from which salts follow. Whoever has it and an event's hash
//! may guess the event; whoever has the published files alone may not.

mod block;
mod database;
mod erasure;
mod folder;
mod keeper;
mod key;
mod loss;
mod marks;
mod opening;
mod proof;
mod removal;
mod rows;
mod status;
mod tiles;
mod verify;

pub use key::{SIGNING_KEY, verification_key};
pub use loss::accept_loss;
pub use proof::{ProofState, Proven, Proving};
pub use status::LedgerState;
pub use verify::{Verified, VerifyOptions, verify};

pub(crate) use block::ToKeep;
pub(crate) use erasure::{Leaves, erasure};
pub(crate) use keeper::{Keeper, KeeperParts};
pub(crate) use opening::{TrailEnd, open};
pub(crate) use proof::Prover;
pub(crate) use removal::{Keeping, keep_hashes, retention};
