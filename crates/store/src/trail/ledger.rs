//! What is asked of the ledger of a trail.

use admintrail_event::{Event, Micros, Seq};
use admintrail_ledger::{Hash, Statement, TileId, VerifierKey};
use tokio::sync::oneshot;

use super::Trail;
use crate::StoreError;
use crate::hot::Command;
use crate::ledger::{
    LedgerState, ProofState, Proving, Verified, VerifyOptions, verification_key, verify,
};

impl Trail {
    /// What the ledger says of itself; nothing where there is none yet.
    #[must_use]
    pub fn ledger(&self) -> LedgerState {
        match &self.inner.keeper {
            Some(keeper) => keeper.state(),
            None => LedgerState::default(),
        }
    }

    /// Closes the open block and waits until every event that was accepted is in the published ledger.
    ///
    /// # Errors
    /// STORE-004 if it cannot be written.
    pub fn publish(&self) -> Result<(), StoreError> {
        let (done, closed) = oneshot::channel();
        let commands = self.writer()?.commands();
        commands
            .blocking_send(Command::CloseBlock(done))
            .map_err(|_| StoreError::Closed)?;
        closed.blocking_recv().map_err(|_| StoreError::Closed)?;
        let keeper = self.inner.keeper.as_ref().ok_or(StoreError::Closed)?;
        keeper.catch_up()
    }

    /// Whether an event is in the published ledger as it is now: computed, not believed.
    ///
    /// # Errors
    /// When the ledger or the archive cannot be read.
    pub fn prove(&self, event: &Event) -> Result<ProofState, StoreError> {
        self.inner.prover.prove(&self.inner.mirror, event)
    }

    /// Proves many events against one checkpoint; `None` before the first one.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn proving(&self) -> Result<Option<Proving<'_>>, StoreError> {
        self.inner.prover.proving(&self.inner.mirror)
    }

    /// The hashes of events as the published ledger has them; `None` for one that it does not have
    /// yet, or has otherwise. Numbers in their order cost least.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn ledger_hashes(&self, seqs: &[Seq]) -> Result<Vec<Option<Hash>>, StoreError> {
        self.inner.prover.hashes(&self.inner.mirror, seqs)
    }

    /// The published checkpoint, byte for byte; `None` before the first one.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn published_checkpoint(&self) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.prover.published_checkpoint()
    }

    /// A published tile or bundle, byte for byte; `None` if there is none of this width.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn published_tile(&self, tile: &TileId) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.prover.published_tile(tile)
    }

    /// The key with which everybody checks this ledger; `None` before there is one.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn verification_key(&self) -> Result<Option<VerifierKey>, StoreError> {
        verification_key(self.inner.prover.dir(), self.inner.log)
    }

    /// What the ledger says of events that are not as they were recorded, by place.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn statements(&self) -> Result<Vec<(u64, Statement)>, StoreError> {
        self.inner.prover.statements()
    }

    /// How many events no checkpoint covers yet, and when the first of them was received; `None` if
    /// it covers all, or nobody keeps the ledger here.
    #[must_use]
    pub fn unpublished(&self) -> Option<(u64, Micros)> {
        self.inner.keeper.as_ref()?;
        let (next, last) = (self.ledger().next_seq, *self.inner.visible.borrow());
        let count = (last.0 + 1)
            .checked_sub(next.0)
            .filter(|count| *count > 0)?;
        let before = Seq(next.0.saturating_sub(1));
        let first = self.inner.mirror.after(before, 1).pop()?;
        Some((count, first.received))
    }

    /// Verifies the folder of this trail, from its rows to its checkpoint ([`crate::verify`]).
    ///
    /// # Errors
    /// What keeps it from looking; what is found wrong is no error.
    pub fn verify(
        &self,
        options: &VerifyOptions,
        progress: impl FnMut(u64, u64),
    ) -> Result<Verified, StoreError> {
        verify(self.inner.prover.dir(), options, progress)
    }
}
