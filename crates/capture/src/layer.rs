//! The tower layer: one capture path for the proxy, for apps and for our own pages.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use admintrail_event::Micros;

use crate::{Bindings, PanelRules, Sink};

/// Who is at the other end of the connection. The server puts it into the request's extensions.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// The socket's address.
    pub addr: SocketAddr,
    /// Whether the connection is TLS, which makes the scheme `https`.
    pub tls: bool,
}

/// An application inside the process (our own pages) may name the admin itself by putting this
/// into the *response's* extensions; it wins over the resolvers. Likewise `polling`, `action`, `object`.
#[derive(Debug, Clone, Default)]
pub struct Declared {
    /// Who it was.
    pub admin: Option<String>,
    /// Name to show.
    pub admin_name: Option<String>,
    /// A tried name of a failed sign-in.
    pub attempted: Option<String>,
    /// Session, already hashed.
    pub session: Option<admintrail_event::SessionHash>,
    /// A background refresh.
    pub polling: Option<bool>,
    /// A better sentence than the preset's.
    pub action: Option<String>,
    /// What it touched.
    pub object: Option<String>,
}

/// One recorder per panel; they share a journal folder through [`Recorders`].
#[derive(Clone)]
pub struct Recorder {/* private */}

/// How to start the recorders of a process.
pub struct RecordersOptions {
    /// Folder of the journal of openings.
    pub journal: PathBuf,
    /// Name of this recorder in events, e.g. the host name.
    pub name: String,
    /// Key for session hashes and fingerprints; kept in the data folder, never printed.
    pub key: [u8; 32],
    /// Where events go.
    pub sink: Arc<dyn Sink>,
    /// Where bindings are kept.
    pub bindings: Arc<dyn Bindings>,
    /// What time it is.
    pub clock: Arc<dyn Fn() -> Micros + Send + Sync>,
}

/// The journal, the delivery task and the counters that all recorders of a process share.
#[derive(Clone)]
pub struct Recorders {/* private */}

/// What the recorders say of themselves.
#[derive(Debug, Clone)]
pub struct RecorderState {
    /// Openings whose response has not ended.
    pub open: u64,
    /// Finished events not yet durable.
    pub waiting: u64,
    /// Requests that passed without a record of their own since the last gap event.
    pub unrecorded: u64,
    /// Why nothing can be recorded at the moment, and since when.
    pub failing: Option<(Micros, String)>,
}

#[allow(unused_variables, reason = "skeleton")]
impl Recorders {
    /// Opens the journal, delivers what a crash left open as `unknown` events (idempotent by id),
    /// records `start`, and starts the delivery task on the current runtime.
    pub async fn start(options: RecordersOptions) -> Result<Self, std::io::Error> {
        todo!()
    }

    /// A recorder for one panel.
    pub fn recorder(&self, rules: PanelRules) -> Recorder {
        todo!()
    }

    /// What they say of themselves.
    pub fn state(&self) -> RecorderState {
        todo!()
    }

    /// Counts a request that the HTTP parser refused (400, 431, bad framing) from this peer.
    pub fn count_refused(&self, recorder: &Recorder, peer: SocketAddr) {
        todo!()
    }

    /// Delivers what is waiting, records `stop`, closes the journal. Waits at most `timeout`.
    pub async fn stop(&self, timeout: std::time::Duration) {
        todo!()
    }
}

/// Wraps a service so that every request through it is recorded.
#[derive(Clone)]
pub struct RecordLayer {/* private */}

impl RecordLayer {
    /// Records for this panel.
    #[must_use]
    pub fn new(_recorder: Recorder) -> Self {
        todo!()
    }
}

/// The wrapped service. `S: Service<Request<RecordBody<B>>, Response = Response<RB>>`.
#[derive(Clone)]
pub struct RecordService<S> {
    _inner: S,
}

/// The body wrapper, of requests and responses alike: counts bytes, knows a clean end from an
/// error from a drop, passes trailers and size hints, never buffers.
pub struct RecordBody<B> {
    _inner: B,
}
