//! The recorder of one panel.

use std::sync::Arc;

use admintrail_event::{Micros, PanelName, SessionHash};
use sha2::{Digest, Sha256};

use super::{Owner, Trunk};
use crate::identity::{Hasher, PanelMemory};
use crate::layer::Readings;
use crate::{Named, PanelRules};

/// One recorder per panel; they share a journal folder through [`crate::Recorders`].
#[derive(Clone)]
pub struct Recorder {
    inner: Arc<Inner>,
}

struct Inner {
    trunk: Arc<Trunk>,
    rules: PanelRules,
    hasher: Hasher,
    memory: Arc<PanelMemory>,
    readings: Readings,
    _owner: Arc<Owner>,
}

impl Recorder {
    pub(super) fn new(trunk: Arc<Trunk>, owner: Arc<Owner>, rules: PanelRules) -> Self {
        let hasher = Hasher::new(&trunk.key, &rules.panel);
        let memory = trunk.panel(&rules.panel);
        Self {
            inner: Arc::new(Inner {
                trunk,
                rules,
                hasher,
                memory,
                readings: Readings::default(),
                _owner: owner,
            }),
        }
    }

    /// The panel it records.
    #[must_use]
    pub fn panel(&self) -> &PanelName {
        &self.inner.rules.panel
    }

    /// Whose a token is, as configuration or somebody at the shell said.
    pub(crate) fn named_token(&self, fingerprint: &SessionHash, token: &[u8]) -> Option<Named> {
        let rules = &self.inner.rules.tokens;
        if let Some(named) = rules.named.get(fingerprint) {
            return Some(named.clone());
        }
        if !rules.named_digests.is_empty() {
            let digest: [u8; 32] = Sha256::digest(token).into();
            if let Some(named) = rules.named_digests.get(&digest) {
                return Some(named.clone());
            }
        }
        self.inner.trunk.keeper.named(self.panel(), fingerprint)
    }

    /// Whose a user of basic authentication is, likewise.
    pub(crate) fn named_user(&self, user: &str) -> Option<Named> {
        let named = self.inner.rules.tokens.named_users.get(user).cloned();
        named.or_else(|| {
            let fingerprint = self.inner.hasher.user(user.as_bytes());
            self.inner.trunk.keeper.named(self.panel(), &fingerprint)
        })
    }

    /// Whether somebody ended this session of the panel, or that of this credential.
    pub(crate) fn is_ended(&self, session: &SessionHash) -> bool {
        self.inner.trunk.keeper.is_ended(self.panel(), session)
    }

    /// The session that a credential begins. A panel may give a value that belonged to an ended
    /// session once more, or keep the one that the request `carried`, which may have been somebody
    /// else's: whoever signed in with it begins another session.
    pub(crate) fn session_of(
        &self,
        credential: SessionHash,
        carried: bool,
        now: Micros,
    ) -> SessionHash {
        if carried || self.is_ended(&credential) {
            self.inner.hasher.again(credential, now)
        } else {
            credential
        }
    }

    /// What was learned of the panel, to be kept for the next start: `None` if nothing is new since
    /// this was asked last. No secret is in it.
    #[must_use]
    pub fn learned(&self) -> Option<Vec<u8>> {
        let preset = &self.inner.rules.preset;
        self.inner
            .memory
            .take_snapshot(|path| preset.redact_path(path) == path)
    }

    /// Whether [`Recorder::learned`] has something that a crash must not undo: without it, somebody
    /// could be named who was not to be, or a route would read as it no longer does.
    #[must_use]
    pub fn learned_is_urgent(&self) -> bool {
        self.inner.memory.is_urgent()
    }

    /// What [`Recorder::learned`] gave could not be kept; it is given again.
    pub fn learned_not_kept(&self) {
        self.inner.memory.changed_again();
    }

    /// Goes on from what an earlier run learned.
    ///
    /// # Errors
    /// Why it cannot be read: another version wrote it, or it is damaged. Nothing of it counts then.
    pub fn remember(&self, learned: &[u8]) -> Result<(), String> {
        self.inner.memory.restore(learned)
    }

    pub(crate) fn trunk(&self) -> &Trunk {
        &self.inner.trunk
    }

    pub(crate) fn rules(&self) -> &PanelRules {
        &self.inner.rules
    }

    pub(crate) fn hasher(&self) -> &Hasher {
        &self.inner.hasher
    }

    pub(crate) fn memory(&self) -> &PanelMemory {
        &self.inner.memory
    }

    pub(crate) fn readings(&self) -> &Readings {
        &self.inner.readings
    }
}
