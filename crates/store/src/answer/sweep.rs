//! Looking at many parts of the trail: which of them can have rows of a view, newest first, on all
//! cores, for as long as there is time.

use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use admintrail_event::{Event, Micros};

use super::prune::Pruner;
use super::sieve::{Sieve, Verdict};
use crate::archive::{Plan, Segment};
use crate::columns::{Chunk, RowSet};
use crate::mirror::Snapshot;
use crate::query::{Searched, View};

/// Threads that one question may use.
const THREADS: usize = 4;
/// Fewer sealed groups than this are not worth a thread.
const WORTH_THREADS: usize = 3;

/// How long a question may go on reading.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    time: Option<Duration>,
    until: Option<Instant>,
}

impl Budget {
    pub(crate) fn of(time: Duration) -> Self {
        Self {
            time: Some(time),
            until: Instant::now().checked_add(time),
        }
    }

    /// As long as it takes.
    pub(crate) const fn unlimited() -> Self {
        Self {
            time: None,
            until: None,
        }
    }

    /// As much time again, for a second pass that would otherwise see nothing.
    pub(crate) fn anew(self) -> Self {
        self.time.map_or(self, Self::of)
    }

    pub(crate) fn is_over(self) -> bool {
        self.until.is_some_and(|until| Instant::now() >= until)
    }
}

/// A row group of a segment.
#[derive(Clone)]
pub(crate) struct GroupRef {
    pub(crate) segment: Arc<Segment>,
    pub(crate) group: usize,
}

impl GroupRef {
    /// Every group of a segment.
    pub(crate) fn all_of(segment: &Arc<Segment>) -> impl Iterator<Item = Self> + '_ {
        (0..segment.head.groups.len()).map(|group| Self {
            segment: Arc::clone(segment),
            group,
        })
    }

    pub(crate) fn rows(&self) -> u64 {
        let group = self.segment.head.groups.get(self.group);
        group.map_or(0, |group| u64::from(group.rows))
    }

    pub(crate) fn times(&self) -> (i64, i64) {
        let group = self.segment.head.groups.get(self.group);
        group.map_or((0, 0), crate::archive::Group::times)
    }

    pub(crate) fn spans(&self) -> &[(i64, i64)] {
        let group = self.segment.head.groups.get(self.group);
        group.map_or(&[], |group| &group.spans)
    }

    pub(crate) fn chunk(&self) -> Option<Chunk> {
        self.segment.chunk(self.group)
    }

    /// Whether it has a row of a time in the range (the end excluded).
    pub(crate) fn touches(&self, from: i64, to: i64) -> bool {
        self.spans()
            .iter()
            .any(|(first, last)| *first < to && from <= *last)
    }
}

/// The groups that can have rows of the view, newest first, and how many rows there are in the view's
/// time besides.
pub(crate) fn groups_of(snapshot: &Snapshot, view: &View) -> (Vec<GroupRef>, u64) {
    groups_by(snapshot, view, None)
}

/// [`groups_of`] where the view's plan is known.
pub(crate) fn groups_by(
    snapshot: &Snapshot,
    view: &View,
    plan: Option<&Plan>,
) -> (Vec<GroupRef>, u64) {
    let pruner = Pruner::of(view, snapshot, plan);
    let from = view.from.map_or(i64::MIN, |from| from.0);
    let (mut groups, mut passed) = (Vec::new(), 0);
    for segment in snapshot.segments.iter() {
        let mut wanted = None;
        for group in GroupRef::all_of(segment) {
            let inside = |(first, last): &(i64, i64)| {
                from <= *last && view.to.is_none_or(|to| *first < to.0)
            };
            if !group.spans().iter().any(inside) {
                continue;
            }
            let mask = *wanted.get_or_insert_with(|| pruner.groups(segment));
            if crate::archive::has_group(mask, group.group) {
                groups.push(group);
            } else {
                passed += group.rows();
            }
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.times().1));
    (groups, passed)
}

fn threads() -> usize {
    std::thread::available_parallelism()
        .map_or(1, NonZero::get)
        .min(THREADS)
}

/// Does something with each, on as many threads as pay off; in no particular order.
pub(crate) fn in_parallel<T: Sync, R: Send>(all: &[T], each: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = threads().min(all.len());
    if threads < 2 {
        return all.iter().map(each).collect();
    }
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        while let Some(of) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
            done.push(each(of));
        }
        done
    };
    on_threads(threads, work).into_iter().flatten().collect()
}

