//! The tower layer: one capture path for the proxy, for apps and for our own pages.

mod answer;
mod body;
mod call;
mod declared;
mod head;
mod hop;
mod open;
mod readings;
mod refusal;
mod service;
mod upgrade;
mod watch;

pub(crate) use readings::Readings;

pub use body::RecordBody;
pub use declared::{Declared, Peer};
pub use hop::{strip_look_alikes, strip_named};
pub use service::{RecordLayer, RecordService};
pub use upgrade::UpgradeGuard;
