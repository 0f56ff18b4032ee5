//! The room as its users meet it: services wrapped in the layer, a sink that keeps what arrives.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its helpers too"
)]
#![allow(
    unreachable_pub,
    reason = "helpers are shared between the modules of one binary"
)]

mod address;
mod bodies;
mod crash;
mod events;
mod fingerprints;
mod jwt;
mod learned;
mod policy;
mod secrets;
mod sessions;
mod stand;
mod trusted_header;
mod tunnels;
