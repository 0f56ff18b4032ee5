//! One page of a view with its totals.
//!
//! The newest (or oldest) rows are looked for first: parts in the order of the best row that they can
//! have, until none of the rest can win. Only the rows of the page are made into events. Then the
//! counts, from summaries where they know and from rows where there is time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use admintrail_event::{Event, LogId, Micros, Seq};
use hashbrown::HashMap;

use super::sieve::{Sieve, Sifted, Verdict};
use super::sweep::{Budget, Coverage, GroupRef, groups_by, groups_of, in_parallel};
use super::tally::{Tally, by_plan, by_rows, is_within, look, newer_by_plan, plan_of};
use crate::archive::Plan;
use crate::columns::{Chunk, RowSet};
use crate::mirror::Snapshot;
use crate::query::{Cursor, Order, Page, PageRequest, Position, Relation, Since, Total, View};

/// Rows a page at most.
pub(crate) const MOST_ROWS: usize = 1_000;

/// Where a wanted row is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Place {
    position: Position,
    part: usize,
    row: usize,
}

/// Which end of the order is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Newest,
    Oldest,
}

pub(crate) fn page(
    snapshot: &Snapshot,
    view: &View,
    request: &PageRequest,
    budget: Budget,
) -> Page {
    let sieve = Sieve::new(view);
    let hot = Hot::of(snapshot, view, &sieve);
    let limit = request.limit.clamp(1, MOST_ROWS);
    let since = request.cursor.map(|cursor| cursor.0);
    let end = match (since, request.order) {
        (Some(Since::Before(_)), _) => End::Newest,
        (Some(Since::After(_)), _) => End::Oldest,
        (None, Order::Descending) if request.last => End::Oldest,
        (None, Order::Descending) => End::Newest,
        (None, Order::Ascending) if request.last => End::Newest,
        (None, Order::Ascending) => End::Oldest,
    };
    let plan = plan_of(snapshot, view);
    let mut search = Search {
        sieve: &sieve,
        hot: &hot,
        groups: Vec::new(),
        looked: (0, 0),
        best: Best::new(limit, end, since),
    };
    let frontier = search.run(snapshot, view, plan.as_deref(), budget);
    let mut places = search.places(frontier);
    let counts = Counts::of(snapshot, view, plan.as_deref(), &hot, budget);
    let total = counts.tally.visible;
    let newer_rows = match places.last() {
        // The newest of all.
        Some(_) if since.is_none() && end == End::Newest => counts.is_complete().then_some(0),
        Some(newest) => counts.newer(snapshot, view, plan.as_deref(), &hot, newest.position),
        // Nothing on that side: what is there lies on the other.
        None => match since {
            Some(Since::Before(_)) => Some(total),
            _ => Some(0),
        },
    };
    let shown = places.len() as u64;
    let older_rows = newer_rows.map(|newer| total.saturating_sub(newer + shown));
    let ends = (places.last().copied(), places.first().copied());
    let (newer_from, older_from) = match (ends, since) {
        ((Some(newest), Some(oldest)), _) => (Some(newest.position), Some(oldest.position)),
        (_, Some(Since::Before(at))) => (Some(just_before(at)), None),
        (_, Some(Since::After(at))) => (None, Some(just_after(at))),
        _ => (None, None),
    };
    if request.order == Order::Descending {
        places.reverse();
    }
    let events = search.events(&places);
    let full = places.len() == limit;
    // Where nobody counted, there may be more on the side that was not looked at.
    let more = |rows: Option<u64>, side: End| {
        let uncounted = if side == end {
            full || frontier.is_some()
        } else {
            // Before the first page there is nothing.
            since.is_some()
        };
        rows.map_or(uncounted, |rows| rows > 0)
    };
    let older = match frontier.filter(|_| end == End::Newest) {
        // What was not looked at lies before this.
        Some(frontier) if !full => Some(frontier),
        _ => older_from.filter(|_| more(older_rows, End::Oldest)),
    };
    let newer = match frontier.filter(|_| end == End::Oldest) {
        Some(frontier) if !full => Some(frontier),
        _ => newer_from.filter(|_| more(newer_rows, End::Newest)),
    };
    Page {
        events,
        newer: newer.map(|at| Cursor(Since::After(at))),
        older: older.map(|at| Cursor(Since::Before(at))),
        total: Total {
            value: total,
            relation: counts.relation(),
        },
        before: match request.order {
            Order::Descending => newer_rows,
            Order::Ascending => older_rows,
        },
        hidden: counts.tally.hidden,
        folded: counts.tally.folded,
        searched: counts.coverage.told().or_else(|| search.told(frontier)),
    }
}

