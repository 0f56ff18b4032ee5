//! Who tries to get in, by address or by tried name, and whether one of them ever got in.

use std::borrow::Cow;

use admintrail_event::{Event, Ip, Kind, KnownBy, Micros, Outcome, SessionHash, folded};
use hashbrown::{HashMap, HashSet};

use super::facet::most;
use super::sieve::{Sieve, Verdict};
use super::values::{Values, value_of, values_of};
use crate::columns::{Chunk, Codes, RowSet};
use crate::mirror::Snapshot;
use crate::query::{AttemptGroup, Attempts, AttemptsBy, FacetField, Succeeded, View};

/// A request that somebody nobody knows was refused: a failed sign-in, a 401 or 403 without an
/// identity, a stranger sent to sign-in, a token that means nothing.
pub(super) fn is_attempt(event: &Event) -> bool {
    let draft = &event.draft;
    draft.kind == Kind::Request
        && draft.outcome == Outcome::Denied
        && (draft.admin.is_none() || draft.known_by == KnownBy::Attempt)
}

/// The same of the rows of a chunk.
pub(super) fn attempt_rows(chunk: &Chunk) -> RowSet {
    let is = |values: &[u8], wanted: u8| RowSet::of_values(values, |code| code == wanted);
    let mut named = chunk.admin().codes.present();
    named.and_not(&is(chunk.known_by().values(), KnownBy::Attempt.code()));
    let mut rows = is(chunk.outcome().values(), Outcome::Denied.code());
    rows.and(&is(chunk.kind().values(), Kind::Request.code()));
    rows.and_not(&named);
    rows
}

/// The rows of somebody who was let in.
fn success_rows(chunk: &Chunk) -> RowSet {
    let mut rows = RowSet::of_values(chunk.outcome().values(), |code| {
        code == Outcome::Success.code()
    });
    rows.and(&chunk.admin().codes.present());
    rows.and_not(&RowSet::of_values(chunk.known_by().values(), |code| {
        code == KnownBy::Attempt.code()
    }));
    rows
}

fn is_success(event: &Event) -> bool {
    let draft = &event.draft;
    draft.outcome == Outcome::Success && draft.admin.is_some() && draft.known_by != KnownBy::Attempt
}

type Value<'s> = Cow<'s, str>;

#[derive(Default)]
struct Counted<'s> {
    attempts: u64,
    sign_ins: u64,
    first: i64,
    last: i64,
    others: HashMap<Value<'s>, u64>,
    /// Where it was tried.
    panels: HashSet<Value<'s>>,
    /// When a name or token was tried.
    times: Vec<i64>,
}

impl<'s> Counted<'s> {
    fn count(
        &mut self,
        time: i64,
        sign_in: bool,
        other: Option<Value<'s>>,
        panel: Option<&'s str>,
    ) {
        if self.attempts == 0 {
            (self.first, self.last) = (time, time);
        }
        self.attempts += 1;
        self.sign_ins += u64::from(sign_in);
        self.first = self.first.min(time);
        self.last = self.last.max(time);
        if sign_in {
            // Who opens a page and is asked to sign in has tried nothing yet.
            self.times.push(time);
        }
        if let Some(other) = other {
            *self.others.entry(other).or_default() += 1;
        }
        if let Some(panel) = panel
            && !self.panels.contains(panel)
        {
            self.panels.insert(Cow::Borrowed(panel));
        }
    }
}

const fn fields(by: AttemptsBy) -> (FacetField, FacetField) {
    match by {
        AttemptsBy::Ip => (FacetField::Ip, FacetField::Attempted),
        AttemptsBy::Name => (FacetField::Attempted, FacetField::Ip),
    }
}

