//! What the server and the application tell the layer through extensions.

use std::net::SocketAddr;

use admintrail_event::{Outcome, SessionHash};

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
    pub session: Option<SessionHash>,
    /// A background refresh.
    pub polling: Option<bool>,
    /// A better sentence than the preset's.
    pub action: Option<String>,
    /// What it touched.
    pub object: Option<String>,
    /// How it ended, where the status does not tell: a refused form that is answered with a
    /// redirect, a stranger who is shown the way to sign in. Final, whatever the status.
    pub outcome: Option<Outcome>,
}
