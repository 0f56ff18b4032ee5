//! Answers to questions, from one snapshot each.

mod attempts;
mod facet;
mod histogram;
mod page;
mod requests;
mod scan;
mod sessions;
mod sieve;
mod values;

pub(crate) use attempts::attempts;
pub(crate) use facet::{Asked, facet, groups};
pub(crate) use histogram::{bounds, histogram};
pub(crate) use page::{count, page};
pub(crate) use requests::requests;
pub(crate) use scan::scan;
pub(crate) use sessions::{nameless, sessions, sessions_in};
pub(crate) use sieve::{Sieve, Verdict, admits};
pub(crate) use values::values_of;
