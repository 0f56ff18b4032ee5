//! What a form has to say after its redirect, shown once and kept in memory alone.

use std::collections::HashMap;
use std::sync::Arc;

use admintrail_event::Micros;
use admintrail_store::control::SecretHash;
use parking_lot::Mutex;

use crate::WebError;
use crate::auth::secret::Secret;

/// How long it waits for its page, in µs.
const LIFE: i64 = 5 * 60 * Micros::SECOND;
/// Most that wait.
const KEPT: usize = 1_000;

/// What came of the form that was sent last.
#[derive(Debug, Clone, Default)]
pub struct Flash {
    /// It was saved; a sentence.
    pub saved: Option<&'static str>,
    /// It was refused.
    pub error: Option<Arc<WebError>>,
    /// What was typed into a refused form, without passwords.
    pub typed: Vec<(String, String)>,
    /// A token that was made: the only time its secret can be shown.
    pub new_token: Option<SecretShown>,
    /// A receiver of checkpoints that was added: the only time its secret can be shown.
    pub new_receiver: Option<SecretShown>,
}

/// A token or receiver that was just made.
#[derive(Debug, Clone)]
pub struct SecretShown {
    /// Its name.
    pub name: String,
    /// Its secret; never printed, wiped when it was shown.
    pub secret: Secret,
}

/// One a session.
#[derive(Default)]
pub(crate) struct Flashes(Mutex<HashMap<SecretHash, (Micros, Flash)>>);

impl Flashes {
    pub(crate) fn put(&self, session: SecretHash, flash: Flash, now: Micros) {
        let mut waiting = self.0.lock();
        waiting.retain(|_, (at, _)| now.0.saturating_sub(at.0) < LIFE);
        if waiting.len() < KEPT {
            waiting.insert(session, (now, flash));
        }
    }

    pub(crate) fn take(&self, session: &SecretHash, now: Micros) -> Option<Flash> {
        let (at, flash) = self.0.lock().remove(session)?;
        (now.0.saturating_sub(at.0) < LIFE).then_some(flash)
    }
}
