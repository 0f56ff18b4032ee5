//! What a sealed segment knows of its events without being read: counts by quarter of an hour, by
//! admin and by everything else that has few values, how often each value occurs, which sessions it
//! holds, and which texts it cannot hold. Immutable; a segment that is dropped or rewritten takes its
//! own along, so nothing is ever subtracted.
//!
//! A **shape** is what a row has in the fields with few values (panel, method, status, outcome …); a
//! **person** is an admin's id and name as the row has them. Both are numbered by each segment for
//! itself and, through the [`Lexicon`], the same in all.

mod bloom;
mod build;
mod counts;
mod grams;
mod lexicon;
mod merged;
mod plan;
mod sidecar;
mod values;

pub(crate) use build::{ADMIN_GRAMS, Builder, grams_place};
pub(crate) use counts::{Counts, CountsByPerson, Row};
pub(crate) use grams::{Grams, TextGrams};
pub(crate) use lexicon::{Lexicon, Shape};
pub(crate) use merged::{HotSums, Looked, Merged, Value, WithHot, by_rank};
pub(crate) use plan::{Plan, Slice, Treated};
pub(crate) use sidecar::{Block, Group, Head, People, SessionRecord, Sidecar};
pub(crate) use values::{ValueCounts, counted_place, group_bit, has_group};

use admintrail_event::Micros;

/// Counts are kept by quarters of an hour: µs of one.
pub(crate) const BUCKET: i64 = 15 * 60 * Micros::SECOND;

/// The quarter of an hour that holds a moment.
pub(crate) const fn bucket_of(time: i64) -> i64 {
    time.div_euclid(BUCKET)
}
