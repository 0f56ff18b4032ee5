//! How many sealed events a view shows, hides and folds away: from summaries where they know, from
//! rows where they do not.

use std::sync::Arc;

use admintrail_event::{Event, Micros};

use super::sieve::{Sieve, Sifted, Verdict};
use super::sweep::{Budget, Coverage, GroupRef, groups_of, over};
use crate::archive::{BUCKET, Plan, Segment, Slice, Treated, bucket_of};
use crate::columns::{Chunk, RowSet};
use crate::mirror::Snapshot;
use crate::query::{Folded, Position, View};

/// Counts of a view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    pub(crate) visible: u64,
    pub(crate) hidden: u64,
    pub(crate) folded: Folded,
}

impl Tally {
    pub(crate) const fn add(&mut self, other: Self) {
        self.visible += other.visible;
        self.hidden += other.hidden;
        self.folded.add(other.folded);
    }

    pub(crate) fn of_sifted(sifted: &Sifted) -> Self {
        Self {
            visible: sifted.visible.count(),
            hidden: sifted.hidden,
            folded: sifted.folded,
        }
    }

    /// Takes in one event.
    pub(crate) fn judge(&mut self, sieve: &Sieve<'_>, event: &Event) -> Verdict {
        let verdict = sieve.judge(event);
        match verdict {
            Verdict::Out => {}
            Verdict::Visible => self.visible += 1,
            Verdict::Hidden => self.hidden += 1,
            Verdict::Refresh => self.folded.refreshes += 1,
            Verdict::Asset => self.folded.assets += 1,
        }
        verdict
    }
}

/// What a view found in a group, remembered for the next time it is asked.
#[derive(Debug, Clone)]
pub(crate) struct Remembered {
    pub(crate) tally: Tally,
    /// Where the visible rows are (time, seq, row), if they are few.
    pub(crate) places: Option<Arc<[(i64, u64, u32)]>>,
}

/// More rows than this are found again quickly enough.
const FEW: u64 = 128;

impl Remembered {
    pub(crate) fn of(chunk: &Chunk, sifted: &Sifted) -> Self {
        let tally = Tally::of_sifted(sifted);
        let place = |row: usize| {
            let position = chunk.position(row);
            (
                position.time.0,
                position.seq.0,
                u32::try_from(row).unwrap_or(u32::MAX),
            )
        };
        let few = tally.visible <= FEW;
        Self {
            tally,
            places: few.then(|| sifted.visible.iter().map(place).collect()),
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.places.as_ref().map_or(0, |places| places.len() * 24) + 64
    }
}

/// Looks at a group, or remembers; what is found in a whole group is kept in mind.
pub(crate) fn look(
    group: &GroupRef,
    sieve: &Sieve<'_>,
    view: &View,
    key: u128,
) -> Option<(Tally, Chunk, RowSet)> {
    let chunk = group.chunk()?;
    let sifted = sieve.sift(&chunk);
    let tally = Tally::of_sifted(&sifted);
    if is_within(group, view) && group.segment.damage().is_none() {
        let found = Remembered::of(&chunk, &sifted);
        group.segment.keep_counted(key, group.group, found);
    }
    Some((tally, chunk, sifted.visible))
}

/// Counts that may be taken back.
#[derive(Default)]
struct Signed([i64; 4]);

impl Signed {
    const fn add(&mut self, treated: Treated, count: i64) {
        match treated {
            Treated::Out => {}
            Treated::Visible => self.0[0] += count,
            Treated::Hidden => self.0[1] += count,
            Treated::Refresh => self.0[2] += count,
            Treated::Asset => self.0[3] += count,
        }
    }

