//! The values of a field in many segments and chunks of hot, added up. Those do not change, so this is
//! done once for a set of segments, and goes on from there when a chunk of hot is made.

use std::cmp::Ordering;
use std::sync::Arc;

use admintrail_event::Seq;
use hashbrown::{Equivalent, HashMap};
use parking_lot::Mutex;

use super::ValueCounts;
use crate::answer::values_of;
use crate::columns::Chunk;
use crate::folding;
use crate::query::FacetField;

/// A value; `None`: no value.
pub(crate) type Value = Option<String>;

/// Of so many values the order is kept; of more it is made when it is asked for.
const RANKED: usize = 1_024;

/// A value that is looked for without copying it.
#[derive(Hash)]
pub(crate) struct Looked<'t>(pub(crate) Option<&'t str>);

impl Equivalent<Value> for Looked<'_> {
    fn equivalent(&self, key: &Value) -> bool {
        self.0 == key.as_deref()
    }
}

/// More rows first, equally many by value.
pub(crate) fn by_rank<V: Ord>(a: (&V, u64), b: (&V, u64)) -> Ordering {
    b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0))
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Merged {
    counts: HashMap<Value, u64>,
    /// The most frequent values, in their order.
    ranked: Vec<Value>,
    /// Rows of all values.
    sum: u64,
    /// Rows of values that some segment did not keep.
    rest: u64,
    /// Segments that kept only their most frequent values, by place, and how many rows another may have.
    cut: Vec<(usize, u64)>,
    /// Segments that did not keep the field, by place.
    unknown: Vec<usize>,
    bytes: usize,
    is_damaged: bool,
}

impl Merged {
    /// Adds up what the segments kept: each comes in its place, `None` for one that cannot be read.
    /// `fold`: rows that are folded away do not count.
    pub(crate) fn of(
        segments: impl Iterator<Item = Option<Arc<Option<ValueCounts>>>>,
        fold: bool,
    ) -> Self {
        let mut merged = Self::default();
        for (place, values) in segments.enumerate() {
            match values.as_ref().map(|values| values.as_ref().as_ref()) {
                Some(Some(values)) => merged.add(place, values, fold),
                Some(None) => merged.unknown.push(place),
                None => {
                    merged.unknown.push(place);
                    merged.is_damaged = true;
                }
            }
        }
        merged.rank();
        merged
    }

    fn add(&mut self, place: usize, values: &ValueCounts, fold: bool) {
        let rows =
            |plain: u32, folded: u32| u64::from(plain) + if fold { 0 } else { u64::from(folded) };
        for (value, plain, folded) in values.iter() {
            let count = rows(plain, folded);
            if count == 0 {
                continue;
            }
            self.count_more(value, count);
        }
        if let Some(((plain, folded), at_most)) = values.rest() {
            self.rest += rows(plain, folded);
            self.cut.push((place, u64::from(at_most)));
        }
    }

    /// Adds the rows of a chunk of hot.
    fn add_chunk(&mut self, chunk: &Chunk, field: FacetField, fold: bool) {
        let of = values_of(chunk, field);
        let mut by_code = vec![0_u64; of.texts.len()];
        for (row, code) in of.codes.iter().enumerate() {
            if fold && folding::folds_row(chunk, row) {
                continue;
            }
            if let Some(count) = by_code.get_mut(*code) {
                *count += 1;
            }
        }
        for (text, count) in of.texts.iter().zip(by_code) {
            if count > 0 {
                self.count_more(text.as_deref(), count);
            }
        }
    }

    fn count_more(&mut self, value: Option<&str>, count: u64) {
        self.sum += count;
        if let Some(known) = self.counts.get_mut(&Looked(value)) {
            *known += count;
        } else {
            self.bytes += value.map_or(0, str::len) + size_of::<(Value, u64)>();
            self.counts.insert(value.map(str::to_owned), count);
        }
    }

    fn rank(&mut self) {
        self.ranked = ranked(self.counts.iter().map(|(value, n)| (value, *n)));
        self.bytes += self.ranked.iter().flatten().map(String::len).sum::<usize>();
    }

    fn count(&self, value: &Value) -> u64 {
        self.counts.get(value).copied().unwrap_or(0)
    }

    pub(crate) fn cut(&self) -> &[(usize, u64)] {
        &self.cut
    }

