//! What users of the binary notice, tried with the real binary on loopback.

mod bodies;
mod commands;
mod configuration;
mod durability;
mod forwarding;
mod full_disk;
mod secrets;
mod slow_clients;
mod smuggling;
mod stage;
mod starting;
mod tls;
mod upgrades;