/// How many events the view shows.
pub(crate) fn count(snapshot: &Snapshot, view: &View, budget: Budget) -> Total {
    let hot = Hot::of(snapshot, view, &Sieve::new(view));
    let plan = plan_of(snapshot, view);
    let counts = Counts::of(snapshot, view, plan.as_deref(), &hot, budget);
    Total {
        value: counts.tally.visible,
        relation: counts.relation(),
    }
}

/// A place that sorts right before this one, so that "after it" includes this one.
fn just_before(at: Position) -> Position {
    Position {
        seq: Seq(at.seq.0.saturating_sub(1)),
        ..at
    }
}

fn just_after(at: Position) -> Position {
    Position {
        seq: Seq(at.seq.0.saturating_add(1)),
        ..at
    }
}

/// The visible rows of hot.
struct Hot<'s> {
    chunks: Vec<(&'s Arc<Chunk>, Arc<Sifted>, u64)>,
    newest: Vec<&'s Arc<Event>>,
    tally: Tally,
}

impl<'s> Hot<'s> {
    fn of(snapshot: &'s Snapshot, view: &View, sieve: &Sieve<'_>) -> Self {
        let mut hot = Self {
            chunks: Vec::new(),
            newest: Vec::new(),
            tally: Tally::default(),
        };
        let remembered = snapshot.segments.first().map(|segment| {
            let shared = segment.shared();
            (shared, shared.key_of(view))
        });
        for chunk in &snapshot.chunks {
            let sift = || Arc::new(sieve.sift(chunk));
            let sifted = match remembered {
                Some((shared, key)) if view.spans(chunk.times) => {
                    shared.sifted(key, chunk.seqs(), sift)
                }
                _ => sift(),
            };
            let tally = Tally::of_sifted(&sifted);
            hot.tally.add(tally);
            if tally.visible > 0 {
                hot.chunks.push((chunk, sifted, tally.visible));
            }
        }
        for event in &snapshot.newest {
            if hot.tally.judge(sieve, event) == Verdict::Visible {
                hot.newest.push(event);
            }
        }
        hot
    }

    /// How many of them are newer than the position.
    fn newer(&self, position: Position) -> u64 {
        let chunks: u64 = self
            .chunks
            .iter()
            .map(|(chunk, sifted, count)| newer_rows(chunk, &sifted.visible, *count, position))
            .sum();
        let newest = self.newest.iter();
        chunks + newest.filter(|event| position_of(event) > position).count() as u64
    }
}

fn newer_rows(chunk: &Chunk, rows: &RowSet, count: u64, position: Position) -> u64 {
    if chunk.times.0 > position.time {
        count
    } else if chunk.times.1 < position.time {
        0
    } else {
        let newer = rows.iter().filter(|row| chunk.position(*row) > position);
        newer.count() as u64
    }
}

/// The counts of the whole view.
struct Counts {
    tally: Tally,
    coverage: Coverage,
}

impl Counts {
    fn of(
        snapshot: &Snapshot,
        view: &View,
        plan: Option<&Plan>,
        hot: &Hot<'_>,
        budget: Budget,
    ) -> Self {
        let (mut tally, coverage) = match plan {
            Some(plan) => (by_plan(snapshot, view, plan), Coverage::default()),
            None => by_rows(snapshot, view, budget),
        };
        tally.add(hot.tally);
        Self { tally, coverage }
    }

