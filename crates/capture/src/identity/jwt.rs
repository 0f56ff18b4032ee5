//! Where a request carries a token of the identity provider.

use admintrail_event::{Micros, SessionHash};
use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::{basic, cookies};
use crate::Recorder;
use crate::jwt::Bearer;

/// Whom the request's token names, and the token's hash.
pub(super) fn bearer(
    recorder: &Recorder,
    headers: &HeaderMap,
    now: Micros,
) -> Option<(Bearer, SessionHash)> {
    let rule = recorder.rules().jwt.as_ref()?;
    let in_header = if rule.header == AUTHORIZATION {
        basic::authorization(headers)
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"bearer"))
            .map(|(_, token)| token)
    } else {
        one(headers.get_all(&rule.header).iter()).map(|value| value.as_bytes().trim_ascii())
    };
    let in_cookie = || {
        let wanted = rule.cookie.as_ref()?;
        let values = cookies::sent(headers).filter(|(name, _)| *name == wanted.as_bytes());
        one(values.map(|(_, value)| value))
    };
    let token = in_header.or_else(in_cookie)?;
    let hash = recorder.hasher().token(token);
    let bearer = rule.verifier.verify(token, hash, now)?;
    Some((bearer, hash))
}

/// The only value: of two, nobody knows which one the panel believes.
fn one<T>(mut values: impl Iterator<Item = T>) -> Option<T> {
    let first = values.next()?;
    values.next().is_none().then_some(first)
}
