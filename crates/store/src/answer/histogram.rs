//! Counts over time.

use admintrail_event::{Event, Micros, Outcome, is_safe_method};

use super::sieve::Sieve;
use super::sweep::{Budget, fold_groups, groups_of, newest_in};
use super::tally::{at_edges, is_outside, plan_of};
use crate::archive::{BUCKET, Plan, Shape, Slice, Treated};
use crate::columns::{Chunk, RowSet, unsafe_methods};
use crate::mirror::Snapshot;
use crate::query::{Bucket, Histogram, View};

/// Widths that people read at a glance, in seconds.
const WIDTHS: &[i64] = &[
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200,
    86_400, 172_800, 604_800, 2_592_000,
];
/// Most buckets, whatever is asked.
const MOST: usize = 1_000;

pub(crate) fn histogram(
    snapshot: &Snapshot,
    view: &View,
    buckets: usize,
    (origin, now): (Micros, Micros),
    budget: Budget,
) -> Histogram {
    let (from, to) = bounds(snapshot, view, now);
    let buckets = buckets.clamp(1, MOST);
    let span = to.0.saturating_sub(from.0).max(1);
    let width = width_for(span, buckets);
    // Whatever the origin, the first bucket holds the first moment.
    let start = from.0 - (from.0 - origin.0.rem_euclid(width)).rem_euclid(width);
    let count = usize::try_from((to.0 - start).max(1).div_euclid(width)).unwrap_or(MOST)
        + usize::from((to.0 - start).max(1).rem_euclid(width) > 0);
    let empty = || Filling::new(start, width, count.min(2 * MOST));
    // Summaries know quarters of an hour.
    let even = width % BUCKET == 0 && start.rem_euclid(BUCKET) == 0;
    let plan = if even { plan_of(snapshot, view) } else { None };
    let groups = match &plan {
        Some(_) => Vec::new(),
        None => groups_of(snapshot, view).0,
    };
    let (fillings, coverage) = fold_groups(
        &snapshot.chunks,
        view,
        &groups,
        0,
        budget,
        empty,
        Filling::add_chunk,
    );
    let mut filled = empty();
    fillings
        .into_iter()
        .for_each(|filling| filled.join(&filling));
    if let Some(plan) = &plan {
        add_summaries(snapshot, view, plan, &mut filled);
    }
    for event in newest_in(snapshot, view) {
        filled.add(event.draft.time.0, class_of(event), 1);
    }
    let end = start + width * filled.counts.len() as i64;
    Histogram {
        from: Micros(start),
        to: Micros(end),
        width,
        buckets: filled.buckets(),
        searched: coverage.told(),
    }
}

/// Buckets as they are filled; a count may be taken back.
struct Filling {
    start: i64,
    width: i64,
    counts: Vec<[i64; 3]>,
}

impl Filling {
    fn new(start: i64, width: i64, count: usize) -> Self {
        Self {
            start,
            width,
            counts: vec![[0; 3]; count],
        }
    }

    fn add(&mut self, time: i64, class: Class, count: i64) {
        let index = usize::try_from((time - self.start).div_euclid(self.width));
        let of = index.ok().and_then(|index| self.counts.get_mut(index));
        if let Some(of) = of.and_then(|counts| counts.get_mut(class as usize)) {
            *of += count;
        }
    }

    fn add_chunk(&mut self, chunk: &Chunk, visible: &RowSet) {
        count_chunk(chunk, visible, &mut |time, class| self.add(time, class, 1));
    }

    fn join(&mut self, other: &Self) {
        for (ours, theirs) in self.counts.iter_mut().zip(&other.counts) {
            for (ours, theirs) in ours.iter_mut().zip(theirs) {
                *ours += theirs;
            }
        }
    }

    fn buckets(self) -> Vec<Bucket> {
        let counted = |n: i64| u64::try_from(n).unwrap_or(0);
        let bucket = |[read, changed, denied]: [i64; 3]| Bucket {
            read: counted(read),
            changed: counted(changed),
            denied: counted(denied),
        };
        self.counts.into_iter().map(bucket).collect()
    }
}

