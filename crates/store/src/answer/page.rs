//! One page of a view with its totals.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use admintrail_event::{Event, Micros, Seq};

use super::sieve::{Sieve, Verdict};
use crate::columns::{Chunk, RowSet};
use crate::mirror::Snapshot;
use crate::query::{
    Cursor, Folded, Order, Page, PageRequest, Position, Relation, Since, Total, View,
};

/// Rows a page at most.
pub(crate) const MOST_ROWS: usize = 1_000;

/// Where a wanted row is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    position: Position,
    part: usize,
    row: usize,
}

/// The visible rows of the snapshot.
struct Found<'s> {
    chunks: Vec<(&'s Arc<Chunk>, RowSet, u64)>,
    newest: Vec<&'s Arc<Event>>,
    hidden: u64,
    folded: Folded,
}

pub(crate) fn page(snapshot: &Snapshot, view: &View, request: &PageRequest) -> Page {
    let found = Found::of(snapshot, &Sieve::new(view));
    let total = found.count();
    let limit = request.limit.clamp(1, MOST_ROWS);
    let since = request.cursor.map(|cursor| cursor.0);
    let take_newest = match (since, request.order) {
        (Some(Since::Before(_)), _) => true,
        (Some(Since::After(_)), _) => false,
        (None, Order::Descending) => !request.last,
        (None, Order::Ascending) => request.last,
    };
    let mut places = if take_newest {
        found.extreme(limit, since, |place| place)
    } else {
        found
            .extreme(limit, since, Reverse)
            .into_iter()
            .map(|Reverse(place)| place)
            .collect()
    };
    places.sort_unstable();
    let (newer_rows, older_rows) = match (places.first(), places.last()) {
        (Some(_), Some(newest)) => {
            let newer = found.count_newer(newest.position);
            (newer, total.saturating_sub(newer + places.len() as u64))
        }
        // Nothing on that side: what is there lies on the other.
        _ => match since {
            Some(Since::Before(_)) => (total, 0),
            _ => (0, total),
        },
    };
    let (newer_from, older_from) = match (places.last(), places.first(), since) {
        (Some(newest), Some(oldest), _) => (Some(newest.position), Some(oldest.position)),
        (_, _, Some(Since::Before(at))) => (Some(just_before(at)), None),
        (_, _, Some(Since::After(at))) => (None, Some(just_after(at))),
        _ => (None, None),
    };
    if request.order == Order::Descending {
        places.reverse();
    }
    let before = match request.order {
        Order::Descending => newer_rows,
        Order::Ascending => older_rows,
    };
    Page {
        events: places
            .iter()
            .filter_map(|place| found.event(place))
            .collect(),
        newer: newer_from
            .filter(|_| newer_rows > 0)
            .map(|at| Cursor(Since::After(at))),
        older: older_from
            .filter(|_| older_rows > 0)
            .map(|at| Cursor(Since::Before(at))),
        total: Total {
            value: total,
            relation: Relation::Equal,
        },
        before,
        hidden: found.hidden,
        folded: found.folded,
    }
}

