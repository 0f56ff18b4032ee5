//! The most frequent values of a field, and what each of them did, when and with which values of
//! another field.

use std::cmp::Ordering;
use std::sync::Arc;

use admintrail_event::{Event, Micros, Outcome, is_safe_method};
use hashbrown::HashMap;

use super::attempts::{attempt_rows, is_attempt};
use super::sieve::Sieve;
use super::sweep::{Budget, Coverage, GroupRef, fold, fold_groups, groups_of, newest_in};
use super::tally::{at_edges, is_outside, plan_of};
use super::values::{Values, value_of, value_of_shape, values_of};
use crate::archive::{
    Looked, Plan, Segment, Slice, Treated, Value, WithHot, by_rank, counted_place,
};
use crate::columns::{Chunk, RowSet, unsafe_methods};
use crate::mirror::Snapshot;
use crate::query::{Facet, FacetField, FacetValue, Group, Groups, View};

/// Something for each value. Values are copied when they are first seen: what they were read from
/// does not stay.
type ByValue<T> = HashMap<Value, T>;

/// Changes what there is of a value, which begins with nothing.
fn change<T: Default>(all: &mut ByValue<T>, value: Option<&str>, change: impl FnOnce(&mut T)) {
    if let Some(of) = all.get_mut(&Looked(value)) {
        change(of);
    } else {
        let mut of = T::default();
        change(&mut of);
        all.insert(value.map(str::to_owned), of);
    }
}

pub(crate) fn facet(
    snapshot: &Snapshot,
    view: &View,
    field: FacetField,
    limit: usize,
    budget: Budget,
) -> Facet {
    let mut known = Known::default();
    // What no summary knows is read.
    let (groups, passed) = match plan_of(snapshot, view) {
        Some(plan) => (known.add_all(snapshot, view, &plan, field, limit), 0),
        None => groups_of(snapshot, view),
    };
    let hot = if known.has_hot {
        &[]
    } else {
        &*snapshot.chunks
    };
    let (found, coverage) = fold_groups(
        hot,
        view,
        &groups,
        passed,
        budget,
        HashMap::new,
        |counts: &mut ByValue<u64>, chunk, visible| count_values(counts, chunk, visible, field),
    );
    for (value, count) in found.into_iter().flatten() {
        *known.counts.entry(value).or_default() += count;
    }
    for event in newest_in(snapshot, view) {
        change(&mut known.counts, value_of(event, field).as_deref(), |n| {
            *n += 1;
        });
    }
    let (most, other) = known.most(limit);
    let value = |(value, count): (Value, u64)| FacetValue { value, count };
    Facet {
        values: most.into_iter().map(value).collect(),
        other: other + known.merged.rest(),
        searched: coverage.told(),
    }
}

fn count_values(counts: &mut ByValue<u64>, chunk: &Chunk, visible: &RowSet, field: FacetField) {
    let Values { texts, codes } = values_of(chunk, field);
    let mut by_code = vec![0_u64; texts.len()];
    for row in visible.iter() {
        let count = codes.get(row).and_then(|code| by_code.get_mut(*code));
        if let Some(count) = count {
            *count += 1;
        }
    }
    for (text, count) in texts.iter().zip(by_code) {
        if count > 0 {
            change(counts, text.as_deref(), |n| *n += count);
        }
    }
}

/// What the summaries know.
#[derive(Default)]
struct Known {
    counts: ByValue<u64>,
    /// Of whole segments, beside the counts.
    merged: Arc<WithHot>,
    /// And of all chunks of hot.
    has_hot: bool,
    /// Segments that kept only their most frequent values, and how many rows another may have.
    cut: Vec<(Arc<Segment>, u64)>,
}

