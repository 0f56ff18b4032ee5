//! The reverse proxy: HTTP from clients, through the recorder, to a panel and back.

mod body;
mod connection;
mod forward;
mod framing;
#[cfg(test)]
mod fuzz;
mod headers;
mod listener;
mod refusal;
mod register;
mod socket;
mod streams;
pub(crate) mod tls;
mod tunnel;
mod upstream;
mod workers;

pub(crate) use forward::{Forward, ForwardOptions};
pub(crate) use listener::{ListenerOptions, serve};
pub(crate) use tunnel::Tunnels;
pub(crate) use workers::{Team, Workers};
