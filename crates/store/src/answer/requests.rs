//! The requests of a view, counted by what was asked for: each kind comes once a chunk, through the
//! dictionaries, so that nobody reads a path half a million times.

use admintrail_event::{Counted, Event, Kind, Micros};
use arrow_array::Array;
use hashbrown::HashMap;
use parking_lot::Mutex;

use super::attempts::{attempt_rows, is_attempt};
use super::sweep::{Budget, fold, newest_in};
use crate::columns::{Chunk, RowSet, TextColumn};
use crate::mirror::Snapshot;
use crate::query::View;

/// What the panel answers for a route that it does not have.
const UNKNOWN: [u16; 2] = [404, 405];

/// Method, path, query, route: codes in the dictionaries of a chunk, 0 for none.
type Codes = [u32; 4];

/// Calls `each` with every kind of request; the same kind may come several times.
pub(crate) fn requests(
    snapshot: &Snapshot,
    view: &View,
    queries: bool,
    each: impl FnMut(&Counted<'_>) + Send,
    budget: Budget,
) {
    let each = Mutex::new(each);
    let take = |(): &mut (), chunk: &Chunk, visible: &RowSet| {
        let mut rows = visible.clone();
        rows.and(&RowSet::of_values(chunk.kind().values(), |code| {
            code == Kind::Request.code()
        }));
        if !rows.is_empty() {
            count_chunk(chunk, &rows, queries, &mut |counted: &Counted<'_>| {
                (each.lock())(counted);
            });
        }
    };
    let _ = fold(snapshot, view, budget, || (), take);
    for event in newest_in(snapshot, view) {
        if event.draft.kind == Kind::Request {
            (each.lock())(&of_event(event, queries));
        }
    }
}

fn count_chunk(chunk: &Chunk, rows: &RowSet, queries: bool, each: &mut impl FnMut(&Counted<'_>)) {
    let code = |column: &TextColumn, row: usize| {
        let code = column
            .codes
            .of(row)
            .and_then(|code| u32::try_from(code).ok());
        code.map_or(0, |code| code + 1)
    };
    let mut refused = vec![false; chunk.rows];
    for row in attempt_rows(chunk).iter() {
        if let Some(refused) = refused.get_mut(row) {
            *refused = true;
        }
    }
    let mut kinds: HashMap<(Codes, bool, bool), (u64, i64)> = HashMap::new();
    for row in rows.iter() {
        let codes = [
            code(chunk.method(), row),
            code(chunk.path(), row),
            if queries { code(chunk.query(), row) } else { 0 },
            code(chunk.route(), row),
        ];
        let unknown = chunk.status().is_valid(row) && UNKNOWN.contains(&chunk.status().value(row));
        let refused = unknown || refused.get(row).copied().unwrap_or(false);
        let asset = row < chunk.asset().len() && chunk.asset().value(row);
        let time = chunk.time().values().get(row).copied().unwrap_or(i64::MIN);
        let (count, last) = kinds
            .entry((codes, asset, refused))
            .or_insert((0, i64::MIN));
        *count += 1;
        *last = time.max(*last);
    }
    for (([method, path, query, route], asset, refused), (count, last)) in kinds {
        each(&Counted {
            method: value(chunk.method(), method).unwrap_or_default(),
            path: value(chunk.path(), path).unwrap_or_default(),
            query: value(chunk.query(), query),
            route: value(chunk.route(), route),
            asset,
            refused,
            count,
            last: Micros(last),
        });
    }
}

fn value(column: &TextColumn, code: u32) -> Option<&str> {
    column.value(usize::try_from(code).ok()?.checked_sub(1)?)
}

fn of_event(event: &Event, queries: bool) -> Counted<'_> {
    let draft = &event.draft;
    Counted {
        method: &draft.method,
        path: &draft.path,
        query: draft.query.as_deref().filter(|_| queries),
        route: draft.route.as_deref(),
        asset: draft.asset,
        refused: is_attempt(event) || draft.status.is_some_and(|status| UNKNOWN.contains(&status)),
        count: 1,
        last: draft.time,
    }
}
