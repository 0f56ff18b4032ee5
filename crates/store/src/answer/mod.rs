//! Answers to questions, from one snapshot each.

mod attempts;
mod event;
mod facet;
mod histogram;
mod page;
mod prune;
mod requests;
mod scan;
mod sessions;
mod sieve;
mod sweep;
mod tally;
mod traces;
mod values;

pub(crate) use attempts::attempts;
pub(crate) use event::event;
pub(crate) use facet::{Asked, facet, groups};
pub(crate) use histogram::{bounds, histogram};
pub(crate) use page::{count, page};
pub(crate) use requests::requests;
pub(crate) use scan::scan;
pub(crate) use sessions::{nameless, session, sessions};
pub(crate) use sieve::{Sieve, Sifted, Verdict, admits};
pub(crate) use sweep::Budget;
pub(crate) use tally::{Remembered, is_outside};
pub(crate) use traces::traces;
pub(crate) use values::values_of;
