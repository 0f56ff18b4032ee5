//! Who is asking, and what they may do.

mod client;
pub mod cookie;
mod flash;
pub mod forms;
pub(crate) mod known;
pub mod naming;
pub mod password;
pub mod secret;
mod throttle;
mod viewer;

pub(crate) use client::Client;
pub(crate) use flash::Flashes;
pub use flash::{Flash, SecretShown};
pub(crate) use password::Desk;
pub use secret::session_id;
pub(crate) use throttle::{CountedBy, Throttle, Try};
pub use viewer::{Capability, Viewer};
