//! Answers to questions, from one snapshot each.

mod facet;
mod histogram;
mod page;
mod scan;
mod sessions;
mod sieve;
mod values;

pub(crate) use facet::{facet, groups};
pub(crate) use histogram::histogram;
pub(crate) use page::{count, page};
pub(crate) use scan::scan;
pub(crate) use sessions::{nameless, sessions, sessions_in};
pub(crate) use sieve::{Sieve, Verdict, admits};
