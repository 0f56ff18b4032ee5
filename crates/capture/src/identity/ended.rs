//! Requests of a session that an owner ended.
//!
//! They do not reach the panel. Only whoever comes to sign in is let through, and without the
//! credentials of the ended session: the panel sees a stranger, gives a fresh cookie, and whoever
//! knows the password is signed in again, even where the panel would have kept the old cookie.

use admintrail_event::SessionHash;
use http::{HeaderMap, HeaderValue};

use super::resolve::Source;
use super::{Credential, Identity, claims, cookies, jwt};
use crate::Recorder;

impl Credential {
    /// The session that it belongs to, or would begin.
    fn session(&self) -> SessionHash {
        let bound = self.bound.as_ref().map(|binding| binding.session);
        bound
            .or(self.pending.as_ref().map(|pending| pending.session))
            .unwrap_or(self.hash)
    }

    fn is_ended(&self, recorder: &Recorder) -> bool {
        recorder.is_ended(&self.session())
    }
}

impl Identity {
    /// Every session that the request may belong to.
    pub(crate) fn sessions(&self) -> Vec<SessionHash> {
        let carried = self.credentials.iter().map(Credential::session);
        self.session.into_iter().chain(carried).collect()
    }

    /// Whether the request belongs to an ended session.
    pub(crate) fn is_ended(&self, recorder: &Recorder) -> bool {
        self.session
            .is_some_and(|session| recorder.is_ended(&session))
            || self.credentials.iter().any(|it| it.is_ended(recorder))
    }

    /// The cookies of ended sessions that the request carries, by name.
    pub(crate) fn ended_cookies(&self, recorder: &Recorder) -> Vec<Box<[u8]>> {
        let ended = self.credentials.iter().filter(|it| it.is_ended(recorder));
        let mut names: Vec<_> = ended.filter_map(|it| it.cookie.clone()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Takes the credentials of ended sessions out of the request.
    pub(crate) fn strip_ended(&self, recorder: &Recorder, headers: &mut HeaderMap) {
        let hasher = recorder.hasher();
        for credential in self.credentials.iter().filter(|it| it.is_ended(recorder)) {
            match &credential.cookie {
                Some(name) => cookies::strip(headers, |other, value| {
                    other == &**name && hasher.cookie(other, value) == credential.hash
                }),
                None => claims::strip(recorder, headers, &credential.hash),
            }
        }
        let is_ended = self.session.is_some_and(|it| recorder.is_ended(&it));
        if self.source == Source::Jwt && is_ended {
            jwt::strip(recorder, headers);
        }
    }
}

/// What makes a browser forget a cookie. `secure`: the connection is TLS; browsers take the
/// attribute from no other, and names with a prefix only with it.
pub(crate) fn removal(name: &[u8], secure: bool) -> Option<HeaderValue> {
    let prefixed = ["__Host-", "__Secure-"].iter().any(|prefix| {
        name.get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
    });
    let secure: &[u8] = if secure || prefixed { b"; Secure" } else { b"" };
    let text = [
        name,
        b"=; Path=/; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly",
        secure,
    ];
    HeaderValue::from_bytes(&text.concat()).ok()
}

/// Whether a response sets or removes a cookie of this name itself.
pub(crate) fn sets(headers: &HeaderMap, name: &[u8]) -> bool {
    headers
        .get_all(http::header::SET_COOKIE)
        .iter()
        .any(|header| {
            let bytes = header.as_bytes();
            let at = bytes.iter().position(|b| *b == b'=').unwrap_or(0);
            bytes
                .get(..at)
                .is_some_and(|other| other.trim_ascii() == name)
        })
}
