//! What was found of tokens before, so that a signature is verified once.

use admintrail_event::{Micros, SessionHash};
use hashbrown::HashMap;
use parking_lot::{Mutex, RwLock};

use super::Bearer;

/// Tokens remembered, good and bad ones apart: a flood of bad ones pushes out no good one.
const MAX_KEPT: usize = 4_096;
/// Bad tokens looked at in a second. Verifying costs time, and anybody can send some.
const MAX_FAILED: u32 = 200;

#[derive(Default)]
pub(super) struct Verdicts {
    good: RwLock<HashMap<SessionHash, Bearer>>,
    bad: RwLock<HashMap<SessionHash, ()>>,
    /// A second, and how many failed in it.
    failed: Mutex<(i64, u32)>,
}

impl Verdicts {
    /// What is known of this token: `Some(None)`, that it is bad.
    pub(super) fn known(&self, token: &SessionHash) -> Option<Option<Bearer>> {
        if let Some(bearer) = self.good.read().get(token) {
            return Some(Some(bearer.clone()));
        }
        self.bad.read().contains_key(token).then_some(None)
    }

    pub(super) fn keep(&self, token: SessionHash, found: Option<Bearer>) {
        match found {
            Some(bearer) => keep(&mut self.good.write(), token, bearer),
            None => keep(&mut self.bad.write(), token, ()),
        }
    }

    /// Keys have changed: nothing is known any more.
    pub(super) fn clear(&self) {
        self.good.write().clear();
        self.bad.write().clear();
    }

    /// Whether another token may be looked at; while too many fail, none is, and nobody is named.
    pub(super) fn may_try(&self, now: Micros) -> bool {
        let (second, count) = *self.failed.lock();
        second != now.0.div_euclid(Micros::SECOND) || count < MAX_FAILED
    }

    pub(super) fn failed(&self, now: Micros) {
        let this = now.0.div_euclid(Micros::SECOND);
        let mut failed = self.failed.lock();
        if failed.0 != this {
            *failed = (this, 0);
        }
        failed.1 += 1;
    }
}

/// Whatever was forgotten is verified again.
fn keep<T>(kept: &mut HashMap<SessionHash, T>, token: SessionHash, value: T) {
    if kept.len() >= MAX_KEPT {
        kept.clear();
    }
    kept.insert(token, value);
}
