//! For the tests and benches of all rooms (feature `testing`): strategies for events and filters
//! that hit each other, and a workload that is the same every time.

mod arbitrary;
mod workload;

pub use arbitrary::{draft, event, filter, filter_text, term};
pub use workload::{ADMINS, Workload, accepted, workload};
