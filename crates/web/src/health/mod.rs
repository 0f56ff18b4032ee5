//! What is wrong with the recording, said once to whoever has to mend it.
//!
//! The binary looks every few seconds ([`Facts`]); [`judge`] decides which conditions hold, without
//! a clock and without I/O; [`Health`] keeps them with what became of them. Pages, `/readyz` and
//! `/metrics` tell them here; the binary tells them out of the house.

mod board;
mod condition;
mod facts;
mod judge;
mod words;

pub(crate) use board::micros;
pub use board::{Change, Changed, Health, Resolved, Way};
pub use condition::{Code, Condition, Fault, Severity};
pub use facts::{ClockState, Damaged, Disk, Facts, GapFact, StaleAnchor, Stopped, TamperedFact};
pub use judge::judge;
pub use words::Words;
pub(crate) use words::clock_ahead;

#[cfg(test)]
mod tests;
