//! The side of the panel: connections to it, and one request over them.

mod body;
mod forward;
mod socket;
mod upstream;

pub(crate) use forward::{Forward, ForwardOptions};
