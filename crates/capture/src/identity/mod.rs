//! Who made a request: what a trusted peer says, what basic authentication proves, or what was
//! learned when the panel accepted a sign-in.

mod basic;
mod cookies;
mod credential;
mod header;
mod keeper;
mod memory;
mod resolve;

pub(crate) use credential::{Hasher, looks_secret};
pub(crate) use keeper::{Change, Keeper, Saved};
pub(crate) use memory::{PanelMemory, Undecided};
pub(crate) use resolve::{Credential, Identity, Source};
