//! Who tries to get in, by address or by tried name, and whether one of them ever got in.

use admintrail_event::{Event, Ip, Kind, KnownBy, Micros, Outcome, SessionHash, folded};
use hashbrown::{HashMap, HashSet};

use super::facet::most;
use super::sweep::{Budget, GroupRef, fold, fold_groups, groups_of, newest_in};
use super::values::{Values, value_of, values_of};
use crate::archive::{counted_place, has_group};
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

#[derive(Default)]
struct Counted {
    attempts: u64,
    sign_ins: u64,
    first: i64,
    last: i64,
    others: HashMap<String, u64>,
    /// Where it was tried.
    panels: HashSet<String>,
    /// When a name or token was tried.
    times: Vec<i64>,
}

impl Counted {
    fn count(&mut self, time: i64, sign_in: bool, other: Option<&str>, panel: Option<&str>) {
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
            *self.others.entry_ref(other).or_default() += 1;
        }
        if let Some(panel) = panel
            && !self.panels.contains(panel)
        {
            self.panels.insert(panel.to_owned());
        }
    }

    /// Takes in what was counted elsewhere.
    fn join(&mut self, other: Self) {
        if self.attempts == 0 {
            *self = other;
            return;
        }
        self.attempts += other.attempts;
        self.sign_ins += other.sign_ins;
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        for (value, count) in other.others {
            *self.others.entry(value).or_default() += count;
        }
        self.panels.extend(other.panels);
        self.times.extend(other.times);
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
    budget: Budget,
) -> Attempts {
    let (field, other) = fields(by);
    let take = |counts: &mut HashMap<String, Counted>, chunk: &Chunk, visible: &RowSet| {
        let mut rows = attempt_rows(chunk);
        if by == AttemptsBy::Name {
            rows.and(&chunk.attempted().codes.present());
        }
        rows.and(visible);
        count_chunk(chunk, field, other, &rows, counts);
    };
    let (found, coverage) = fold(snapshot, view, budget, HashMap::new, take);
    let mut counts: HashMap<String, Counted> = HashMap::new();
    for (value, counted) in found.into_iter().flatten() {
        counts.entry(value).or_default().join(counted);
    }
    for event in newest_in(snapshot, view) {
        if is_attempt(event)
            && let Some(value) = value_of(event, field)
        {
            let draft = &event.draft;
            let sign_in = draft.known_by == KnownBy::Attempt;
            counts.entry_ref(&*value).or_default().count(
                draft.time.0,
                sign_in,
                value_of(event, other).as_deref(),
                Some(draft.panel.as_str()),
            );
        }
    }
    let values = counts.len() as u64;
    let all = counts
        .into_iter()
        .map(|(value, counted)| (Some(value), counted));
    let (rows, rest) = most(all.collect(), limit, |counted| counted.attempts);
    let succeeded = succeeded(snapshot, view, by, &rows, budget.anew());
    let row = |((value, counted), succeeded): ((Option<String>, Counted), _)| {
        let others_total = counted.others.len() as u64;
        let others = counted.others.into_iter().map(|(text, n)| (Some(text), n));
        let (others, _) = most(others.collect(), named, |count| *count);
        AttemptGroup {
            value: value.unwrap_or_default(),
            attempts: counted.attempts,
            sign_ins: counted.sign_ins,
            first: Micros(counted.first),
            last: Micros(counted.last),
            others: others.into_iter().filter_map(|(text, _)| text).collect(),
            others_total,
            succeeded,
        }
    };
    Attempts {
        rows: rows.into_iter().zip(succeeded).map(row).collect(),
        values,
        other: rest,
        searched: coverage.told(),
    }
}

