//! Counts over time.

use admintrail_event::{Event, Micros, Outcome, is_safe_method};

use super::sieve::{Sieve, Verdict};
use crate::columns::{Chunk, unsafe_methods};
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
    origin: Micros,
    now: Micros,
) -> Histogram {
    let (from, to) = bounds(snapshot, view, now);
    let buckets = buckets.clamp(1, MOST);
    let span = to.0.saturating_sub(from.0).max(1);
    let width = width_for(span, buckets);
    // Whatever the origin, the first bucket holds the first moment.
    let start = from.0 - (from.0 - origin.0.rem_euclid(width)).rem_euclid(width);
    let count = usize::try_from((to.0 - start).max(1).div_euclid(width)).unwrap_or(MOST)
        + usize::from((to.0 - start).max(1).rem_euclid(width) > 0);
    let mut filled = vec![Bucket::default(); count.min(2 * MOST)];
    let mut add = |time: i64, class: Class| {
        let index = usize::try_from((time - start).div_euclid(width)).unwrap_or(usize::MAX);
        if let Some(bucket) = filled.get_mut(index) {
            match class {
                Class::Read => bucket.read += 1,
                Class::Changed => bucket.changed += 1,
                Class::Denied => bucket.denied += 1,
            }
        }
    };
    let sieve = Sieve::new(view);
    for chunk in &snapshot.chunks {
        count_chunk(&sieve, chunk, &mut add);
    }
    for event in &snapshot.newest {
        if sieve.judge(event) == Verdict::Visible {
            add(event.draft.time.0, class_of(event));
        }
    }
    let end = start + width * filled.len() as i64;
    Histogram {
        from: Micros(start),
        to: Micros(end),
        width,
        buckets: filled,
    }
}

#[derive(Clone, Copy)]
enum Class {
    Read,
    Changed,
    Denied,
}

fn class_of(event: &Event) -> Class {
    match event.draft.outcome {
        Outcome::Denied | Outcome::Failed | Outcome::Error => Class::Denied,
        Outcome::Success | Outcome::Unknown if is_safe_method(&event.draft.method) => Class::Read,
        Outcome::Success | Outcome::Unknown => Class::Changed,
    }
}

fn count_chunk(sieve: &Sieve<'_>, chunk: &Chunk, add: &mut impl FnMut(i64, Class)) {
    let visible = sieve.sift(chunk).visible;
    if visible.is_empty() {
        return;
    }
    let refused = crate::columns::RowSet::of_values(chunk.outcome().values(), |code| {
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
        chunks.chain(
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
