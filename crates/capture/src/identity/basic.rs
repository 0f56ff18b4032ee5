//! The user of HTTP basic authentication (RFC 7617).

use admintrail_event::{Limits, SessionHash, clip, encode_bytes};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};

use super::credential::Hasher;

/// Whom a request says it is from, and what it shows for it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) user: String,
    /// Keyed hash of name and password together.
    pub(super) proof: SessionHash,
}

/// What the header claims; the password is forgotten at once.
pub(super) fn claim(hasher: &Hasher, headers: &HeaderMap) -> Option<Claim> {
    let (scheme, rest) = authorization(headers)?;
    if !scheme.eq_ignore_ascii_case(b"basic") {
        return None;
    }
    claim_of(hasher, rest)
}

/// What `name:password` in base64 claims.
pub(super) fn claim_of(hasher: &Hasher, base64: &[u8]) -> Option<Claim> {
    let mut decoded = STANDARD.decode(base64).ok()?;
    let user = decoded.split(|b| *b == b':').next().unwrap_or_default();
    let named = decoded.contains(&b':') && !user.is_empty();
    let claim = named.then(|| Claim {
        user: clip(encode_bytes(user), Limits::TEXT).0,
        proof: hasher.basic(&decoded),
    });
    decoded.fill(0);
    claim
}

/// Whether a response asks for basic authentication.
pub(super) fn is_challenge(headers: &HeaderMap) -> bool {
    headers.get_all(WWW_AUTHENTICATE).iter().any(|value| {
        value
            .as_bytes()
            .get(..5)
            .is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"basic"))
    })
}

/// Scheme and credentials of `Authorization`; some panels send a token without a scheme.
pub(super) fn authorization(headers: &HeaderMap) -> Option<(&[u8], &[u8])> {
    let value = headers.get(AUTHORIZATION)?.as_bytes().trim_ascii();
    let Some(space) = value.iter().position(|b| *b == b' ') else {
        return Some((b"", value));
    };
    let (scheme, rest) = value.split_at_checked(space)?;
    Some((scheme, rest.trim_ascii()))
}
