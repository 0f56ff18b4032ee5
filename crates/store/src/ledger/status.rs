//! What the ledger says of itself.

use admintrail_event::{Micros, Seq};

/// How far the ledger has come.
#[derive(Debug, Clone, Default)]
pub struct LedgerState {
    /// The ledger's name: the first line of its checkpoints.
    pub origin: String,
    /// The key with which everybody checks them.
    pub key: String,
    /// Entries that the last checkpoint covers.
    pub entries: u64,
    /// The first event that it does not cover.
    pub next_seq: Seq,
    /// The last checkpoint as it was published; empty before the first one.
    pub checkpoint: String,
    /// When this server published it.
    pub published: Option<Micros>,
    /// Why nothing can be published at the moment, and since when.
    pub failing: Option<(Micros, String)>,
}
