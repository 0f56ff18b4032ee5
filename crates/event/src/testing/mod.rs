//! For the tests and benches of all rooms (feature `testing`): strategies for events and filters
//! that hit each other, workloads that are the same every time, and damage for readers.

mod arbitrary;
mod busy;
mod fuzz;
mod random;
mod workload;

pub use arbitrary::{draft, event, filter, filter_text, term};
pub use busy::{BUSY_ADMINS, Busy, RARE_ADMIN, busy};
pub use fuzz::{Effort, fuzz};
pub use workload::{ADMINS, Workload, accepted, workload};
