//! Erasing a person: who may ask for it, what is done in which order, and how far it is.
//!
//! Pages and commands ask here; the server carries out what is approved, one after the other.

mod order;
mod requests;
mod rules;

pub use order::{Hands, carry_out};
pub use requests::{Found, Refusal, approve, ask, find, withdraw};
pub use rules::{Approval, By, No, Rules, is_pseudonym};

use admintrail_event::Micros;
use parking_lot::RwLock;
use tokio::sync::Notify;

/// What is known of erasures besides what is kept, and the bell that begins one.
#[derive(Debug, Default)]
pub struct Erasing {
    failing: RwLock<Option<(Micros, String)>>,
    bell: Notify,
}

impl Erasing {
    /// Why the one that is approved is not done, and since when.
    #[must_use]
    pub fn failing(&self) -> Option<(Micros, String)> {
        self.failing.read().clone()
    }

    /// The last attempt failed; the moment of the first one stays.
    pub fn failed(&self, now: Micros, cause: String) {
        let mut failing = self.failing.write();
        let since = failing.as_ref().map_or(now, |(since, _)| *since);
        *failing = Some((since, cause));
    }

    /// The last attempt succeeded.
    pub fn works(&self) {
        self.failing.write().take();
    }

    /// Something was approved.
    pub fn ring(&self) {
        self.bell.notify_one();
    }

    /// Completes when something was approved.
    pub async fn rung(&self) {
        self.bell.notified().await;
    }
}
