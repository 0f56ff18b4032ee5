//! What is done of an approved erasure, in which order. Every step may be done again: whatever a crash
//! or a full disk interrupts is begun anew.

use std::sync::Arc;

use admintrail_event::Micros;
use admintrail_ledger::ReasonSeal;
use admintrail_store::control::{ErasureState, StoredErasure};
use admintrail_store::{Control, ErasureOrder, ErasureProgress, StoreError, Trail};

/// What else of this process knows persons.
pub trait Hands {
    /// Forgets the person in memory; the id is the first, the pseudonym the second.
    fn forget(&self, admin: &str, pseudonym: &str);

    /// Leaves nothing in the journal of openings but what is open.
    ///
    /// # Errors
    /// Why not.
    fn renew_journal(&self) -> Result<(), String>;

    /// What time it is.
    fn now(&self) -> Micros;
}

/// Does what is left to do of an approved erasure; blocks, maybe for minutes. `None`: there is nothing
/// to do.
///
/// # Errors
/// Why it stopped; then it is still approved, and may be tried again.
pub fn carry_out(
    (trail, control): (&Trail, &Control),
    erasure: &StoredErasure,
    hands: &dyn Hands,
    progress: impl Fn(ErasureProgress) + Send + Sync + 'static,
) -> Result<Option<Arc<StoredErasure>>, StoreError> {
    if erasure.state != ErasureState::Approved {
        return Ok(None);
    }
    if let Some(admin) = erasure.admin.as_deref() {
        let forget = || {
            hands.forget(admin, &erasure.pseudonym);
            control.forget_admin(admin, &erasure.pseudonym).wait()
        };
        // Before, so that nobody is named any more whom the erasure would not see; and after, for what
        // was learned meanwhile.
        forget()?;
        let order = ErasureOrder {
            admin: admin.to_owned(),
            pseudonym: erasure.pseudonym.clone(),
            by: erasure.requested_by.clone(),
            approved_by: erasure.approved_by.clone(),
            reason: ReasonSeal::new(&erasure.blind, &erasure.reason),
        };
        let (events, entry) = match trail.erase(&order, progress) {
            Ok(erased) => (erased.events, erased.entry),
            // Nothing of the person was on record, or retention was quicker.
            Err(StoreError::Nobody { .. }) => (0, None),
            Err(error) => return Err(error),
        };
        forget()?;
        control.forget_erased(erasure.id, events, entry).wait()?;
    }
    hands
        .renew_journal()
        .map_err(|cause| StoreError::CannotRecord {
            cause: format!("the journal of openings: {cause}"),
        })?;
    control.scrub().wait()?;
    control.end_erasure(erasure.id, hands.now()).wait()
}
