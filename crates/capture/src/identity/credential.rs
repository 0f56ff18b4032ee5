//! Keyed hashes of what a client proves itself with. Nothing else of a cookie or token is kept.

use admintrail_event::{Micros, PanelName, SessionHash};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Hashes credentials of one panel: HMAC-SHA256 under the data folder's key, over
/// panel ‖ 0 ‖ kind ‖ cookie name ‖ 0 ‖ value, truncated to 128 bits. The same cookie of two
/// panels has two hashes, so trails of panels cannot be joined by it.
#[derive(Clone)]
pub(crate) struct Hasher {
    /// `None` cannot happen: HMAC takes keys of any length.
    keyed: Option<Hmac<Sha256>>,
}

impl Hasher {
    pub(crate) fn new(key: &[u8; 32], panel: &PanelName) -> Self {
        let keyed = Hmac::<Sha256>::new_from_slice(key).ok().map(|mut mac| {
            mac.update(panel.as_str().as_bytes());
            mac.update(&[0]);
            mac
        });
        Self { keyed }
    }

    pub(crate) fn cookie(&self, name: &[u8], value: &[u8]) -> SessionHash {
        self.hash(b"cookie:", name, value)
    }

    /// A token is itself wherever it is carried: `Authorization` or a header of its own.
    pub(crate) fn token(&self, value: &[u8]) -> SessionHash {
        self.hash(b"token:", &[], value)
    }

    /// What stands for a user of basic authentication whom somebody has named. Users may differ in
    /// case alone.
    pub(crate) fn user(&self, name: &[u8]) -> SessionHash {
        self.hash(b"basic user:", &[], name)
    }

    /// What an identity provider calls a session, whichever token says so.
    pub(crate) fn provider_session(&self, session: &[u8]) -> SessionHash {
        self.hash(b"provider session", b"", session)
    }

    /// Name and password of basic authentication together.
    pub(crate) fn basic(&self, pair: &[u8]) -> SessionHash {
        self.hash(b"basic:", &[], pair)
    }

    /// What stands for a name that basic authentication let in; no client sends it.
    pub(crate) fn basic_name(&self, folded: &[u8]) -> SessionHash {
        self.hash(b"basic name", b"", folded)
    }

    /// Another session of a credential whose session was ended.
    pub(crate) fn again(&self, credential: SessionHash, now: Micros) -> SessionHash {
        self.hash(b"again:", &credential.0, &now.0.to_be_bytes())
    }

    fn hash(&self, kind: &[u8], name: &[u8], value: &[u8]) -> SessionHash {
        let mut out = [0; 16];
        if let Some(mut mac) = self.keyed.clone() {
            mac.update(kind);
            mac.update(name);
            mac.update(&[0]);
            mac.update(value);
            for (to, from) in out.iter_mut().zip(mac.finalize().into_bytes()) {
                *to = from;
            }
        }
        SessionHash(out)
    }
}

/// The fingerprint of an API token of a panel: what events carry as its session.
#[must_use]
pub fn token_fingerprint(key: &[u8; 32], panel: &PanelName, token: &[u8]) -> SessionHash {
    Hasher::new(key, panel).token(token)
}

/// The fingerprint of a user of basic authentication, by the name as events write it.
#[must_use]
pub fn user_fingerprint(key: &[u8; 32], panel: &PanelName, user: &str) -> SessionHash {
    Hasher::new(key, panel).user(user.as_bytes())
}

/// Whether a value may be a secret that one client alone has. A cookie like `lang=en` or a JSON
/// of preferences is shared by many, and binding it would name one admin for all of them.
pub(crate) fn looks_secret(value: &[u8]) -> bool {
    if value.len() < 16 || value.len() > 8 * 1024 {
        return false;
    }
    let structured = value.iter().any(|b| b"{}[]\" ".contains(b))
        || value
            .windows(3)
            .any(|w| w.eq_ignore_ascii_case(b"%7b") || w.eq_ignore_ascii_case(b"%5b"));
    let mut seen = [false; 256];
    for byte in value {
        if let Some(slot) = seen.get_mut(usize::from(*byte)) {
            *slot = true;
        }
    }
    let distinct = seen.iter().filter(|s| **s).count();
    let digit = value.iter().any(u8::is_ascii_digit);
    let upper = value.iter().any(u8::is_ascii_uppercase);
    let lower = value.iter().any(u8::is_ascii_lowercase);
    !structured && distinct >= 8 && (digit || (upper && lower))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_are_no_secrets() {
        for shared in [
            "en",
            "1",
            "dark-mode-sidebar-open",
            "{\"theme\":\"dark\",\"n\":12}",
            "%7B%22a%22%3A1%2C%22bcdef%22",
        ] {
            assert!(!looks_secret(shared.as_bytes()), "{shared}");
        }
        for secret in [
            "9f86d081884c7d659a2feaa0c55ad015",
            "s%3AWq8aZk1.x9Yb2",
            "eyJpdiI6IkR4dW",
        ] {
            assert_eq!(
                looks_secret(secret.as_bytes()),
                secret.len() >= 16,
                "{secret}"
            );
        }
    }

    #[test]
    fn the_same_cookie_of_another_panel_key_or_name_is_another_session() {
        let (a, b) = ("billing".parse().unwrap(), "shop".parse().unwrap());
        let hash = Hasher::new(&[1; 32], &a).cookie(b"sid", b"v");
        assert_eq!(hash, Hasher::new(&[1; 32], &a).cookie(b"sid", b"v"));
        assert_ne!(hash, Hasher::new(&[1; 32], &b).cookie(b"sid", b"v"));
        assert_ne!(hash, Hasher::new(&[2; 32], &a).cookie(b"sid", b"v"));
        assert_ne!(hash, Hasher::new(&[1; 32], &a).cookie(b"si", b"dv"));
        assert_ne!(hash, Hasher::new(&[1; 32], &a).token(b"v"));
    }
}
