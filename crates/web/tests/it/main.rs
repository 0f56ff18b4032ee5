//! The web room through its front door: requests in, answers out, against a real trail.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what goes wrong here fails a test"
)]

mod access;
mod anchors;
mod attempts;
mod declared;
mod ending;
mod erasure;
mod events;
mod export;
mod guard;
mod health;
mod ingest;
mod injection;
mod ledger;
mod links;
mod openapi;
mod own_account;
mod searched;
mod sessions;
mod setup;
mod sharing;
mod sign_in;
mod stack;
mod stream;
mod summaries;
mod tokens;
