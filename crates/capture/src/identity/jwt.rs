//! Where a request carries a token of the identity provider.

use admintrail_event::{Micros, SessionHash};
use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::{basic, cookies};
use crate::Recorder;
use crate::jwt::Bearer;

/// The hash of the request's token, and whom it names; nobody if anything about it is wrong.
pub(super) fn bearer(
    recorder: &Recorder,
    headers: &HeaderMap,
    now: Micros,
) -> Option<(SessionHash, Option<Bearer>)> {
    let rule = recorder.rules().jwt.as_ref()?;
    if headers.get_all(&rule.header).iter().count() > 1 {
        // Which of them is believed, and whether any is, nobody knows.
        return None;
    }
    let in_header = if rule.header == AUTHORIZATION {
        basic::authorization(headers)
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"bearer"))
            .map(|(_, token)| token)
    } else {
        headers
            .get(&rule.header)
            .map(|value| value.as_bytes().trim_ascii())
    };
    let in_cookie = || {
        let wanted = rule.cookie.as_ref()?;
        let values = cookies::sent(headers).filter(|(name, _)| *name == wanted.as_bytes());
        one(values.map(|(_, value)| value))
    };
    let token = in_header.or_else(in_cookie)?;
    let hash = recorder.hasher().token(token);
    Some((hash, rule.verifier.verify(token, hash, now)))
}

/// Takes the token of the identity provider out of the request, wherever it stands.
pub(super) fn strip(recorder: &Recorder, headers: &mut HeaderMap) {
    let Some(rule) = &recorder.rules().jwt else {
        return;
    };
    headers.remove(&rule.header);
    if let Some(cookie) = &rule.cookie {
        cookies::strip(headers, |name, _| name == cookie.as_bytes());
    }
}

/// The only value: of two, nobody knows which one the panel believes.
fn one<T>(mut values: impl Iterator<Item = T>) -> Option<T> {
    let first = values.next()?;
    values.next().is_none().then_some(first)
}