/// How many events the view shows.
pub(crate) fn count(snapshot: &Snapshot, view: &View) -> u64 {
    Found::of(snapshot, &Sieve::new(view)).count()
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

impl<'s> Found<'s> {
    fn of(snapshot: &'s Snapshot, sieve: &Sieve<'_>) -> Self {
        let mut found = Self {
            chunks: Vec::new(),
            newest: Vec::new(),
            hidden: 0,
            folded: Folded::default(),
        };
        for chunk in &snapshot.chunks {
            let sifted = sieve.sift(chunk);
            found.hidden += sifted.hidden;
            found.folded.add(sifted.folded);
            let count = sifted.visible.count();
            if count > 0 {
                found.chunks.push((chunk, sifted.visible, count));
            }
        }
        for event in &snapshot.newest {
            match sieve.judge(event) {
                Verdict::Out => {}
                Verdict::Visible => found.newest.push(event),
                Verdict::Hidden => found.hidden += 1,
                Verdict::Refresh => found.folded.refreshes += 1,
                Verdict::Asset => found.folded.assets += 1,
            }
        }
        found
    }

    fn count(&self) -> u64 {
        self.chunks.iter().map(|(_, _, count)| count).sum::<u64>() + self.newest.len() as u64
    }

    /// How many visible rows are newer than the position.
    fn count_newer(&self, position: Position) -> u64 {
        let chunks: u64 = self
            .chunks
            .iter()
            .map(|(chunk, rows, count)| {
                if chunk.times.0 > position.time {
                    *count
                } else if chunk.times.1 < position.time {
                    0
                } else {
                    rows.iter()
                        .filter(|row| chunk.position(*row) > position)
                        .count() as u64
                }
            })
            .sum();
        let newest = self
            .newest
            .iter()
            .filter(|event| position_of(event) > position)
            .count();
        chunks + newest as u64
    }

    /// The `limit` largest places by `key`, on the wanted side.
    fn extreme<K: Ord + Copy>(
        &self,
        limit: usize,
        since: Option<Since>,
        key: impl Fn(Place) -> K,
    ) -> Vec<K> {
        let wanted = |position: Position| match since {
            None => true,
            Some(Since::Before(at)) => position < at,
            Some(Since::After(at)) => position > at,
        };
        let possible = |(first, last): (Micros, Micros)| match since {
            None => true,
            Some(Since::Before(at)) => first <= at.time,
            Some(Since::After(at)) => last >= at.time,
        };
        let mut heap: BinaryHeap<Reverse<K>> = BinaryHeap::with_capacity(limit + 1);
        let offer = |heap: &mut BinaryHeap<Reverse<K>>, place: Place| {
            if !wanted(place.position) {
                return;
            }
            let key = key(place);
            if heap.len() < limit {
                heap.push(Reverse(key));
            } else if heap.peek().is_some_and(|Reverse(least)| key > *least) {
                heap.pop();
                heap.push(Reverse(key));
            }
        };
        let newest_part = self.chunks.len();
        for (row, event) in self.newest.iter().enumerate() {
            let position = position_of(event);
            offer(
                &mut heap,
                Place {
                    position,
                    part: newest_part,
                    row,
                },
            );
        }
        // The most promising first; once none of a chunk can win, none of the rest can.
        let mut chunks: Vec<(K, usize)> = self
            .chunks
            .iter()
            .enumerate()
            .filter(|(_, (chunk, _, _))| possible(chunk.times))
            .map(|(part, (chunk, _, _))| {
                let edge = |time, end: u64| {
                    let position = Position {
                        time,
                        log: chunk.log,
                        seq: Seq(end),
                    };
                    key(Place {
                        position,
                        part,
                        row: 0,
                    })
                };
                (
                    edge(chunk.times.0, 0).max(edge(chunk.times.1, u64::MAX)),
                    part,
                )
            })
            .collect();
        chunks.sort_unstable_by(|a, b| b.cmp(a));
        for (best, part) in chunks {
            if heap.len() >= limit && heap.peek().is_some_and(|Reverse(least)| best <= *least) {
                break;
            }
            let Some((chunk, rows, _)) = self.chunks.get(part) else {
                continue;
            };
            for row in rows.iter() {
                offer(
                    &mut heap,
                    Place {
                        position: chunk.position(row),
                        part,
                        row,
                    },
                );
            }
        }
        heap.into_iter().map(|Reverse(key)| key).collect()
    }

    fn event(&self, place: &Place) -> Option<Event> {
        match self.chunks.get(place.part) {
            Some((chunk, _, _)) => chunk.event(place.row),
            None => self.newest.get(place.row).map(|event| Event::clone(event)),
        }
    }
}

/// The place of an event in the total order.
pub(crate) fn position_of(event: &Event) -> Position {
    let (time, log, seq) = event.order();
    Position { time, log, seq }
}
