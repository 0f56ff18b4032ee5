//! The readers of foreign bytes, for the tests that damage them.

use admintrail_event::Micros;
use http::HeaderMap;

use super::{Form, cookies, reply};

/// The cookies that a request carries; those that a response sets are read as well.
pub(crate) fn cookies(headers: &HeaderMap) -> Vec<(&[u8], &[u8])> {
    let _ = cookies::set(headers, Micros(1_795_000_000_000_000));
    cookies::sent(headers).collect()
}

/// How many fields a form has.
pub(crate) fn form(kind: &[u8], body: &[u8], whole: bool) -> usize {
    Form::read(Some(kind), body, whole).fields().len()
}

/// The tokens of a reply.
pub(crate) fn reply(body: &[u8]) -> Vec<String> {
    let _ = reply::shows_sign_in_form(body);
    match reply::read_json(body) {
        Some(reply::Reply::Tokens(tokens)) => tokens,
        _ => Vec::new(),
    }
}