fn count_chunk(
    chunk: &Chunk,
    field: FacetField,
    other: FacetField,
    rows: &RowSet,
    counts: &mut HashMap<String, Counted>,
) {
    // Attempts are few: most chunks have none.
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
        let with = with.and_then(|code| others.texts.get(*code)?.as_deref());
        let sign_in = chunk.known_by().values().get(row) == Some(&KnownBy::Attempt.code());
        counts
            .entry_ref(&**value)
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

/// Somebody was let in, as a row tells it.
struct Entered {
    rank: usize,
    panel: String,
    session: Option<SessionHash>,
    success: Success,
}

/// For each row the success that most attempts went before, on a panel where it was tried. Looked
/// for in everything on record, not in the view alone.
fn succeeded(
    snapshot: &Snapshot,
    view: &View,
    by: AttemptsBy,
    rows: &[(Option<String>, Counted)],
    budget: Budget,
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
    if ranks.is_empty() {
        return Vec::new();
    }
    let everything = View {
        panels: view.panels.clone(),
        ..View::default()
    };
    let take = |entered: &mut Vec<Entered>, chunk: &Chunk, visible: &RowSet| {
        entered.extend(entered_in(chunk, visible, by, &ranks));
    };
    // Addresses that tried are in few groups, and those alone are read.
    let (groups, passed) = groups_of(snapshot, &everything);
    let groups: Vec<GroupRef> = groups
        .into_iter()
        .filter(|group| by == AttemptsBy::Name || has_address(group, &ranks))
        .collect();
    let (all, _) = fold_groups(
        &snapshot.chunks,
        &everything,
        &groups,
        passed,
        budget,
        Vec::new,
        take,
    );
    let mut all: Vec<Entered> = all.into_iter().flatten().collect();
    for event in newest_in(snapshot, &everything) {
        let draft = &event.draft;
        if is_success(event)
            && let Some(value) = value_of(event, field)
            && let Some(ranks) = ranks.get(&key(&value))
        {
            all.extend(ranks.iter().map(|rank| Entered {
                rank: *rank,
                panel: draft.panel.as_str().to_owned(),
                session: draft.session,
                success: Success {
                    at: draft.time.0,
                    admin: draft.admin.clone().unwrap_or_default(),
                },
            }));
        }
    }
    // A session counts once, when it was first used.
    all.sort_by_key(|entered| entered.success.at);
    let mut sessions: HashSet<(usize, SessionHash)> = HashSet::new();
    for entered in all {
        let (Some((_, counted)), Some(found)) =
            (rows.get(entered.rank), found.get_mut(entered.rank))
        else {
            continue;
        };
        let is_new = entered
            .session
            .is_none_or(|session| sessions.insert((entered.rank, session)));
        if is_new && counted.panels.contains(&entered.panel) {
            found.push(entered.success);
        }
    }
    let each = found.into_iter().zip(rows);
    each.map(|(found, (_, counted))| telling(found, &counted.times))
        .collect()
}

/// Whether a group may have a row of one of these addresses.
fn has_address(group: &GroupRef, ranks: &HashMap<String, Vec<usize>>) -> bool {
    let Some(place) = counted_place(FacetField::Ip) else {
        return true;
    };
    let Some(values) = group.segment.values(place) else {
        return false;
    };
    let counted = values.as_ref().as_ref();
    counted.is_none_or(|counts| {
        let groups = counts.groups_of(|text| ranks.contains_key(text));
        has_group(groups, group.group)
    })
}

/// Who was let in, of those asked for.
fn entered_in(
    chunk: &Chunk,
    visible: &RowSet,
    by: AttemptsBy,
    ranks: &HashMap<String, Vec<usize>>,
) -> Vec<Entered> {
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
        return Vec::new();
    }
    rows.and(&success_rows(chunk));
    rows.and(visible);
    let mut all = Vec::new();
    let mut sessions: HashSet<(usize, [u8; 16])> = HashSet::new();
    for row in rows.iter() {
        let ranks = codes.of(row).and_then(|code| *of_code.get(code)?);
        let (Some(ranks), Some(panel), Some(at)) = (
            ranks,
            chunk.panel().get(row),
            chunk.time().values().get(row),
        ) else {
            continue;
        };
        let session = chunk.session().get(row);
        for rank in ranks {
            // Rows are nearly in the order of time: the first of a session is as good as its earliest.
            if session.is_none_or(|session| sessions.insert((*rank, session))) {
                all.push(Entered {
                    rank: *rank,
                    panel: panel.to_owned(),
                    session: session.map(SessionHash),
                    success: Success {
                        at: *at,
                        admin: chunk.admin().get(row).unwrap_or_default().to_owned(),
                    },
                });
            }
        }
    }
    all
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
