//! The trail as its users see it: what is acknowledged stays, what is asked is answered.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail this way"
)]

mod answers;
mod attempts;
mod contract;
mod durability;
mod erased;
mod erasure;
mod faults;
mod ledger;
mod opening;
mod paging;
mod requests;
mod sealing;
mod support;
mod tailing;
mod tampering;