    const fn is_complete(&self) -> bool {
        self.coverage.left == 0
    }

    const fn relation(&self) -> Relation {
        if self.is_complete() {
            Relation::Equal
        } else {
            Relation::AtLeast
        }
    }

    /// How many events of the view are newer than a position, if that can be said in no time.
    fn newer(
        &self,
        snapshot: &Snapshot,
        view: &View,
        plan: Option<&Plan>,
        hot: &Hot<'_>,
        position: Position,
    ) -> Option<u64> {
        if !self.is_complete() {
            return None;
        }
        let sealed = match plan {
            Some(plan) => newer_by_plan(snapshot, view, plan, position),
            None => {
                let after = View {
                    from: Some(
                        view.from
                            .map_or(position.time, |from| from.max(position.time)),
                    ),
                    ..view.clone()
                };
                newer_by_rows(snapshot, &after, position)
            }
        };
        Some(sealed + hot.newer(position))
    }
}

/// The same from rows, where all groups were counted just now.
fn newer_by_rows(snapshot: &Snapshot, after: &View, position: Position) -> u64 {
    let later = View {
        from: Some(Micros(position.time.0.saturating_add(1))),
        ..after.clone()
    };
    let (tally, _) = by_rows(snapshot, &later, Budget::unlimited());
    let now = View {
        to: Some(Micros(position.time.0.saturating_add(1))),
        ..after.clone()
    };
    let sieve = Sieve::new(&now);
    let (groups, _) = groups_of(snapshot, &now);
    let equal = groups.iter().filter_map(GroupRef::chunk).map(|chunk| {
        let visible = sieve.sift(&chunk).visible;
        let newer = visible.iter().filter(|row| chunk.position(*row) > position);
        newer.count() as u64
    });
    tally.visible + equal.sum::<u64>()
}

/// The best rows so far.
struct Best {
    end: End,
    since: Option<Since>,
    limit: usize,
    newest: BinaryHeap<Reverse<Place>>,
    oldest: BinaryHeap<Place>,
}

impl Best {
    fn new(limit: usize, end: End, since: Option<Since>) -> Self {
        Self {
            end,
            since,
            limit,
            newest: BinaryHeap::new(),
            oldest: BinaryHeap::new(),
        }
    }

    fn offer(&mut self, place: Place) {
        let wanted = match self.since {
            None => true,
            Some(Since::Before(at)) => place.position < at,
            Some(Since::After(at)) => place.position > at,
        };
        if !wanted {
            return;
        }
        match self.end {
            End::Newest => {
                if self.newest.len() < self.limit {
                    self.newest.push(Reverse(place));
                } else if self.newest.peek().is_some_and(|least| place > least.0) {
                    self.newest.pop();
                    self.newest.push(Reverse(place));
                }
            }
            End::Oldest => {
                if self.oldest.len() < self.limit {
                    self.oldest.push(place);
                } else if self.oldest.peek().is_some_and(|last| place < *last) {
                    self.oldest.pop();
                    self.oldest.push(place);
                }
            }
        }
    }

    /// The best time that a span can have on the wanted side; `None` if it has none there.
    fn best_of(&self, (first, last): (i64, i64)) -> Option<i64> {
        let (first, last) = match self.since {
            None => (first, last),
            Some(Since::Before(at)) => (first, last.min(at.time.0)),
            Some(Since::After(at)) => (first.max(at.time.0), last),
        };
        (first <= last).then_some(match self.end {
            End::Newest => last,
            End::Oldest => first,
        })
    }

