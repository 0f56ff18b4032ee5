//! The tower layer: one capture path for the proxy, for apps and for our own pages.

mod answer;
mod body;
mod call;
mod declared;
mod head;
mod hop;
mod open;
mod refusal;
mod service;
mod upgrade;
mod watch;

pub use body::RecordBody;
pub use declared::{Declared, Peer};
pub use service::{RecordLayer, RecordService};
pub use upgrade::UpgradeGuard;
