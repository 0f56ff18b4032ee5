//! Everything of `control.db` in memory, so that a look-up costs no disk.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use admintrail_event::{Micros, PanelName};
use parking_lot::RwLock;

use super::ended::EndedSessions;
use super::erasures::{ErasureId, StoredErasure};
use super::model::{
    Account, AccountId, ApiToken, MappedIdentity, OneTimeLink, SecretHash, StoredBinding, TokenId,
    WebSession,
};

#[derive(Default)]
pub(super) struct Memory {
    pub(super) accounts: RwLock<HashMap<AccountId, Arc<Account>>>,
    pub(super) sessions: RwLock<HashMap<SecretHash, LiveSession>>,
    pub(super) links: RwLock<HashMap<SecretHash, OneTimeLink>>,
    pub(super) tokens: RwLock<Tokens>,
    pub(super) bindings: RwLock<HashMap<PanelName, PanelBindings>>,
    pub(super) mapped: RwLock<HashMap<PanelName, HashMap<[u8; 16], MappedIdentity>>>,
    pub(super) ended: EndedSessions,
    pub(super) erasures: RwLock<BTreeMap<ErasureId, Arc<StoredErasure>>>,
    pub(super) learned: RwLock<HashMap<PanelName, Vec<u8>>>,
    pub(super) settings: RwLock<HashMap<String, Arc<str>>>,
}

pub(super) struct LiveSession {
    pub(super) session: WebSession,
    pub(super) seen: Seen,
}

#[derive(Default)]
pub(super) struct Tokens {
    pub(super) all: HashMap<TokenId, LiveToken>,
    pub(super) by_hash: HashMap<SecretHash, TokenId>,
}

pub(super) struct LiveToken {
    pub(super) token: Arc<ApiToken>,
    pub(super) used: Seen,
}

#[derive(Default)]
pub(super) struct PanelBindings {
    pub(super) by_credential: HashMap<[u8; 16], LiveBinding>,
    pub(super) known: HashSet<Box<str>>,
}

pub(super) struct LiveBinding {
    pub(super) binding: StoredBinding,
    pub(super) used: Seen,
}

/// When something was last used: exact in memory, on disk only every so often.
#[derive(Default)]
pub(super) struct Seen {
    last: AtomicI64,
    on_disk: AtomicI64,
}

impl Seen {
    pub(super) fn at(last: Micros) -> Self {
        Self {
            last: AtomicI64::new(last.0),
            on_disk: AtomicI64::new(last.0),
        }
    }

    pub(super) fn last(&self) -> Micros {
        Micros(self.last.load(Ordering::Relaxed))
    }

    /// Notes a use. Whether it is time to write it down again; says so to one caller only.
    pub(super) fn touch(&self, now: Micros, every: i64) -> bool {
        self.last.fetch_max(now.0, Ordering::Relaxed);
        let written = self.on_disk.load(Ordering::Relaxed);
        now.0.saturating_sub(written) >= every
            && self
                .on_disk
                .compare_exchange(written, now.0, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }
}
