//! The most frequent values of a field, and what each of them did, when and with which values of
//! another field. Texts are looked up where they are kept; only those of the answer are copied.

use std::borrow::Cow;
use std::cmp::Ordering;

use admintrail_event::{Event, Micros, Outcome, is_safe_method};
use hashbrown::HashMap;

use super::attempts::{attempt_rows, is_attempt};
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

/// What is told of a group besides its counts.
#[derive(Default, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) other: Option<Other>,
    /// From when to when, in how many parts.
    pub(crate) over_time: Option<(Micros, Micros, usize)>,
}

/// Told of one group besides its counts.
#[derive(Default)]
struct Detail {
    others: Vec<String>,
    others_total: u64,
    over_time: Vec<u64>,
}

pub(crate) fn groups(
    snapshot: &Snapshot,
    view: &View,
    field: FacetField,
    limit: usize,
    asked: Asked,
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
    let mut details = details_of(&seen, field, &most, asked).into_iter();
    let row = |(value, counted): (Value<'_>, Counted)| {
        let detail = details.next().unwrap_or_default();
        Group {
            value: value.map(Cow::into_owned),
            requests: counted.requests,
            changes: counted.changes,
            denied: counted.denied,
            attempts: counted.attempts,
            first: Micros(counted.first),
            last: Micros(counted.last),
            others: detail.others,
            others_total: detail.others_total,
            over_time: detail.over_time,
        }
    };
    Groups {
        rows: most.into_iter().map(row).collect(),
        other: rest,
        over: asked.over_time.map(|(from, to, _)| (from, to)),
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
pub(super) fn most<T>(
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

/// Counts of a group over time, and of its values of another field.
struct Filling<'s> {
    others: HashMap<Value<'s>, u64>,
    over_time: Vec<u64>,
}

/// For each group its most frequent values of another field, how many there are, and how its
/// events lie over time: in one pass over what is seen.
fn details_of(
    seen: &Seen<'_>,
    field: FacetField,
    groups: &[(Value<'_>, Counted)],
    asked: Asked,
) -> Vec<Detail> {
    if asked.other.is_none() && asked.over_time.is_none() {
        return Vec::new();
    }
    let ranks: HashMap<Option<&str>, usize> = groups
        .iter()
        .enumerate()
        .map(|(rank, (value, _))| (value.as_deref(), rank))
        .collect();
    let mut parts = Parts::new(asked.over_time);
    let empty = || Filling {
        others: HashMap::new(),
        over_time: vec![0; parts.count],
    };
    let mut fillings: Vec<Filling<'_>> = groups.iter().map(|_| empty()).collect();
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
        let with = asked.other.map(|(other, _)| values_of(chunk, other));
        let times = chunk.time().values();
        let mut pairs: HashMap<(usize, usize), u64> = HashMap::new();
        for row in visible.iter() {
            let Some(rank) = of.codes.get(row).and_then(|code| *rank_of.get(*code)?) else {
                continue;
            };
            if let Some(code) = with.as_ref().and_then(|with| with.codes.get(row)) {
                *pairs.entry((rank, *code)).or_default() += 1;
            }
            let part = times.get(row).and_then(|time| parts.of(*time));
            let filling = fillings.get_mut(rank);
            if let Some(count) = filling
                .zip(part)
                .and_then(|(f, at)| f.over_time.get_mut(at))
            {
                *count += 1;
            }
        }
        for ((rank, code), count) in pairs {
            let text = with.as_ref().and_then(|with| with.texts.get(code));
            if let (Some(text @ Some(_)), Some(filling)) = (text, fillings.get_mut(rank)) {
                *filling.others.entry(text.clone()).or_default() += count;
            }
        }
    }
    for event in &seen.newest {
        let rank = ranks.get(&value_of(event, field).as_deref()).copied();
        let Some(filling) = rank.and_then(|rank| fillings.get_mut(rank)) else {
            continue;
        };
        if let Some((other, _)) = asked.other
            && let value @ Some(_) = value_of(event, other)
        {
            *filling.others.entry(value).or_default() += 1;
        }
        let part = parts.of(event.draft.time.0);
        if let Some(count) = part.and_then(|at| filling.over_time.get_mut(at)) {
            *count += 1;
        }
    }
    let named = asked.other.map_or(0, |(_, named)| named);
    let detail = |filling: Filling<'_>| {
        let others_total = filling.others.len() as u64;
        let (most, _) = most(filling.others.into_iter().collect(), named, |count| *count);
        let names = most.into_iter().filter_map(|(value, _)| value);
        Detail {
            others: names.map(Cow::into_owned).collect(),
            others_total,
            over_time: filling.over_time,
        }
    };
    fillings.into_iter().map(detail).collect()
}

/// A span of time in equal parts.
struct Parts {
    from: i64,
    width: i64,
    count: usize,
    /// The part that was found last: neighbours mostly share it, and a division costs more.
    last: std::ops::Range<i64>,
    last_part: Option<usize>,
}

impl Parts {
    fn new(over_time: Option<(Micros, Micros, usize)>) -> Self {
        let (from, to, count) = over_time.unwrap_or((Micros(0), Micros(1), 0));
        let span = to.0.saturating_sub(from.0).max(1);
        let parts = i64::try_from(count).unwrap_or(1).max(1);
        Self {
            from: from.0,
            width: (span / parts + i64::from(span % parts > 0)).max(1),
            count,
            last: 0..0,
            last_part: None,
        }
    }

    fn of(&mut self, time: i64) -> Option<usize> {
        if self.last.contains(&time) {
            return self.last_part;
        }
        let since = time.checked_sub(self.from).filter(|since| *since >= 0)?;
        let part = since / self.width;
        let start = self.from + part * self.width;
        self.last = start..start.saturating_add(self.width);
        self.last_part = usize::try_from(part).ok().filter(|part| *part < self.count);
        self.last_part
    }
}

/// What a value did.
#[derive(Clone, Copy)]
struct Counted {
    requests: u64,
    changes: u64,
    denied: u64,
    attempts: u64,
    first: i64,
    last: i64,
}

impl Default for Counted {
    fn default() -> Self {
        Self {
            requests: 0,
            changes: 0,
            denied: 0,
            attempts: 0,
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
        self.attempts += u64::from(is_attempt(event));
        self.first = self.first.min(draft.time.0);
        self.last = self.last.max(draft.time.0);
    }

    fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.changes += other.changes;
        self.denied += other.denied;
        self.attempts += other.attempts;
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
        RowSet::of_values(chunk.outcome().values(), move |code| code == wanted.code())
    };
    let mut changes = visible.clone();
    changes.and(&unsafe_methods(chunk));
    changes.and(&outcome_is(Outcome::Success));
    let mut denied = visible.clone();
    denied.and(&outcome_is(Outcome::Denied));
    let mut counts = vec![Counted::default(); texts.len()];
    let times = chunk.time().values();
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
    denied.and(&attempt_rows(chunk));
    for row in denied.iter() {
        if let Some(counted) = codes.get(row).and_then(|code| counts.get_mut(*code)) {
            counted.attempts += 1;
        }
    }
    for (text, counted) in texts.into_iter().zip(counts) {
        if counted.requests > 0 {
            all.entry(text).or_default().add(counted);
        }
    }
}
