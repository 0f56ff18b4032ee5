//! The user of HTTP basic authentication (RFC 7617).

use admintrail_event::{Limits, clip, encode_bytes};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};

/// The user name; the password is forgotten at once.
pub(super) fn user(headers: &HeaderMap) -> Option<String> {
    let (scheme, rest) = authorization(headers)?;
    if !scheme.eq_ignore_ascii_case(b"basic") {
        return None;
    }
    let mut decoded = STANDARD.decode(rest).ok()?;
    let user = decoded.split(|b| *b == b':').next().unwrap_or_default();
    let named = decoded.contains(&b':') && !user.is_empty();
    let name = named.then(|| clip(encode_bytes(user), Limits::TEXT).0);
    decoded.fill(0);
    name
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
