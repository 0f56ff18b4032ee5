//! Who made a request: what a trusted peer says, what basic authentication proves, or what was
//! learned when the panel accepted a sign-in.

mod basic;
mod cookies;
mod credential;
mod form;
mod header;
mod keeper;
mod learn;
mod memory;
mod pair;
mod reply;
mod resolve;

pub(crate) use credential::Hasher;
use credential::looks_secret;
pub(crate) use form::Form;
use keeper::Change;
pub(crate) use keeper::{Keeper, Saved};
pub(crate) use learn::{Exchange, Finding, Naming, Peek, on_head};
pub(crate) use memory::PanelMemory;
use memory::{Proof, Undecided};
pub(crate) use resolve::Identity;
use resolve::{Credential, Source};

/// The readers of foreign bytes, for the tests that damage them.
#[cfg(test)]
pub(crate) mod reading {
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
}
