//! Who is asking, and what they may do.

pub mod cookie;
pub mod forms;
mod viewer;

pub use viewer::{Capability, Viewer};