    /// Whether a row at this time could still win.
    fn may_win(&self, time: i64) -> bool {
        match self.end {
            End::Newest => {
                let least = self
                    .newest
                    .peek()
                    .filter(|_| self.newest.len() >= self.limit);
                least.is_none_or(|Reverse(least)| time >= least.position.time.0)
            }
            End::Oldest => {
                let last = self
                    .oldest
                    .peek()
                    .filter(|_| self.oldest.len() >= self.limit);
                last.is_none_or(|last| time <= last.position.time.0)
            }
        }
    }

    /// A number that is larger the more a time promises.
    fn promise(&self, time: i64) -> i64 {
        match self.end {
            End::Newest => time,
            End::Oldest => time.saturating_neg(),
        }
    }
}

/// The search for the rows of a page. Parts are numbered: the chunks of hot, its newest rows, then the
/// groups that were looked at.
struct Search<'s> {
    sieve: &'s Sieve<'s>,
    hot: &'s Hot<'s>,
    groups: Vec<GroupRef>,
    /// Sealed rows that were looked at or need not be, of all in the view's time.
    looked: (u64, u64),
    best: Best,
}

impl Search<'_> {
    fn newest_part(&self) -> usize {
        self.hot.chunks.len()
    }

    /// Looks until no other row can win, or the time is over: then the place from which on nothing was
    /// looked at.
    fn run(
        &mut self,
        snapshot: &Snapshot,
        view: &View,
        plan: Option<&Plan>,
        budget: Budget,
    ) -> Option<Position> {
        self.look_at_hot();
        let (groups, passed) = groups_by(snapshot, view, plan);
        let all: u64 = groups.iter().map(GroupRef::rows).sum();
        self.looked = (passed, passed + all);
        let mut units: Vec<(i64, usize)> = groups
            .iter()
            .enumerate()
            .flat_map(|(at, group)| {
                let best = &self.best;
                let spans = group.spans().iter();
                spans.filter_map(move |span| Some((best.promise(best.best_of(*span)?), at)))
            })
            .collect();
        units.sort_unstable_by(|a, b| b.cmp(a));
        let key = snapshot
            .segments
            .first()
            .map(|segment| segment.shared().key_of(view));
        let mut looked = vec![false; groups.len()];
        let mut read = 0;
        for (promise, at) in units {
            let time = self.best.promise(promise);
            if !self.best.may_win(time) {
                return None;
            }
            let (Some(group), Some(key), Some(looked)) = (groups.get(at), key, looked.get_mut(at))
            else {
                continue;
            };
            if std::mem::replace(looked, true) {
                continue;
            }
            self.looked.0 += group.rows();
            let part = self.newest_part() + 1 + self.groups.len();
            let known = group.segment.counted(key, group.group);
            if let Some(places) = known
                .filter(|_| is_within(group, view))
                .and_then(|known| known.places)
            {
                if !places.is_empty() {
                    offer_places(&mut self.best, group, &places, part);
                    self.groups.push(group.clone());
                }
                continue;
            }
            if budget.is_over() && read > 0 {
                self.looked.0 -= group.rows();
                return Some(self.frontier(time));
            }
            read += 1;
            if let Some((_, chunk, visible)) = look(group, self.sieve, view, key) {
                offer_all(&mut self.best, &chunk, &visible, part);
                self.groups.push(group.clone());
            }
        }
        None
    }

    /// Everything up to this place, seen from the wanted end, was looked at.
    fn frontier(&self, time: i64) -> Position {
        match self.best.end {
            End::Newest => Position {
                time: Micros(time.saturating_add(1)),
                log: LogId::default(),
                seq: Seq(0),
            },
            End::Oldest => Position {
                time: Micros(time.saturating_sub(1)),
                log: LogId([u8::MAX; 16]),
                seq: Seq(u64::MAX),
            },
        }
    }

    fn told(&self, frontier: Option<Position>) -> Option<crate::query::Searched> {
        frontier.map(|at| crate::query::Searched {
            events: self.looked.0,
            of: self.looked.1,
            back_to: at.time,
        })
    }

    fn look_at_hot(&mut self) {
        let newest_part = self.newest_part();
        for (row, event) in self.hot.newest.iter().enumerate() {
            self.best.offer(Place {
                position: position_of(event),
                part: newest_part,
                row,
            });
        }
        // The most promising first; once none of a chunk can win, none of the rest can.
        let mut chunks: Vec<(i64, usize)> = self
            .hot
            .chunks
            .iter()
            .enumerate()
            .filter_map(|(part, (chunk, _, _))| {
                let best = self.best.best_of((chunk.times.0.0, chunk.times.1.0))?;
                Some((self.best.promise(best), part))
            })
            .collect();
        chunks.sort_unstable_by(|a, b| b.cmp(a));
        for (promise, part) in chunks {
            if !self.best.may_win(self.best.promise(promise)) {
                break;
            }
            if let Some((chunk, sifted, _)) = self.hot.chunks.get(part) {
                offer_all(&mut self.best, chunk, &sifted.visible, part);
            }
        }
    }

    /// The rows that were found, oldest first; those beyond the frontier may not be the next ones.
    fn places(&mut self, frontier: Option<Position>) -> Vec<Place> {
        let newest = std::mem::take(&mut self.best.newest);
        let oldest = std::mem::take(&mut self.best.oldest);
        let all = newest.into_iter().map(|Reverse(place)| place).chain(oldest);
        let certain = |place: &Place| {
            frontier.is_none_or(|frontier| match self.best.end {
                End::Newest => place.position >= frontier,
                End::Oldest => place.position <= frontier,
            })
        };
        let mut places: Vec<Place> = all.filter(certain).collect();
        places.sort_unstable();
        places
    }

    /// The events of the places, in their order.
    fn events(&self, places: &[Place]) -> Vec<Event> {
        let first_group = self.newest_part() + 1;
        let mut rows: HashMap<usize, Vec<usize>> = HashMap::new();
        for place in places.iter().filter(|place| place.part >= first_group) {
            rows.entry(place.part - first_group)
                .or_default()
                .push(place.row);
        }
        let wanted: Vec<(usize, Vec<usize>)> = rows.into_iter().collect();
        let mut sealed: HashMap<(usize, usize), Event> = HashMap::new();
        let made = in_parallel(&wanted, |(at, rows)| {
            let mut rows = rows.clone();
            rows.sort_unstable();
            let group = self.groups.get(*at);
            let events = group.map(|group| group.segment.events(group.group, &rows));
            (*at, rows, events.unwrap_or_default())
        });
        for (at, rows, events) in made {
            let keys = rows.into_iter().map(|row| (at, row));
            sealed.extend(keys.zip(events));
        }
        places
            .iter()
            .filter_map(|place| match place.part.checked_sub(first_group) {
                Some(group) => sealed.remove(&(group, place.row)),
                None => match self.hot.chunks.get(place.part) {
                    Some((chunk, _, _)) => chunk.event(place.row),
                    None => self
                        .hot
                        .newest
                        .get(place.row)
                        .map(|event| Event::clone(event)),
                },
            })
            .collect()
    }
}

/// The same for rows that are remembered.
fn offer_places(best: &mut Best, group: &GroupRef, places: &[(i64, u64, u32)], part: usize) {
    let log = group.segment.log();
    for (time, seq, row) in places {
        best.offer(Place {
            position: Position {
                time: Micros(*time),
                log,
                seq: Seq(*seq),
            },
            part,
            row: *row as usize,
        });
    }
}

fn offer_all(best: &mut Best, chunk: &Chunk, rows: &RowSet, part: usize) {
    if rows.is_empty() {
        return;
    }
    for row in rows.iter() {
        best.offer(Place {
            position: chunk.position(row),
            part,
            row,
        });
    }
}

/// The place of an event in the total order.
pub(crate) fn position_of(event: &Event) -> Position {
    let (time, log, seq) = event.order();
    Position { time, log, seq }
}