/// The `limit` values with the most attempts, each with at most `named` values of the other kind.
pub(crate) fn attempts(
    snapshot: &Snapshot,
    view: &View,
    by: AttemptsBy,
    limit: usize,
    named: usize,
) -> Attempts {
    let (field, other) = fields(by);
    let mut counts: HashMap<Value<'_>, Counted<'_>> = HashMap::new();
    let sieve = Sieve::new(view);
    for chunk in &snapshot.chunks {
        if sieve.is_outside(chunk.times) {
            continue;
        }
        let mut rows = attempt_rows(chunk);
        if by == AttemptsBy::Name {
            rows.and(&chunk.attempted().codes.present());
        }
        // Attempts are few: most chunks need no filter at all.
        if rows.is_empty() {
            continue;
        }
        rows.and(&sieve.sift(chunk).visible);
        count_chunk(chunk, field, other, &rows, &mut counts);
    }
    for event in &snapshot.newest {
        if is_attempt(event)
            && sieve.judge(event) == Verdict::Visible
            && let Some(value) = value_of(event, field)
        {
            let draft = &event.draft;
            let sign_in = draft.known_by == KnownBy::Attempt;
            counts.entry(value).or_default().count(
                draft.time.0,
                sign_in,
                value_of(event, other),
                Some(draft.panel.as_str()),
            );
        }
    }
    let values = counts.len() as u64;
    let all = counts
        .into_iter()
        .map(|(value, counted)| (Some(value), counted));
    let (rows, rest) = most(all.collect(), limit, |counted| counted.attempts);
    let succeeded = succeeded(snapshot, view, by, &rows);
    let row = |((value, counted), succeeded): ((Option<Value<'_>>, Counted<'_>), _)| {
        let others_total = counted.others.len() as u64;
        let others = counted.others.into_iter().map(|(text, n)| (Some(text), n));
        let (others, _) = most(others.collect(), named, |count| *count);
        AttemptGroup {
            value: value.unwrap_or_default().into_owned(),
            attempts: counted.attempts,
            sign_ins: counted.sign_ins,
            first: Micros(counted.first),
            last: Micros(counted.last),
            others: others
                .into_iter()
                .filter_map(|(text, _)| text.map(Cow::into_owned))
                .collect(),
            others_total,
            succeeded,
        }
    };
    Attempts {
        rows: rows.into_iter().zip(succeeded).map(row).collect(),
        values,
        other: rest,
    }
}

fn count_chunk<'s>(
    chunk: &'s Chunk,
    field: FacetField,
    other: FacetField,
    rows: &RowSet,
    counts: &mut HashMap<Value<'s>, Counted<'s>>,
) {
    if rows.is_empty() {
        return;
    }
    let Values { texts, codes } = values_of(chunk, field);
    let others = values_of(chunk, other);
    let times = chunk.time().values();
    for row in rows.iter() {
        let (Some(Some(value)), Some(time)) = (
            codes.get(row).and_then(|code| texts.get(*code)),
            times.get(row),
        ) else {
            continue;
        };
        let with = others.codes.get(row);
        let with = with.and_then(|code| others.texts.get(*code)?.clone());
        let sign_in = chunk.known_by().values().get(row) == Some(&KnownBy::Attempt.code());
        counts
            .entry(value.clone())
            .or_default()
            .count(*time, sign_in, with, chunk.panel().get(row));
    }
}

/// When somebody was let in, and who: the moment that a session or token was first used, or any
/// request where there is neither.
struct Success {
    at: i64,
    admin: String,
}

