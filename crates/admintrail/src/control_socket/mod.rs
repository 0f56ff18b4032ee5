//! How commands reach a running server: one JSON object a line over `control.sock` in the data
//! folder; the lines of an import follow as they are. Who may open the file (its owner, mode 0600)
//! may ask everything.

mod accounts;
mod address;
mod client;
mod desk;
mod erasures;
mod identities;
mod import;
mod listener;
mod protocol;

pub(crate) use accounts::{add_account, link};
pub(crate) use client::{Client, read};
pub(crate) use desk::{Desk, events};
pub(crate) use identities::Configured;
pub(crate) use import::{BLOCK_BYTES, BLOCK_LINES, Block, Import, Told};
pub(crate) use listener::Listener;
pub(crate) use protocol::{
    AccountShown, Answer, Ask, ErasureShown, IdentityKey, IdentityShown, ImportReport, LineError,
    Place, Refused, Status, Tailed, TokenShown, TracesShown,
};
