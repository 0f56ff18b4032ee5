//! `control.db`: accounts, tokens, sessions of our own pages, bindings, views, settings.

mod model;

pub use model::{
    Account, AccountId, ApiToken, LinkPurpose, NewAccount, NewToken, OneTimeLink, Preferences, Role,
    SecretHash, StoredBinding, TokenId, TokenScope, WebSession,
};

use std::path::Path;
use std::sync::Arc;

use admintrail_event::Micros;

use crate::{Identity, StoreError};

/// The database of everything that is not an event. Clones share it.
///
/// Look-ups are answered from memory. Calls that change something return when the change is
/// durable (one fsync): call them off the async threads.
#[derive(Clone)]
pub struct Control {/* private */}

#[allow(unused_variables, clippy::todo, reason = "skeleton")]
impl Control {
    /// Opens `control.db` in the data folder, makes or migrates it.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        todo!()
    }

    /// Every account, by e-mail.
    #[must_use]
    pub fn accounts(&self) -> Vec<Arc<Account>> {
        todo!()
    }

    /// One account.
    #[must_use]
    pub fn account(&self, id: AccountId) -> Option<Arc<Account>> {
        todo!()
    }

    /// Sets what the person has set.
    pub fn set_preferences(&self, id: AccountId, preferences: &Preferences) -> Result<(), StoreError> {
        todo!()
    }

    /// Sets which panel identities are "me".
    pub fn set_identities(&self, id: AccountId, identities: &[Identity]) -> Result<(), StoreError> {
        todo!()
    }

    /// The live session of this hash; remembers that it was seen.
    #[must_use]
    pub fn session(&self, hash: &SecretHash, now: Micros) -> Option<WebSession> {
        todo!()
    }

    /// Live sessions of an account, last seen first.
    #[must_use]
    pub fn sessions_of(&self, account: AccountId, now: Micros) -> Vec<WebSession> {
        todo!()
    }

    /// Ends a session.
    pub fn end_session(&self, hash: &SecretHash) -> Result<bool, StoreError> {
        todo!()
    }

    /// The live token of this hash; remembers that it was used.
    #[must_use]
    pub fn token(&self, hash: &SecretHash, now: Micros) -> Option<Arc<ApiToken>> {
        todo!()
    }
}
