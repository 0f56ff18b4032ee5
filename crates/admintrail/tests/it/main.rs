//! What users of the binary notice, tried with the real binary on loopback.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test fails by panicking, also in what several share, and says why"
)]

mod alerts;
mod anchors;
mod bodies;
mod commands;
mod configuration;
mod direct_access;
mod durability;
mod erase;
mod forwarding;
mod full_disk;
mod http2;
mod identities;
mod identity_provider;
mod import;
mod interrupted;
mod preset_test;
mod restarts;
mod round_trip;
mod routes;
mod secrets;
mod slow_clients;
mod smuggling;
mod spoofed_headers;
mod stage;
mod starting;
mod terminal;
mod tls;
mod upgrades;
mod without_a_server;