/// The same work on several threads, this one among them.
fn on_threads<R: Send>(threads: usize, work: impl Fn() -> R + Sync) -> Vec<R> {
    std::thread::scope(|scope| {
        let workers: Vec<_> = (1..threads).map(|_| scope.spawn(&work)).collect();
        let mut results = vec![work()];
        for worker in workers {
            match worker.join() {
                Ok(result) => results.push(result),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        results
    })
}

/// The newest rows of hot that the view shows: they are no columns yet, so no [`fold`] sees them.
pub(crate) fn newest_in<'s>(
    snapshot: &'s Snapshot,
    view: &'s View,
) -> impl Iterator<Item = &'s Event> {
    let sieve = Sieve::new(view);
    let newest = snapshot.newest.iter().map(AsRef::as_ref);
    newest.filter(move |event| sieve.judge(event) == Verdict::Visible)
}

/// What a question has looked at so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Coverage {
    /// Events that were looked at or are known to be of no interest.
    pub(crate) events: u64,
    /// Those that are left.
    pub(crate) left: u64,
    /// Everything that came after this was looked at.
    pub(crate) back_to: Option<i64>,
}

impl Coverage {
    /// What is told of it; nothing when nothing is left.
    pub(crate) fn told(self) -> Option<Searched> {
        (self.left > 0).then(|| Searched {
            events: self.events,
            of: self.events + self.left,
            back_to: Micros(self.back_to.unwrap_or(i64::MAX)),
        })
    }
}

/// Folds the visible rows of everything in the view into one value a thread. Hot is always looked at.
pub(crate) fn fold<A: Send>(
    snapshot: &Snapshot,
    view: &View,
    budget: Budget,
    new: impl Fn() -> A + Sync,
    take: impl Fn(&mut A, &Chunk, &RowSet) + Sync,
) -> (Vec<A>, Coverage) {
    let (groups, passed) = groups_of(snapshot, view);
    fold_groups(&snapshot.chunks, view, &groups, passed, budget, new, take)
}

/// [`fold`] over these groups and chunks of hot.
pub(crate) fn fold_groups<A: Send>(
    chunks: &[Arc<Chunk>],
    view: &View,
    groups: &[GroupRef],
    passed: u64,
    budget: Budget,
    new: impl Fn() -> A + Sync,
    take: impl Fn(&mut A, &Chunk, &RowSet) + Sync,
) -> (Vec<A>, Coverage) {
    let sieve = Sieve::new(view);
    let mut hot = new();
    for chunk in chunks {
        let visible = sieve.sift(chunk).visible;
        if !visible.is_empty() {
            take(&mut hot, chunk, &visible);
        }
    }
    let look = |of: &mut A, group: &GroupRef| {
        if let Some(chunk) = group.chunk() {
            let visible = sieve.sift(&chunk).visible;
            if !visible.is_empty() {
                take(of, &chunk, &visible);
            }
        }
    };
    let (mut all, coverage) = over(groups, passed, budget, new, look);
    all.push(hot);
    (all, coverage)
}

/// Looks at each group in its order, on as many threads as pay off, until the time is over.
pub(crate) fn over<A: Send>(
    groups: &[GroupRef],
    passed: u64,
    budget: Budget,
    new: impl Fn() -> A + Sync,
    look: impl Fn(&mut A, &GroupRef) + Sync,
) -> (Vec<A>, Coverage) {
    let next = AtomicUsize::new(0);
    let stopped = AtomicBool::new(false);
    let work = || {
        let mut of = new();
        let mut done: Vec<usize> = Vec::new();
        while !stopped.load(Ordering::Relaxed) {
            // Something is looked at however short the time is, or nobody would ever get on.
            if budget.is_over() && !done.is_empty() {
                stopped.store(true, Ordering::Relaxed);
                break;
            }
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(group) = groups.get(at) else { break };
            look(&mut of, group);
            done.push(at);
        }
        (of, done)
    };
    let few = groups.len() < WORTH_THREADS;
    let results: Vec<(A, Vec<usize>)> = on_threads(if few { 1 } else { threads() }, work);
    let mut looked = vec![false; groups.len()];
    for at in results.iter().flat_map(|(_, done)| done) {
        if let Some(looked) = looked.get_mut(*at) {
            *looked = true;
        }
    }
    let mut coverage = Coverage {
        events: passed,
        ..Coverage::default()
    };
    for (group, looked) in groups.iter().zip(looked) {
        if looked {
            coverage.events += group.rows();
        } else {
            coverage.left += group.rows();
            coverage.back_to = coverage.back_to.max(Some(group.times().1));
        }
    }
    (results.into_iter().map(|(of, _)| of).collect(), coverage)
}