impl Known {
    /// Adds what the summaries know; the groups that must be read for the rest. Segments that kept only
    /// some values are read if a value of the answer is not among them, or one may be missing.
    fn add_all(
        &mut self,
        snapshot: &Snapshot,
        view: &View,
        plan: &Plan,
        field: FacetField,
        limit: usize,
    ) -> Vec<GroupRef> {
        let to_read = self.add(snapshot, view, plan, field, &[]);
        let Some(place) = counted_place(field).filter(|_| !self.cut.is_empty()) else {
            return to_read;
        };
        let (listed, _) = self.most(limit);
        let unseen: u64 = self.cut.iter().map(|(_, at_most)| at_most).sum();
        let sure = listed.len() == limit && listed.last().is_some_and(|(_, least)| *least > unseen);
        let lacks = |segment: &Segment| {
            segment.values(place).is_none_or(|values| {
                let kept = values.as_ref().as_ref();
                kept.is_none_or(|kept| {
                    let has = |value: &Value| kept.iter().any(|(v, _, _)| v == value.as_deref());
                    !listed.iter().all(|(value, _)| has(value))
                })
            })
        };
        let unsure: Vec<Arc<Segment>> = std::mem::take(&mut self.cut)
            .into_iter()
            .map(|(segment, _)| segment)
            .filter(|segment| !sure || lacks(segment))
            .collect();
        if unsure.is_empty() {
            return to_read;
        }
        *self = Self::default();
        self.add(snapshot, view, plan, field, &unsure)
    }

    /// The most frequent values, and the rows of the others.
    fn most(&self, limit: usize) -> (Vec<(Value, u64)>, u64) {
        let known = self.counts.iter();
        let mut all = self
            .merged
            .most(limit, |value| self.counts.contains_key(value));
        all.extend(known.map(|(value, n)| (value, n + self.merged.count(value))));
        let (most, _) = most(all, limit, |count| *count);
        let sum = self.merged.sum() + self.counts.values().sum::<u64>();
        let listed: u64 = most.iter().map(|(_, count)| count).sum();
        let most = most.into_iter().map(|(value, n)| (value.clone(), n));
        (most.collect(), sum - listed)
    }

    /// Adds up the values of segments, and of hot if all of it is in the view; the segments that did
    /// not keep them.
    fn merge(
        &mut self,
        snapshot: &Snapshot,
        view: &View,
        field: FacetField,
        (place, segments): (usize, &[&Arc<Segment>]),
    ) -> Vec<Arc<Segment>> {
        let Some(first) = segments.first() else {
            return Vec::new();
        };
        let shared = first.shared();
        let merged = shared.merged(segments, place, view.fold);
        let at = |at: usize| segments.get(at).map(|segment| Arc::clone(segment));
        let cut = merged.cut().iter();
        self.cut = cut
            .filter_map(|(place, at_most)| Some((at(*place)?, *at_most)))
            .collect();
        let unknown = merged.unknown().iter();
        let unknown = unknown.filter_map(|place| at(*place)).collect();
        self.has_hot = snapshot.chunks.iter().all(|chunk| view.spans(chunk.times));
        self.merged = if self.has_hot {
            shared
                .hot_sums
                .of(merged, &snapshot.chunks, field, view.fold)
        } else {
            Arc::new(WithHot::of(merged))
        };
        unknown
    }

