//! The reverse proxy: HTTP from clients, through the recorder, to a panel and back.

mod client;
mod headers;
mod panel;
mod refusal;
mod tunnel;
mod workers;

pub(crate) use client::{ListenerOptions, serve, tls};
pub(crate) use panel::{Forward, ForwardOptions};
pub(crate) use tunnel::Tunnels;
pub(crate) use workers::{Team, Workers};
