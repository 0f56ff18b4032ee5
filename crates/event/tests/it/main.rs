//! What every other room relies on, asked from outside.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what a test helper did not expect is the failure of the test"
)]

mod canonical;
mod filter_errors;
mod filter_meaning;
mod fuzz;
mod json;
mod presets;
mod secrets;
mod workload;