    fn add(
        &mut self,
        snapshot: &Snapshot,
        view: &View,
        plan: &Plan,
        field: FacetField,
        not: &[Arc<Segment>],
    ) -> Vec<GroupRef> {
        let inside = snapshot.segments.iter();
        let inside: Vec<&Arc<Segment>> = inside.filter(|s| !is_outside(s, view)).collect();
        let slice_of = |segment: &Segment| segment.slice_within(view.from, view.to);
        let (mut whole, mut others) = (Vec::new(), inside);
        let place = counted_place(field);
        if place.is_some() && plan.is_everything {
            let is_whole = |segment: &&Arc<Segment>| {
                slice_of(segment) == Slice::All && !not.iter().any(|of| Arc::ptr_eq(of, segment))
            };
            (whole, others) = others.into_iter().partition(is_whole);
        }
        let unknown = place.map(|place| self.merge(snapshot, view, field, (place, &whole)));
        let mut to_read: Vec<GroupRef> = unknown
            .iter()
            .flatten()
            .flat_map(GroupRef::all_of)
            .collect();
        let (mut by_shape, mut by_person) = (Vec::new(), Vec::new());
        for segment in others {
            let slice = slice_of(segment);
            let known = match field {
                _ if place.is_some() => false,
                FacetField::Admin => segment
                    .count_people(plan, slice, |person, treated, count| {
                        if treated == Treated::Visible {
                            add_at(&mut by_person, person, count);
                        }
                    })
                    .is_some(),
                FacetField::Attempted => false,
                _ => segment
                    .count(plan, slice, false, |_, shape, treated, count| {
                        if treated == Treated::Visible {
                            add_at(&mut by_shape, shape, count);
                        }
                    })
                    .is_some(),
            };
            if !known {
                to_read.extend(GroupRef::all_of(segment).filter(|group| {
                    let from = view.from.map_or(i64::MIN, |from| from.0);
                    group.touches(from, view.to.map_or(i64::MAX, |to| to.0))
                }));
            } else if slice != Slice::All {
                for (group, view) in at_edges(segment, view) {
                    if let Some(chunk) = group.chunk() {
                        let visible = Sieve::new(&view).sift(&chunk).visible;
                        count_values(&mut self.counts, &chunk, &visible, field);
                    }
                }
            }
        }
        let counted = |count: i64| u64::try_from(count).unwrap_or(0);
        for (shape, count) in (0..).zip(by_shape) {
            if let Some(shape) = plan.shape(shape).filter(|_| count > 0) {
                let value = value_of_shape(shape, field);
                change(&mut self.counts, value.as_deref(), |n| *n += counted(count));
            }
        }
        if let Some(segment) = snapshot.segments.first().filter(|_| !by_person.is_empty()) {
            for (person, count) in segment.lexicon().people().iter().zip(by_person) {
                if count > 0 {
                    let value = person.admin.as_deref();
                    change(&mut self.counts, value, |n| *n += counted(count));
                }
            }
        }
        to_read.sort_by_key(|group| std::cmp::Reverse(group.times().1));
        to_read
    }
}

