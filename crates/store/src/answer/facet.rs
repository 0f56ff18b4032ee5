//! The most frequent values of a field, and what each of them did, when and with which values of
//! another field. Texts are looked up where they are kept; only those of the answer are copied.

use std::borrow::Cow;
use std::cmp::Ordering;

use admintrail_event::{Event, Micros, Outcome, is_safe_method};
use hashbrown::HashMap;

use super::sieve::{Sieve, Verdict};
use super::values::{Values, value_of, values_of};
use crate::columns::{Chunk, RowSet, unsafe_methods};
use crate::mirror::Snapshot;
use crate::query::{Facet, FacetField, FacetValue, Group, Groups, View};

/// A value of a field; `None`: no value.
type Value<'s> = Option<Cow<'s, str>>;

pub(crate) fn facet(snapshot: &Snapshot, view: &View, field: FacetField, limit: usize) -> Facet {
    let seen = Seen::new(snapshot, view);
    let mut counts: HashMap<Value<'_>, u64> = HashMap::new();
    for (chunk, visible) in &seen.chunks {
        let Values { texts, codes } = values_of(chunk, field);
        let mut by_code = vec![0_u64; texts.len()];
        for row in visible.iter() {
            let count = codes.get(row).and_then(|code| by_code.get_mut(*code));
            if let Some(count) = count {
                *count += 1;
            }
        }
        for (text, count) in texts.into_iter().zip(by_code) {
            if count > 0 {
                *counts.entry(text).or_default() += count;
            }
        }
    }
    for event in &seen.newest {
        *counts.entry(value_of(event, field)).or_default() += 1;
    }
    let (most, other) = most(counts.into_iter().collect(), limit, |count| *count);
    let value = |(value, count): (Value<'_>, u64)| FacetValue {
        value: value.map(Cow::into_owned),
        count,
    };
    Facet {
        values: most.into_iter().map(value).collect(),
        other,
    }
}

/// Another field, and how many of its values are named.
pub(crate) type Other = (FacetField, usize);

pub(crate) fn groups(
    snapshot: &Snapshot,
    view: &View,
    field: FacetField,
    limit: usize,
    other: Option<Other>,
) -> Groups {
    let seen = Seen::new(snapshot, view);
    let mut counts: HashMap<Value<'_>, Counted> = HashMap::new();
    for (chunk, visible) in &seen.chunks {
        count_chunk(chunk, field, visible, &mut counts);
    }
    for event in &seen.newest {
        let counted = counts.entry(value_of(event, field)).or_default();
        counted.count(event);
    }
    let (most, rest) = most(counts.into_iter().collect(), limit, |counted| {
        counted.requests
    });
    let mut others = match other {
        Some((other, named)) => others_of(&seen, field, &most, other, named),
        None => Vec::new(),
    }
    .into_iter();
    let row = |(value, counted): (Value<'_>, Counted)| {
        let (others, others_total) = others.next().unwrap_or_default();
        Group {
            value: value.map(Cow::into_owned),
            requests: counted.requests,
            changes: counted.changes,
            denied: counted.denied,
            first: Micros(counted.first),
            last: Micros(counted.last),
            others,
            others_total,
        }
    };
    Groups {
        rows: most.into_iter().map(row).collect(),
        other: rest,
    }
}

/// What a view shows of a snapshot.
struct Seen<'s> {
    chunks: Vec<(&'s Chunk, RowSet)>,
    newest: Vec<&'s Event>,
}

impl<'s> Seen<'s> {
    fn new(snapshot: &'s Snapshot, view: &View) -> Self {
        let sieve = Sieve::new(view);
        let chunks = snapshot.chunks.iter().filter_map(|chunk| {
            let visible = sieve.sift(chunk).visible;
            (!visible.is_empty()).then_some((chunk.as_ref(), visible))
        });
        let newest = snapshot.newest.iter().map(AsRef::as_ref);
        Self {
            chunks: chunks.collect(),
            newest: newest
                .filter(|event| sieve.judge(event) == Verdict::Visible)
                .collect(),
        }
    }
}

