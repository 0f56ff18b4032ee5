//! Random secrets: session cookies, links, API tokens, of which we keep the hashes alone; and what
//! receivers check signatures with.

use admintrail_event::SessionHash;
use admintrail_store::control::SecretHash;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::WebError;

/// 256 random bits as base64url text: longer than anybody guesses, safe in cookies and URLs.
///
/// Never prints itself, and is wiped from memory when it is dropped.
#[derive(Debug, Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// A new one from the system's random numbers.
    pub fn generate() -> Result<Self, WebError> {
        Ok(Self(URL_SAFE_NO_PAD.encode(random::<32>()?).into()))
    }

    /// A new API token: the prefix lets people and secret scanners tell what it is.
    pub fn generate_token() -> Result<Self, WebError> {
        let text = URL_SAFE_NO_PAD.encode(random::<32>()?);
        Ok(Self(format!("at_{text}").into()))
    }

    /// A new key that receivers check signatures with, as <https://www.standardwebhooks.com> writes it.
    pub fn generate_signing() -> Result<Self, WebError> {
        let text = STANDARD.encode(random::<32>()?);
        Ok(Self(format!("whsec_{text}").into()))
    }

    /// One that was made before.
    pub(crate) fn of(text: &str) -> Self {
        Self(text.to_owned().into())
    }

    /// The text itself, to be shown or sent once.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// What is kept of it.
    #[must_use]
    pub fn hash(&self) -> SecretHash {
        hash(self.expose())
    }
}

/// What is kept of a secret that somebody sent.
#[must_use]
pub fn hash(secret: &str) -> SecretHash {
    SecretHash(Sha256::digest(secret.as_bytes()).into())
}

/// A session or token of ours as events carry it: keyed, so that the record alone finds no hash
/// of `control.db` and the other way round.
#[must_use]
pub(crate) fn shown(hash: &SecretHash, key: &[u8; 32]) -> SessionHash {
    // HMAC takes keys of any length; zeros would only make the value guessable by key holders.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return SessionHash([0; 16]);
    };
    mac.update(b"admintrail own session v1\0");
    mac.update(&hash.0);
    let digest: [u8; 32] = mac.finalize().into_bytes().into();
    let (first, _) = digest.split_at(16);
    SessionHash(first.try_into().unwrap_or([0; 16]))
}

/// How pages and forms name a session of ours: the first 16 digits of the hash of its cookie.
#[must_use]
pub fn session_id(hash: &SecretHash) -> String {
    hash.0
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Random bytes from the system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], WebError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| WebError::internal(format!("no random numbers: {error}")))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_have_256_bits_and_never_print_themselves() {
        let (a, b) = (Secret::generate().unwrap(), Secret::generate().unwrap());
        assert_ne!(a.expose(), b.expose());
        assert_eq!(URL_SAFE_NO_PAD.decode(a.expose()).unwrap().len(), 32);
        assert!(!format!("{a:?}").contains(a.expose()));
        assert_eq!(hash(a.expose()), a.hash());
    }

    #[test]
    fn a_recorded_session_depends_on_the_key() {
        let hash = hash("secret");
        assert_eq!(shown(&hash, &[1; 32]), shown(&hash, &[1; 32]));
        assert_ne!(shown(&hash, &[1; 32]), shown(&hash, &[2; 32]));
        assert_ne!(shown(&hash, &[1; 32]).0, hash.0[..16]);
    }
}