/// What summaries know of the view, and the rows at its edges.
fn add_summaries(snapshot: &Snapshot, view: &View, plan: &Plan, filled: &mut Filling) {
    for segment in snapshot.segments.iter() {
        if is_outside(segment, view) {
            continue;
        }
        let slice = segment.slice_within(view.from, view.to);
        let _ = segment.count(plan, slice, true, |bucket, shape, treated, count| {
            if treated == Treated::Visible
                && let Some(class) = plan.shape(shape).map(class_of_shape)
            {
                filled.add(bucket * BUCKET, class, count);
            }
        });
        if slice == Slice::All {
            continue;
        }
        for (group, view) in at_edges(segment, view) {
            if let Some(chunk) = group.chunk() {
                let visible = Sieve::new(&view).sift(&chunk).visible;
                filled.add_chunk(&chunk, &visible);
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Class {
    Read = 0,
    Changed = 1,
    Denied = 2,
}

fn class_of(event: &Event) -> Class {
    class(event.draft.outcome, &event.draft.method)
}

fn class_of_shape(shape: &Shape) -> Class {
    let outcome = Outcome::from_code(shape.outcome).unwrap_or(Outcome::Unknown);
    class(outcome, &shape.method)
}

fn class(outcome: Outcome, method: &str) -> Class {
    match outcome {
        Outcome::Denied | Outcome::Failed | Outcome::Error => Class::Denied,
        Outcome::Success | Outcome::Unknown if is_safe_method(method) => Class::Read,
        Outcome::Success | Outcome::Unknown => Class::Changed,
    }
}

fn count_chunk(chunk: &Chunk, visible: &RowSet, add: &mut impl FnMut(i64, Class)) {
    let refused = RowSet::of_values(chunk.outcome().values(), |code| {
        matches!(
            Outcome::from_code(code),
            Some(Outcome::Denied | Outcome::Failed | Outcome::Error)
        )
    });
    let mut denied = visible.clone();
    denied.and(&refused);
    let mut changed = visible.clone();
    changed.and_not(&refused);
    let mut read = changed.clone();
    let unsafe_ones = unsafe_methods(chunk);
    changed.and(&unsafe_ones);
    read.and_not(&unsafe_ones);
    let times = chunk.time().values();
    for (rows, class) in [
        (read, Class::Read),
        (changed, Class::Changed),
        (denied, Class::Denied),
    ] {
        for row in rows.iter() {
            if let Some(time) = times.get(row) {
                add(*time, class);
            }
        }
    }
}

/// The view's own bounds; where it has none, the first event and now. Events of a future that a
/// wrong clock made up would leave nothing to see of the present.
pub(crate) fn bounds(snapshot: &Snapshot, view: &View, now: Micros) -> (Micros, Micros) {
    let times = || {
        let chunks = snapshot.chunks.iter().map(|chunk| chunk.times);
        let segments = snapshot.segments.iter().map(|segment| {
            let (first, last) = segment.times();
            (Micros(first), Micros(last))
        });
        chunks.chain(segments).chain(
            snapshot
                .newest
                .iter()
                .map(|event| (event.draft.time, event.draft.time)),
        )
    };
    let to = view.to.unwrap_or(Micros(now.0.saturating_add(1)));
    let from = view.from.unwrap_or_else(|| {
        let first = times().map(|(first, _)| first).min().unwrap_or(now);
        first.min(Micros(to.0 - 1))
    });
    (from, to)
}

/// A round width that makes at most half as many buckets again as are wanted.
fn width_for(span: i64, buckets: usize) -> i64 {
    let buckets = buckets + buckets / 2;
    let wanted = span
        .div_euclid(i64::try_from(buckets).unwrap_or(i64::MAX))
        .max(1);
    let seconds = WIDTHS
        .iter()
        .copied()
        .find(|seconds| seconds * Micros::SECOND >= wanted);
    let largest = WIDTHS.last().copied().unwrap_or(1) * Micros::SECOND;
    seconds.map_or_else(
        || (wanted / largest + 1) * largest,
        |seconds| seconds * Micros::SECOND,
    )
}