/// The `limit` values with the most events, ties by value, and the events of all others.
fn most<T>(
    mut all: Vec<(Value<'_>, T)>,
    limit: usize,
    events: impl Fn(&T) -> u64,
) -> (Vec<(Value<'_>, T)>, u64) {
    let order = |a: &(Value<'_>, T), b: &(Value<'_>, T)| -> Ordering {
        events(&b.1).cmp(&events(&a.1)).then_with(|| a.0.cmp(&b.0))
    };
    let sum: u64 = all.iter().map(|(_, counted)| events(counted)).sum();
    if limit < all.len() {
        if limit > 0 {
            // Of hundreds of thousands of values only the answer's are sorted.
            all.select_nth_unstable_by(limit - 1, order);
        }
        all.truncate(limit);
    }
    all.sort_unstable_by(order);
    let listed: u64 = all.iter().map(|(_, counted)| events(counted)).sum();
    (all, sum - listed)
}

/// For each group its most frequent values of another field, and how many there are.
fn others_of(
    seen: &Seen<'_>,
    field: FacetField,
    groups: &[(Value<'_>, Counted)],
    other: FacetField,
    named: usize,
) -> Vec<(Vec<String>, u64)> {
    let ranks: HashMap<Option<&str>, usize> = groups
        .iter()
        .enumerate()
        .map(|(rank, (value, _))| (value.as_deref(), rank))
        .collect();
    let mut counts: Vec<HashMap<Value<'_>, u64>> = vec![HashMap::new(); groups.len()];
    for (chunk, visible) in &seen.chunks {
        let of = values_of(chunk, field);
        let rank_of: Vec<Option<usize>> = of
            .texts
            .iter()
            .map(|text| ranks.get(&text.as_deref()).copied())
            .collect();
        if rank_of.iter().all(Option::is_none) {
            continue;
        }
        let with = values_of(chunk, other);
        let mut pairs: HashMap<(usize, usize), u64> = HashMap::new();
        for row in visible.iter() {
            let rank = of.codes.get(row).and_then(|code| *rank_of.get(*code)?);
            if let Some(pair) = rank.zip(with.codes.get(row).copied()) {
                *pairs.entry(pair).or_default() += 1;
            }
        }
        for ((rank, code), count) in pairs {
            if let Some(text @ Some(_)) = with.texts.get(code)
                && let Some(counts) = counts.get_mut(rank)
            {
                *counts.entry(text.clone()).or_default() += count;
            }
        }
    }
    for event in &seen.newest {
        let rank = ranks.get(&value_of(event, field).as_deref()).copied();
        if let Some(counts) = rank.and_then(|rank| counts.get_mut(rank))
            && let value @ Some(_) = value_of(event, other)
        {
            *counts.entry(value).or_default() += 1;
        }
    }
    let named = |counts: HashMap<Value<'_>, u64>| {
        let total = counts.len() as u64;
        let (most, _) = most(counts.into_iter().collect(), named, |count| *count);
        let names = most.into_iter().filter_map(|(value, _)| value);
        (names.map(Cow::into_owned).collect(), total)
    };
    counts.into_iter().map(named).collect()
}

/// What a value did.
#[derive(Clone, Copy)]
struct Counted {
    requests: u64,
    changes: u64,
    denied: u64,
    first: i64,
    last: i64,
}

impl Default for Counted {
    fn default() -> Self {
        Self {
            requests: 0,
            changes: 0,
            denied: 0,
            first: i64::MAX,
            last: i64::MIN,
        }
    }
}

impl Counted {
    fn count(&mut self, event: &Event) {
        let draft = &event.draft;
        self.requests += 1;
        self.changes +=
            u64::from(draft.outcome == Outcome::Success && !is_safe_method(&draft.method));
        self.denied += u64::from(draft.outcome == Outcome::Denied);
        self.first = self.first.min(draft.time.0);
        self.last = self.last.max(draft.time.0);
    }

    fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.changes += other.changes;
        self.denied += other.denied;
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }
}

/// Counts by code first, so that a text is looked up once a chunk.
fn count_chunk<'s>(
    chunk: &'s Chunk,
    field: FacetField,
    visible: &RowSet,
    all: &mut HashMap<Value<'s>, Counted>,
) {
    let Values { texts, codes } = values_of(chunk, field);
    let outcome_is = |wanted: Outcome| {
        RowSet::of_values(chunk.outcome.values(), move |code| code == wanted.code())
    };
    let mut changes = visible.clone();
    changes.and(&unsafe_methods(chunk));
    changes.and(&outcome_is(Outcome::Success));
    let mut denied = visible.clone();
    denied.and(&outcome_is(Outcome::Denied));
    let mut counts = vec![Counted::default(); texts.len()];
    let times = chunk.time.values();
    for row in visible.iter() {
        let Some((code, time)) = codes.get(row).zip(times.get(row)) else {
            continue;
        };
        if let Some(counted) = counts.get_mut(*code) {
            counted.requests += 1;
            counted.first = counted.first.min(*time);
            counted.last = counted.last.max(*time);
        }
    }
    for row in changes.iter() {
        if let Some(counted) = codes.get(row).and_then(|code| counts.get_mut(*code)) {
            counted.changes += 1;
        }
    }
    for row in denied.iter() {
        if let Some(counted) = codes.get(row).and_then(|code| counts.get_mut(*code)) {
            counted.denied += 1;
        }
    }
    for (text, counted) in texts.into_iter().zip(counts) {
        if counted.requests > 0 {
            all.entry(text).or_default().add(counted);
        }
    }
}