/// For each row the success that most attempts went before, on a panel where it was tried. Looked
/// for in everything on record, not in the view alone.
fn succeeded(
    snapshot: &Snapshot,
    view: &View,
    by: AttemptsBy,
    rows: &[(Option<Value<'_>>, Counted<'_>)],
) -> Vec<Option<Succeeded>> {
    let mut found: Vec<Vec<Success>> = rows.iter().map(|_| Vec::new()).collect();
    let field = match by {
        AttemptsBy::Ip => FacetField::Ip,
        AttemptsBy::Name => FacetField::Admin,
    };
    // A name may have been typed in other letters than the admin's id has.
    let key = |text: &str| match by {
        AttemptsBy::Ip => text.to_owned(),
        AttemptsBy::Name => folded(text).into_owned(),
    };
    let mut ranks: HashMap<String, Vec<usize>> = HashMap::new();
    for (rank, (value, _)) in rows.iter().enumerate() {
        ranks
            .entry(key(value.as_deref().unwrap_or_default()))
            .or_default()
            .push(rank);
    }
    let everything = View {
        panels: view.panels.clone(),
        ..View::default()
    };
    let sieve = Sieve::new(&everything);
    let mut sessions: HashSet<(usize, SessionHash)> = HashSet::new();
    let mut note = |rank: usize,
                    panel: &str,
                    session: Option<SessionHash>,
                    at: i64,
                    admin: &mut dyn FnMut() -> String| {
        let (Some((_, counted)), Some(found)) = (rows.get(rank), found.get_mut(rank)) else {
            return;
        };
        let is_new = session.is_none_or(|session| sessions.insert((rank, session)));
        if is_new && counted.panels.contains(panel) {
            found.push(Success { at, admin: admin() });
        }
    };
    for chunk in &snapshot.chunks {
        let (codes, of_code): (&Codes, Vec<Option<&Vec<usize>>>) = match by {
            AttemptsBy::Ip => {
                let ips = chunk.ip().values();
                let of = ips.map(|ip| ranks.get(&*Ip(ip).to_string()));
                (&chunk.ip().codes, of.collect())
            }
            AttemptsBy::Name => {
                let admins = chunk.admin().folded().iter().flatten();
                (
                    &chunk.admin().codes,
                    admins.map(|admin| ranks.get(admin)).collect(),
                )
            }
        };
        let listed: Vec<bool> = of_code.iter().map(Option::is_some).collect();
        let mut rows = codes.rows_of(&listed);
        // Of most chunks nobody who tried is in.
        if rows.is_empty() {
            continue;
        }
        rows.and(&success_rows(chunk));
        rows.and(&sieve.sift(chunk).visible);
        for row in rows.iter() {
            let ranks = codes.of(row).and_then(|code| *of_code.get(code)?);
            let (Some(ranks), Some(panel), Some(at)) =
                (ranks, chunk.panel().get(row), chunk.time().values().get(row))
            else {
                continue;
            };
            for rank in ranks {
                let session = chunk.session().get(row).map(SessionHash);
                let mut admin = || chunk.admin().get(row).unwrap_or_default().to_owned();
                note(*rank, panel, session, *at, &mut admin);
            }
        }
    }
    for event in &snapshot.newest {
        let draft = &event.draft;
        if is_success(event)
            && sieve.judge(event) == Verdict::Visible
            && let Some(value) = value_of(event, field)
            && let Some(ranks) = ranks.get(&key(&value))
        {
            for rank in ranks {
                let mut admin = || draft.admin.clone().unwrap_or_default();
                let panel = draft.panel.as_str();
                note(*rank, panel, draft.session, draft.time.0, &mut admin);
            }
        }
    }
    let each = found.into_iter().zip(rows);
    each.map(|(found, (_, counted))| telling(found, &counted.times))
        .collect()
}

/// The success with the most attempts right before it; of equals the latest.
fn telling(mut successes: Vec<Success>, attempts: &[i64]) -> Option<Succeeded> {
    let mut attempts = attempts.to_vec();
    attempts.sort_unstable();
    successes.sort_by_key(|success| success.at);
    let mut before = 0;
    let mut best: Option<(usize, Success)> = None;
    for success in successes {
        let until = attempts.partition_point(|at| *at <= success.at);
        let run = until - before;
        before = until;
        if best.as_ref().is_none_or(|(most, _)| run >= *most) {
            best = Some((run, success));
        }
    }
    best.map(|(run, success)| Succeeded {
        at: Micros(success.at),
        admin: success.admin,
        after: run as u64,
    })
}
