//! The side of the clients: their connections, watched, and HTTP on them.

mod connection;
mod framing;
#[cfg(test)]
mod fuzz;
mod listener;
mod register;
mod streams;
pub(crate) mod tls;

pub(crate) use listener::{ListenerOptions, serve};