fn add_at(counts: &mut Vec<i64>, at: u32, count: i64) {
    let at = at as usize;
    if counts.len() <= at {
        counts.resize(at + 1, 0);
    }
    if let Some(of) = counts.get_mut(at) {
        *of += count;
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
    budget: Budget,
) -> Groups {
    let (found, mut coverage) = fold(
        snapshot,
        view,
        budget,
        HashMap::new,
        |counts: &mut ByValue<Counted>, chunk, visible| {
            count_chunk(chunk, field, visible, counts);
        },
    );
    let mut counts: ByValue<Counted> = HashMap::new();
    for (value, counted) in found.into_iter().flatten() {
        counts.entry(value).or_default().add(counted);
    }
    for event in newest_in(snapshot, view) {
        let value = value_of(event, field);
        change(&mut counts, value.as_deref(), |counted| {
            counted.count(event);
        });
    }
    let (most, rest) = most(counts.into_iter().collect(), limit, |counted| {
        counted.requests
    });
    let (details, seen) = details_of(snapshot, view, field, &most, asked, budget.anew());
    if seen.left > coverage.left {
        coverage = seen;
    }
    let mut details = details.into_iter();
    let row = |(value, counted): (Value, Counted)| {
        let detail = details.next().unwrap_or_default();
        Group {
            value,
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
        searched: coverage.told(),
    }
}

/// The `limit` values with the most events, ties by value, and the events of all others.
pub(super) fn most<V: Ord, T>(
    mut all: Vec<(V, T)>,
    limit: usize,
    events: impl Fn(&T) -> u64,
) -> (Vec<(V, T)>, u64) {
    let order = |a: &(V, T), b: &(V, T)| -> Ordering {
        by_rank((&a.0, events(&a.1)), (&b.0, events(&b.1)))
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
#[derive(Clone)]
struct Filling {
    others: HashMap<String, u64>,
    over_time: Vec<u64>,
}

impl Filling {
    fn add_other(&mut self, value: &str, count: u64) {
        *self.others.entry_ref(value).or_default() += count;
    }
}

/// For each group its most frequent values of another field, how many there are, and how its
/// events lie over time: in one pass over what is seen.
fn details_of(
    snapshot: &Snapshot,
    view: &View,
    field: FacetField,
    groups: &[(Value, Counted)],
    asked: Asked,
    budget: Budget,
) -> (Vec<Detail>, Coverage) {
    if asked.other.is_none() && asked.over_time.is_none() {
        return (Vec::new(), Coverage::default());
    }
    let ranks: HashMap<Option<&str>, usize> = groups
        .iter()
        .enumerate()
        .map(|(rank, (value, _))| (value.as_deref(), rank))
        .collect();
    let parts = Parts::new(asked.over_time);
    let empty = Filling {
        others: HashMap::new(),
        over_time: vec![0; parts.count],
    };
    let begin = || vec![empty.clone(); groups.len()];
    let other = asked.other.map(|(other, _)| other);
    let (found, coverage) = fold(
        snapshot,
        view,
        budget,
        begin,
        |fillings: &mut Vec<Filling>, chunk, visible| {
            fill(
                fillings,
                chunk,
                visible,
                (field, other),
                &ranks,
                parts.clone(),
            );
        },
    );
    let mut fillings = begin();
    for (ours, theirs) in found.into_iter().flat_map(|all| (0..).zip(all)) {
        let Some(ours) = fillings.get_mut(ours) else {
            continue;
        };
        for (value, count) in theirs.others {
            *ours.others.entry(value).or_default() += count;
        }
        for (ours, theirs) in ours.over_time.iter_mut().zip(theirs.over_time) {
            *ours += theirs;
        }
    }
    let mut parts = parts;
    for event in newest_in(snapshot, view) {
        let rank = ranks.get(&value_of(event, field).as_deref()).copied();
        let Some(filling) = rank.and_then(|rank| fillings.get_mut(rank)) else {
            continue;
        };
        if let Some(value) = other.and_then(|other| value_of(event, other)) {
            filling.add_other(&value, 1);
        }
        let part = parts.of(event.draft.time.0);
        if let Some(count) = part.and_then(|at| filling.over_time.get_mut(at)) {
            *count += 1;
        }
    }
    let named = asked.other.map_or(0, |(_, named)| named);
    let detail = |filling: Filling| {
        let others_total = filling.others.len() as u64;
        let others = filling.others.into_iter().map(|(text, n)| (Some(text), n));
        let (most, _) = most(others.collect(), named, |count| *count);
        Detail {
            others: most.into_iter().filter_map(|(value, _)| value).collect(),
            others_total,
            over_time: filling.over_time,
        }
    };
    (fillings.into_iter().map(detail).collect(), coverage)
}

/// Adds a chunk's rows of the groups that are told of.
fn fill(
    fillings: &mut [Filling],
    chunk: &Chunk,
    visible: &RowSet,
    (field, other): (FacetField, Option<FacetField>),
    ranks: &HashMap<Option<&str>, usize>,
    mut parts: Parts,
) {
    let of = values_of(chunk, field);
    let rank_of: Vec<Option<usize>> = of
        .texts
        .iter()
        .map(|text| ranks.get(&text.as_deref()).copied())
        .collect();
    if rank_of.iter().all(Option::is_none) {
        return;
    }
    let with = other.map(|other| values_of(chunk, other));
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
        if let (Some(Some(text)), Some(filling)) = (text, fillings.get_mut(rank)) {
            filling.add_other(text, count);
        }
    }
}

/// A span of time in equal parts.
#[derive(Clone)]
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
fn count_chunk(chunk: &Chunk, field: FacetField, visible: &RowSet, all: &mut ByValue<Counted>) {
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
    for (text, counted) in texts.iter().zip(counts) {
        if counted.requests > 0 {
            change(all, text.as_deref(), |of| of.add(counted));
        }
    }
}
