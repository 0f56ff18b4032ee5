//! Who made a request: what a trusted peer says, what basic authentication proves, or what was
//! learned when the panel accepted a sign-in.

mod basic;
mod claims;
mod cookies;
mod credential;
pub(crate) mod ended;
mod form;
pub(crate) mod header;
mod jwt;
mod keeper;
mod learn;
mod memory;
mod pair;
#[cfg(test)]
pub(crate) mod reading;
mod reply;
mod resolve;

pub(crate) use credential::Hasher;
use credential::looks_secret;
pub use credential::{token_fingerprint, user_fingerprint};
pub(crate) use form::Form;
pub(crate) use keeper::{Change, Keeper, Saved};
pub(crate) use learn::{Confirmation, Exchange, Finding, Naming, Peek, on_head};
pub(crate) use memory::PanelMemory;
use memory::{Proof, Undecided};
use resolve::Credential;
pub(crate) use resolve::{Identity, Source};
