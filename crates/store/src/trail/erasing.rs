//! Taking a person out of a trail.

use std::sync::Arc;

use super::Trail;
use crate::erasure::{Erased, ErasureOrder, ErasureProgress, Traces};
use crate::sealer::Errand;
use crate::{StoreError, answer};

impl Trail {
    /// What there is of a person, by its whole id, folded; `None` if nobody has it. Nothing is changed.
    ///
    /// # Errors
    /// When the archive cannot be read.
    pub fn traces(&self, admin: &str) -> Result<Option<Traces>, StoreError> {
        let broken = self
            .inner
            .broken
            .lock()
            .first()
            .map(|(_, error)| error.clone());
        let segments = self.inner.mirror.segments();
        let damaged = || {
            segments
                .iter()
                .find_map(|segment| segment.damage().cloned())
        };
        // Nobody can say whether the person is in what cannot be read.
        if let Some(error) = broken.or_else(damaged) {
            return Err(error);
        }
        self.ask(|snapshot, _| answer::traces(snapshot, admin))
    }

    /// A new pseudonym, which nobody has yet and nothing of a person follows from.
    ///
    /// # Errors
    /// STORE-004 if the system gives no randomness.
    pub fn pseudonym(&self) -> Result<String, StoreError> {
        crate::erasure::pseudonym(|name| self.knows_admin(name))
    }

    /// Erases a person from everything that was accepted so far, says so in the ledger, and waits until
    /// it is done. Whatever a crash interrupts is taken up by the next start; the same order again is
    /// answered with what came of it. `progress` is told now and then.
    ///
    /// # Errors
    /// STORE-013 if nothing is there of the person; STORE-009 if a part of the archive is damaged, of
    /// which nobody can say whether the person is in it; STORE-004 if something cannot be written: then
    /// it is tried again until it can be.
    pub fn erase(
        &self,
        order: &ErasureOrder,
        progress: impl Fn(ErasureProgress) + Send + Sync + 'static,
    ) -> Result<Erased, StoreError> {
        let sealer = self.inner.sealer.as_ref().ok_or(StoreError::Closed)?;
        let (reply, answer) = std::sync::mpsc::channel();
        let (shown, pseudonym) = (Arc::clone(&self.inner.erasing), order.pseudonym.clone());
        let told = Box::new(move |so_far| {
            *shown.lock() = Some((pseudonym.clone(), so_far));
            progress(so_far);
        });
        sealer.ask(Errand::Erase(Box::new(order.clone()), told, reply))?;
        let erased = answer.recv().map_err(|_| StoreError::Closed);
        self.inner.erasing.lock().take();
        erased?
    }

    /// The erasure that is under way, by its pseudonym, and how far it has come.
    #[must_use]
    pub fn erasing(&self) -> Option<(String, ErasureProgress)> {
        self.inner.erasing.lock().clone()
    }
}
