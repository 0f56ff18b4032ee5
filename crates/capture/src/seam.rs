//! What capture asks of others: where finished events go, and where bindings are kept.

use std::future::Future;
use std::pin::Pin;

use admintrail_event::{Draft, Micros, PanelName, SessionHash};
use tokio::sync::watch;

/// A future that can be kept in a trait object.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send + 'static>>;

/// Why finished events could not be taken; nothing of the batch was kept.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct SinkError(pub String);

/// Where finished events go: the local trail, or the spool of a remote one.
pub trait Sink: Send + Sync + 'static {
    /// Delivers finished events; Ok means durable. A repeated id is no error (first one wins).
    fn deliver(&self, batch: Vec<Draft>) -> BoxFuture<Result<(), SinkError>>;
}

/// Who a session belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The panel it was signed in to.
    pub panel: PanelName,
    /// The admin's id, as typed at sign-in (encoded and clipped).
    pub admin: String,
    /// The name to show.
    pub admin_name: Option<String>,
    /// The session as events carry it: the hash of the cookie value first bound. A rotated
    /// cookie keeps it, so that one sign-in stays one session.
    pub session: SessionHash,
    /// When it was bound, or its cookie was set last.
    pub since: Micros,
    /// When it ends by itself (cookie expiry), if known.
    pub until: Option<Micros>,
    /// Whom the admin acts as in this session ("log in as client"), until the panel ends that.
    pub acting_as: Option<String>,
}

/// Sessions learned at sign-in, by keyed hash of cookie or token. Several nodes may share one.
/// Look-ups are from memory (≤ 3 µs); the futures complete when the change is durable.
pub trait Bindings: Send + Sync + 'static {
    /// Who this credential belongs to, if anybody.
    fn lookup(&self, panel: &PanelName, credential: &SessionHash) -> Option<Binding>;
    /// Binds a credential; replaces what it was bound to.
    fn bind(&self, credential: SessionHash, binding: Binding) -> BoxFuture<Result<(), SinkError>>;
    /// Ends a credential's binding.
    fn end(&self, panel: &PanelName, credential: SessionHash) -> BoxFuture<Result<(), SinkError>>;
    /// Whether somebody has ever signed in under this name (folded) on the panel.
    fn knows(&self, panel: &PanelName, admin: &str) -> bool;
    /// Whether somebody ended this session, or the session that this credential belonged to: no
    /// request of it may pass any more.
    fn is_ended(&self, panel: &PanelName, session: &SessionHash) -> bool;
    /// Changes whenever a session was ended, after [`Self::is_ended`] knows it.
    fn endings(&self) -> watch::Receiver<u64>;
}

/// Whom a token or a basic user belongs to, as somebody has said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The admin's id.
    pub admin: String,
    /// The name to show.
    pub admin_name: Option<String>,
}

/// Whose API tokens and basic users are, as somebody has said while the recorders run. What
/// configuration says ([`crate::TokenRules`]) is asked first. Look-ups are from memory (≤ 1 µs).
pub trait Identities: Send + Sync + 'static {
    /// Whose this fingerprint is ([`crate::token_fingerprint`], [`crate::user_fingerprint`]).
    fn named(&self, panel: &PanelName, fingerprint: &SessionHash) -> Option<Named>;
}
