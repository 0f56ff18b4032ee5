//! A checkpoint on its way out.

use admintrail_event::Micros;
use admintrail_ledger::{Checkpoint, TreeHead, VerifierKey};
use admintrail_store::LedgerState;
use serde_json::{Value, json};

/// A signed checkpoint with where it comes from.
#[derive(Debug, Clone)]
pub(super) struct Note {
    pub(super) origin: String,
    pub(super) head: TreeHead,
    /// As it was published.
    pub(super) checkpoint: String,
    pub(super) key: VerifierKey,
    /// The name of the recorder.
    pub(super) host: String,
    pub(super) at: Micros,
}

impl Note {
    /// The checkpoint as it is now. One that our own key did not sign is sent to nobody.
    pub(super) fn of(ledger: &LedgerState, host: &str, at: Micros) -> Result<Self, String> {
        let wrong = |error| format!("the ledger's own checkpoint cannot be read: {error}");
        let key: VerifierKey = ledger.key.parse().map_err(wrong)?;
        let checkpoint = Checkpoint::open(ledger.checkpoint.as_bytes(), std::slice::from_ref(&key))
            .map_err(wrong)?;
        Ok(Self {
            origin: checkpoint.origin,
            head: checkpoint.head,
            checkpoint: ledger.checkpoint.clone(),
            key,
            host: host.to_owned(),
            at,
        })
    }

    /// As a receiver gets it, and as a line of a file beside the checkpoint has it.
    pub(super) fn json(&self) -> Value {
        json!({
            "origin": self.origin,
            "size": self.head.size,
            "root": self.head.root.to_base64(),
            "checkpoint": self.checkpoint,
            "host": self.host,
            "at": self.at.to_string(),
        })
    }
}
