//! That somebody imports is on record too.

use std::sync::Arc;

use admintrail_event::Micros;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::control_socket::desk::{Desk, METHOD, events};

/// So often while it goes on. What a crash keeps from being noted is no more than this.
const EVERY: i64 = Micros::SECOND;

/// Records how many events were accepted: those of the first block at once, then from time to
/// time, the rest at the end. The import does not wait for it.
pub(super) struct Notes {
    desk: Arc<Desk>,
    user: Option<String>,
    /// Accepted and not noted yet.
    accepted: u64,
    /// When the last note was made.
    noted: Option<Micros>,
    under_way: Option<JoinHandle<Result<(), String>>>,
    /// Why one could not be made.
    failed: Option<String>,
}

impl Notes {
    /// Of nothing, if it is nobody who imports.
    pub(super) fn new(desk: Arc<Desk>, user: Option<String>) -> Self {
        Self {
            desk,
            user,
            accepted: 0,
            noted: None,
            under_way: None,
            failed: None,
        }
    }

    /// Counts what was accepted.
    pub(super) async fn count(&mut self, accepted: u64) {
        self.accepted += accepted;
        let now = (self.desk.clock)();
        // A clock that was set back is no reason to wait.
        let due = |noted: Micros| !(0..EVERY).contains(&(now.0 - noted.0));
        if self.accepted > 0 && self.noted.is_none_or(due) {
            self.finish().await;
            self.begin(now);
        }
    }

    /// Notes the rest; or why something could not be noted.
    pub(super) async fn end(mut self) -> Result<(), String> {
        self.finish().await;
        if self.accepted > 0 {
            let now = (self.desk.clock)();
            self.begin(now);
            self.finish().await;
        }
        self.failed.map_or(Ok(()), Err)
    }

    fn begin(&mut self, now: Micros) {
        let action = format!("Imported {}", events(std::mem::take(&mut self.accepted)));
        let Some(user) = self.user.clone() else {
            return;
        };
        let desk = Arc::clone(&self.desk);
        let note = move || desk.note(&user, METHOD, "import", &action, None);
        self.under_way = Some(spawn_blocking(note));
        self.noted = Some(now);
    }

    async fn finish(&mut self) {
        let Some(note) = self.under_way.take() else {
            return;
        };
        let noted = note.await.unwrap_or_else(|error| Err(error.to_string()));
        self.failed = self.failed.take().or(noted.err());
    }
}
