//! Connections that leave HTTP: one event when the panel agrees, one when the tunnel ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use admintrail_event::{Draft, Ending, Outcome};
use http::StatusCode;
use parking_lot::Mutex;

use super::open::Open;
use crate::{Recorder, ids};

/// Watches a tunnel. The layer puts it into the extensions of the response that switches
/// protocols; whoever carries the tunnel takes it out (`extensions_mut().remove()`), reports bytes
/// and says how it ended. Dropping the last clone without a word ends it as dropped.
#[derive(Clone)]
pub struct UpgradeGuard {
    tunnel: Arc<Tunnel>,
}

struct Tunnel {
    recorder: Recorder,
    closing: Mutex<Option<Draft>>,
    began: Instant,
    received: AtomicU64,
    sent: AtomicU64,
}

impl UpgradeGuard {
    /// Counts bytes that the client sent.
    pub fn received(&self, bytes: u64) {
        self.tunnel.received.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts bytes that were sent to the client.
    pub fn sent(&self, bytes: u64) {
        self.tunnel.sent.fetch_add(bytes, Ordering::Relaxed);
    }

    /// The tunnel ended: `Complete` when both sides closed, `Failed` when the panel's side broke,
    /// `Dropped` when the client's did.
    pub fn end(self, ending: Ending) {
        self.tunnel.end(ending);
    }
}

impl Tunnel {
    fn end(&self, ending: Ending) {
        let Some(mut event) = self.closing.lock().take() else {
            return;
        };
        let trunk = self.recorder.trunk();
        event.time = trunk.now();
        event.ending = ending;
        event.outcome = Outcome::of_status(event.status);
        event.duration_us = u64::try_from(self.began.elapsed().as_micros()).ok();
        event.request_bytes = Some(self.received.load(Ordering::Relaxed));
        event.response_bytes = Some(self.sent.load(Ordering::Relaxed));
        trunk.close(event);
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.end(Ending::Dropped);
    }
}

/// Whether the panel agreed to leave HTTP.
pub(super) fn is_switched(status: StatusCode, is_connect: bool) -> bool {
    status == StatusCode::SWITCHING_PROTOCOLS || (is_connect && status.is_success())
}

/// Opens the event of the tunnel's end. Its opening is durable before the client hears of the
/// switch, as the request's own was before the panel did.
pub(super) async fn begin(open: &Open) -> UpgradeGuard {
    let trunk = open.recorder.trunk();
    let now = trunk.now();
    let closing = Draft {
        id: ids::new_id(now),
        time: now,
        outcome: Outcome::Unknown,
        action: format!("{} (connection closed)", open.reading.action),
        ..open.draft.clone()
    };
    trunk.opened();
    if let Ok(synced) = trunk.journal.open_durable(&closing) {
        // Unsynced only when the journal fails; the connection has been let in already.
        let _ = synced.await;
    }
    UpgradeGuard {
        tunnel: Arc::new(Tunnel {
            recorder: open.recorder.clone(),
            closing: Mutex::new(Some(closing)),
            began: Instant::now(),
            received: AtomicU64::new(0),
            sent: AtomicU64::new(0),
        }),
    }
}