    fn tally(&self) -> Tally {
        let [visible, hidden, refreshes, assets] = self.0.map(|n| u64::try_from(n).unwrap_or(0));
        Tally {
            visible,
            hidden,
            folded: Folded { refreshes, assets },
        }
    }
}

/// The plan of a view, if summaries can answer it.
pub(crate) fn plan_of(snapshot: &Snapshot, view: &View) -> Option<Arc<Plan>> {
    let segment = snapshot.segments.first()?;
    // Whoever is in a segment is in the lexicon only once its people were read; of most views nobody asks.
    if Plan::asks_for_people(view) {
        for segment in snapshot.segments.iter() {
            segment.people()?;
        }
    }
    segment.shared().plan_of(view)
}

/// The times at the edges of a view that whole quarters of an hour do not cover.
pub(crate) fn edges(view: &View) -> Vec<(i64, i64)> {
    let up = |at: i64| (at.div_euclid(BUCKET) + i64::from(at.rem_euclid(BUCKET) > 0)) * BUCKET;
    let (from, to) = (view.from.map(|at| at.0), view.to.map(|at| at.0));
    let (low, high) = (from.map(up), to.map(|to| bucket_of(to) * BUCKET));
    let edges = match (from.zip(low), high.zip(to)) {
        (Some((from, low)), Some((high, to))) if high < low => vec![(from, to)],
        (first, last) => first.into_iter().chain(last).collect(),
    };
    edges.into_iter().filter(|(from, to)| from < to).collect()
}

/// Whether a segment has nothing in the view's time.
pub(crate) fn is_outside(segment: &Segment, view: &View) -> bool {
    let (first, last) = segment.times();
    view.from.is_some_and(|from| last < from.0) || view.to.is_some_and(|to| first >= to.0)
}

/// The groups of a segment at the view's edges, each with the view of that edge alone.
pub(crate) fn at_edges(segment: &Arc<Segment>, view: &View) -> Vec<(GroupRef, View)> {
    let edges = edges(view);
    GroupRef::all_of(segment)
        .flat_map(|group| {
            let touched = edges.iter().filter(|(from, to)| group.touches(*from, *to));
            let views = touched.map(|(from, to)| {
                let view = View {
                    from: Some(Micros(*from)),
                    to: Some(Micros(*to)),
                    ..view.clone()
                };
                (group.clone(), view)
            });
            views.collect::<Vec<_>>()
        })
        .collect()
}

/// Counts by the summaries.
pub(crate) fn by_plan(snapshot: &Snapshot, view: &View, plan: &Plan) -> Tally {
    let mut tally = Tally::default();
    for segment in snapshot.segments.iter() {
        if is_outside(segment, view) {
            continue;
        }
        let slice = segment.slice_within(view.from, view.to);
        let mut signed = Signed::default();
        let _ = segment.count(plan, slice, false, |_, _, treated, count| {
            signed.add(treated, count);
        });
        tally.add(signed.tally());
        if slice == Slice::All {
            continue;
        }
        for (group, view) in at_edges(segment, view) {
            if let Some(chunk) = group.chunk() {
                tally.add(Tally::of_sifted(&Sieve::new(&view).sift(&chunk)));
            }
        }
    }
    tally
}

/// Counts by the rows; what was counted in whole groups is remembered.
pub(crate) fn by_rows(snapshot: &Snapshot, view: &View, budget: Budget) -> (Tally, Coverage) {
    let (groups, passed) = groups_of(snapshot, view);
    let Some(segment) = snapshot.segments.first() else {
        return (Tally::default(), Coverage::default());
    };
    let key = segment.shared().key_of(view);
    let sieve = Sieve::new(view);
    // What is known already costs no time.
    let (mut known, mut events) = (Tally::default(), passed);
    let mut unknown = Vec::with_capacity(groups.len());
    for group in groups {
        match group.segment.counted(key, group.group) {
            Some(found) if is_within(&group, view) => {
                known.add(found.tally);
                events += group.rows();
            }
            _ => unknown.push(group),
        }
    }
    let (found, mut coverage) = over(&unknown, 0, budget, Tally::default, |tally, group| {
        if let Some((of, _, _)) = look(group, &sieve, view, key) {
            tally.add(of);
        }
    });
    found.into_iter().for_each(|tally| known.add(tally));
    coverage.events += events;
    (known, coverage)
}

/// Whether all rows of a group are in the view's time.
pub(crate) fn is_within(group: &GroupRef, view: &View) -> bool {
    let (first, last) = group.times();
    view.spans((Micros(first), Micros(last)))
}

/// How many sealed events of the view lie after a position, by the summaries.
pub(crate) fn newer_by_plan(
    snapshot: &Snapshot,
    view: &View,
    plan: &Plan,
    position: Position,
) -> u64 {
    let after = Micros(position.time.0.saturating_add(1));
    let later = View {
        from: Some(view.from.map_or(after, |from| from.max(after))),
        ..view.clone()
    };
    let mut newer = by_plan(snapshot, &later, plan).visible;
    let now = View {
        from: Some(position.time),
        to: Some(after),
        ..view.clone()
    };
    if !has_time(view, position.time) {
        return newer;
    }
    let sieve = Sieve::new(&now);
    for segment in snapshot.segments.iter() {
        for group in GroupRef::all_of(segment) {
            if !group.touches(position.time.0, after.0) {
                continue;
            }
            if let Some(chunk) = group.chunk() {
                let visible = sieve.sift(&chunk).visible;
                newer += visible
                    .iter()
                    .filter(|row| chunk.position(*row) > position)
                    .count() as u64;
            }
        }
    }
    newer
}

/// Whether a time is in the view's.
fn has_time(view: &View, time: Micros) -> bool {
    view.from.is_none_or(|from| from <= time) && view.to.is_none_or(|to| time < to)
}
