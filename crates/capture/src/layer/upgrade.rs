//! Connections that leave HTTP: one event when the panel agrees, one when the tunnel ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use admintrail_event::{Draft, Ending, Limits, Outcome, SessionHash};
use http::StatusCode;
use parking_lot::Mutex;

use super::head::safe;
use super::open::Open;
use crate::{Recorder, ids};

/// Watches a tunnel. The layer puts it into the extensions of a request that asks to leave HTTP,
/// for whoever forwards it, and into those of the response that agrees, for servers that tunnel
/// outside the layer. Take it out (`extensions_mut().remove()`), report bytes, and say how the
/// tunnel ended. Dropping the last clone without a word ends it as dropped; while the panel has
/// not agreed it does nothing.
#[derive(Clone)]
pub struct UpgradeGuard {
    tunnel: Arc<Tunnel>,
}

struct Tunnel {
    recorder: Recorder,
    /// Those that the request belonged to.
    sessions: Vec<SessionHash>,
    state: Mutex<State>,
    received: AtomicU64,
    sent: AtomicU64,
}

enum State {
    /// The panel has not agreed yet. A forwarder may be done with the tunnel before the layer has
    /// heard of it.
    Asked {
        ended: Option<Ending>,
    },
    Open {
        closing: Box<Draft>,
        began: Instant,
    },
    Over,
}

impl UpgradeGuard {
    pub(super) fn new(recorder: Recorder, sessions: Vec<SessionHash>) -> Self {
        Self {
            tunnel: Arc::new(Tunnel {
                recorder,
                sessions,
                state: Mutex::new(State::Asked { ended: None }),
                received: AtomicU64::new(0),
                sent: AtomicU64::new(0),
            }),
        }
    }

    /// Counts bytes that the client sent.
    pub fn received(&self, bytes: u64) {
        self.tunnel.received.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts bytes that were sent to the client.
    pub fn sent(&self, bytes: u64) {
        self.tunnel.sent.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Completes when an owner has ended the session that the tunnel belongs to: close it then.
    pub async fn session_ended(&self) {
        let recorder = &self.tunnel.recorder;
        let mut endings = recorder.trunk().keeper.endings();
        let is_ended = |session: &SessionHash| recorder.is_ended(session);
        while !self.tunnel.sessions.iter().any(is_ended) {
            if endings.changed().await.is_err() {
                // Nobody can end one any more.
                std::future::pending::<()>().await;
            }
        }
    }

    /// The tunnel ended: `Complete` when both sides closed, `Failed` when the panel's side broke,
    /// `Dropped` when the client's did.
    pub fn end(self, ending: Ending) {
        self.tunnel.end(ending);
    }

    /// Opens the event of the tunnel's end. Its opening is durable before the client hears of the
    /// switch, as the request's own was before the panel did.
    pub(super) async fn begin(&self, open: &Open) {
        let trunk = open.recorder.trunk();
        let now = trunk.now();
        let action = format!("{} (connection closed)", open.reading.action);
        let closing = Draft {
            id: ids::new_id(now),
            time: now,
            outcome: Outcome::Unknown,
            action: safe(action, Limits::TEXT).0,
            ..open.draft.clone()
        };
        trunk.opened();
        let synced = trunk.journal.open_durable(&closing);
        if synced.is_err() {
            trunk.unwritten(&closing);
        }
        // From here on every way out ends it: whoever is waited for below may be gone by then.
        let open = State::Open {
            closing: Box::new(closing),
            began: Instant::now(),
        };
        let before = std::mem::replace(&mut *self.tunnel.state.lock(), open);
        if let State::Asked {
            ended: Some(ending),
        } = before
        {
            self.tunnel.end(ending);
        }
        if let Ok(synced) = synced {
            // Unsynced only when the journal fails; the connection has been let in already.
            let _ = synced.await;
        }
    }
}

impl Tunnel {
    fn end(&self, ending: Ending) {
        let mut state = self.state.lock();
        match std::mem::replace(&mut *state, State::Over) {
            State::Asked { ended } => {
                *state = State::Asked {
                    ended: ended.or(Some(ending)),
                }
            }
            State::Open { closing, began } => {
                drop(state);
                self.close(*closing, began, ending);
            }
            State::Over => {}
        }
    }

    fn close(&self, mut event: Draft, began: Instant, ending: Ending) {
        let trunk = self.recorder.trunk();
        event.time = trunk.now();
        event.ending = ending;
        event.outcome = Outcome::of_status(event.status);
        event.duration_us = u64::try_from(began.elapsed().as_micros()).ok();
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