    pub(crate) fn unknown(&self) -> &[usize] {
        &self.unknown
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// What a damaged segment lacks, one that was put back has.
    pub(crate) const fn is_worth_keeping(&self) -> bool {
        !self.is_damaged
    }
}

/// The most frequent of them, in their order.
fn ranked<'v>(all: impl Iterator<Item = (&'v Value, u64)>) -> Vec<Value> {
    let mut all: Vec<(&Value, u64)> = all.collect();
    if all.len() > RANKED {
        all.select_nth_unstable_by(RANKED - 1, |a, b| by_rank(*a, *b));
        all.truncate(RANKED);
    }
    all.sort_unstable_by(|a, b| by_rank(*a, *b));
    all.into_iter().map(|(value, _)| value.clone()).collect()
}

/// What segments have together with chunks of hot.
#[derive(Debug, Clone, Default)]
pub(crate) struct WithHot {
    sealed: Arc<Merged>,
    hot: Merged,
    /// First and last seq of each chunk that is in it.
    chunks: Vec<(Seq, Seq)>,
    /// The most frequent values of both, in their order.
    ranked: Vec<Value>,
}

impl WithHot {
    /// Of the segments alone.
    pub(crate) fn of(sealed: Arc<Merged>) -> Self {
        Self {
            ranked: sealed.ranked.clone(),
            sealed,
            ..Self::default()
        }
    }

    fn goes_on(&self, sealed: &Arc<Merged>, chunks: &[Arc<Chunk>]) -> bool {
        let seqs = chunks.iter().map(|chunk| chunk.seqs());
        Arc::ptr_eq(&self.sealed, sealed)
            && self.chunks.len() <= chunks.len()
            && seqs.zip(&self.chunks).all(|(seqs, known)| seqs == *known)
    }

    fn extend(&mut self, chunks: &[Arc<Chunk>], field: FacetField, fold: bool) {
        let new = chunks.get(self.chunks.len()..).unwrap_or_default();
        if new.is_empty() {
            return;
        }
        for chunk in new {
            self.hot.add_chunk(chunk, field, fold);
        }
        self.chunks.extend(new.iter().map(|chunk| chunk.seqs()));
        // Who is not in hot and not among the first of the segments is not among the first of both.
        let hot = self.hot.counts.keys();
        let sealed = self.sealed.ranked.iter();
        let sealed = sealed.filter(|value| !self.hot.counts.contains_key(*value));
        self.ranked = ranked(hot.chain(sealed).map(|value| (value, self.count(value))));
    }

    /// Rows of a value.
    pub(crate) fn count(&self, value: &Value) -> u64 {
        self.sealed.count(value) + self.hot.count(value)
    }

    /// The most frequent values that are not left out, at least `limit` of them if there are so many.
    pub(crate) fn most(
        &self,
        limit: usize,
        leave_out: impl Fn(&Value) -> bool,
    ) -> Vec<(&Value, u64)> {
        let with_count = |value| (value, self.count(value));
        let first = self.ranked.iter().filter(|value| !leave_out(value));
        let first: Vec<(&Value, u64)> = first.take(limit).map(with_count).collect();
        if first.len() == limit || self.ranked.len() < RANKED {
            return first;
        }
        let hot = self.hot.counts.keys();
        let sealed = self.sealed.counts.keys();
        let sealed = sealed.filter(|value| !self.hot.counts.contains_key(*value));
        let all = hot.chain(sealed).filter(|value| !leave_out(value));
        all.map(with_count).collect()
    }

    /// Rows of all values.
    pub(crate) fn sum(&self) -> u64 {
        self.sealed.sum + self.hot.sum
    }

    /// Rows of values that some segment did not keep.
    pub(crate) fn rest(&self) -> u64 {
        self.sealed.rest
    }
}

/// Fields of which the sum with hot is kept.
const SUMS: usize = 6;
/// Most bytes of what hot has of one of them.
const HOT_BYTES: usize = 4 << 20;

/// The sums with hot that somebody asked for: they go on as chunks are made.
#[derive(Debug, Default)]
pub(crate) struct HotSums(Mutex<HashMap<(FacetField, bool), Arc<WithHot>>>);

impl HotSums {
    /// What the segments have, and the chunks besides.
    pub(crate) fn of(
        &self,
        sealed: Arc<Merged>,
        chunks: &[Arc<Chunk>],
        field: FacetField,
        fold: bool,
    ) -> Arc<WithHot> {
        let known = self.0.lock().remove(&(field, fold));
        let mut sum = known
            .filter(|sum| sum.goes_on(&sealed, chunks))
            .unwrap_or_else(|| Arc::new(WithHot::of(sealed)));
        if sum.chunks.len() < chunks.len() {
            Arc::make_mut(&mut sum).extend(chunks, field, fold);
        }
        if sum.hot.bytes <= HOT_BYTES {
            let mut all = self.0.lock();
            if all.len() >= SUMS {
                all.clear();
            }
            all.insert((field, fold), Arc::clone(&sum));
        }
        sum
    }
}
