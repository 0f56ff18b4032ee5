//! What a ledger promises, asked from outside, and held against other people's programs.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "what a test helper did not expect is the failure of the test"
)]

mod blocks;
mod codes;
mod erased;
mod excuses;
mod fuzz;
mod go;
mod notes;
mod pack;
mod peers;
mod proofs;
mod samples;
mod statements;
mod tiles;
mod trail;
mod tree;
mod verifier;
