//! The most frequent values of a field, and what each of them did and when.

use admintrail_event::{Event, Micros, Outcome, is_safe_method};
use hashbrown::HashMap;

use super::sieve::{Sieve, Verdict};
use super::values::{value_of, values_of};
use crate::columns::{Chunk, RowSet, unsafe_methods};
use crate::mirror::Snapshot;
use crate::query::{Facet, FacetField, FacetValue, Group, Groups, View};

pub(crate) fn facet(snapshot: &Snapshot, view: &View, field: FacetField, limit: usize) -> Facet {
    let groups = groups(snapshot, view, field, limit);
    let values = groups
        .rows
        .into_iter()
        .map(|group| FacetValue {
            value: group.value,
            count: group.requests,
        })
        .collect();
    Facet {
        values,
        other: groups.other,
    }
}

pub(crate) fn groups(snapshot: &Snapshot, view: &View, field: FacetField, limit: usize) -> Groups {
    let sieve = Sieve::new(view);
    let mut all = Counted::default();
    for chunk in &snapshot.chunks {
        let visible = sieve.sift(chunk).visible;
        if !visible.is_empty() {
            count_chunk(chunk, field, &visible, &mut all);
        }
    }
    for event in &snapshot.newest {
        if sieve.judge(event) == Verdict::Visible {
            let value = value_of(event, field);
            let group = group_of(&mut all, value.as_deref());
            count_event(group, event);
        }
    }
    let mut rows: Vec<Group> = all.some.into_values().chain(all.none).collect();
    rows.sort_unstable_by(|a, b| {
        b.requests
            .cmp(&a.requests)
            .then_with(|| a.value.cmp(&b.value))
    });
    let other = rows.iter().skip(limit).map(|group| group.requests).sum();
    rows.truncate(limit);
    Groups { rows, other }
}

/// Groups by value.
#[derive(Default)]
struct Counted {
    some: HashMap<String, Group>,
    /// Events without a value.
    none: Option<Group>,
}

fn group_of<'a>(all: &'a mut Counted, value: Option<&str>) -> &'a mut Group {
    let fresh = || Group {
        value: value.map(str::to_owned),
        requests: 0,
        changes: 0,
        denied: 0,
        first: Micros(i64::MAX),
        last: Micros(i64::MIN),
    };
    match value {
        // A text is copied only when it is new.
        Some(text) => all.some.entry_ref(text).or_insert_with(fresh),
        None => all.none.get_or_insert_with(fresh),
    }
}

fn count_event(group: &mut Group, event: &Event) {
    let draft = &event.draft;
    group.requests += 1;
    group.changes += u64::from(draft.outcome == Outcome::Success && !is_safe_method(&draft.method));
    group.denied += u64::from(draft.outcome == Outcome::Denied);
    group.first = group.first.min(draft.time);
    group.last = group.last.max(draft.time);
}

/// Counts by code first, so that a text is looked up once a chunk.
fn count_chunk(chunk: &Chunk, field: FacetField, visible: &RowSet, all: &mut Counted) {
    let values = values_of(chunk, field);
    let outcome_is = |wanted: Outcome| {
        RowSet::of_values(chunk.outcome.values(), move |code| code == wanted.code())
    };
    let mut changes = visible.clone();
    changes.and(&unsafe_methods(chunk));
    changes.and(&outcome_is(Outcome::Success));
    let mut denied = visible.clone();
    denied.and(&outcome_is(Outcome::Denied));
    let none = (0_u64, 0_u64, 0_u64, i64::MAX, i64::MIN);
    let mut counts = vec![none; values.texts.len()];
    let times = chunk.time.values();
    for row in visible.iter() {
        let Some((code, time)) = values.codes.get(row).zip(times.get(row)) else {
            continue;
        };
        if let Some((requests, _, _, first, last)) = counts.get_mut(*code) {
            *requests += 1;
            *first = (*first).min(*time);
            *last = (*last).max(*time);
        }
    }
    for row in changes.iter() {
        if let Some(count) = values.codes.get(row).and_then(|code| counts.get_mut(*code)) {
            count.1 += 1;
        }
    }
    for row in denied.iter() {
        if let Some(count) = values.codes.get(row).and_then(|code| counts.get_mut(*code)) {
            count.2 += 1;
        }
    }
    for (text, (requests, changes, denied, first, last)) in values.texts.iter().zip(counts) {
        if requests > 0 {
            let group = group_of(all, text.as_deref());
            group.requests += requests;
            group.changes += changes;
            group.denied += denied;
            group.first = group.first.min(Micros(first));
            group.last = group.last.max(Micros(last));
        }
    }
}
