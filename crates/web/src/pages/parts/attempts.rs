//! Who tries to get in: by address and by tried name, and whether one of them ever got in.

use admintrail_store::{AttemptGroup, Attempts, AttemptsBy, Searched, View};

use crate::WebError;
use crate::pages::parts::search::shorter;
use crate::pages::scene::Scene;
use crate::pages::wording::link::term;
use crate::pages::wording::number::{counted, grouped};

/// Rows of each table.
const ROWS: usize = 5;
/// Among how many those are looked for that got in.
const LOOKED_AT: usize = 200;
/// How many values of the other kind are named.
const NAMED: usize = 3;
/// So many tries before a success are no typing mistake.
const ALARMING: u64 = 5;

/// Whether somebody ever got in.
#[derive(Debug, Clone)]
pub(crate) struct Success {
    /// `after 30 tries`; nothing if it was before them.
    pub(crate) after: Option<String>,
    /// More tries than anybody mistypes.
    pub(crate) alarming: bool,
    pub(crate) who: String,
    pub(crate) at: String,
    pub(crate) exact: String,
    /// The requests around the moment.
    pub(crate) href: String,
}

/// A value of the other kind.
#[derive(Debug, Clone)]
pub(crate) struct Other {
    pub(crate) text: String,
    pub(crate) href: String,
}

/// An address or a name.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) value: String,
    pub(crate) href: String,
    pub(crate) attempts: String,
    pub(crate) others: Vec<Other>,
    pub(crate) more: String,
    pub(crate) first: String,
    pub(crate) last: String,
    pub(crate) last_exact: String,
    pub(crate) success: Option<Success>,
}

/// One of the two tables.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    /// By address, else by name.
    pub(crate) by_ip: bool,
    pub(crate) lines: Vec<Line>,
    /// `and 12 more addresses`
    pub(crate) rest: Option<String>,
}

/// Both, if anybody tried.
#[derive(Debug, Clone)]
pub(crate) struct AttemptTables {
    pub(crate) tables: Vec<Table>,
    /// If not everything was looked at: how far.
    pub(crate) searched: Option<Searched>,
    /// Every one of them as a request.
    pub(crate) href: String,
}

impl AttemptTables {
    pub(crate) fn new(scene: &Scene, view: &View) -> Result<Option<Self>, WebError> {
        let (mut tables, mut searched) = (Vec::new(), None);
        for by in [AttemptsBy::Ip, AttemptsBy::Name] {
            let found = scene.app.trail.attempts(view, by, LOOKED_AT, NAMED)?;
            searched = shorter(searched, found.searched);
            if !found.rows.is_empty() {
                tables.push(table(scene, found, by));
            }
        }
        Ok((!tables.is_empty()).then(|| Self {
            tables,
            searched,
            href: scene.links.requests_with("is:unknown outcome:denied"),
        }))
    }
}

fn table(scene: &Scene, found: Attempts, by: AttemptsBy) -> Table {
    let by_ip = by == AttemptsBy::Ip;
    let mut rows = found.rows;
    // Whoever got in after many tries must not be missed for those who only tried more often.
    rows.sort_by_key(|row| !is_alarming(row));
    let rest = found.values.saturating_sub(ROWS as u64);
    let (one, many) = if by_ip {
        ("address", "addresses")
    } else {
        ("name", "names")
    };
    Table {
        by_ip,
        lines: rows
            .iter()
            .take(ROWS)
            .map(|row| line(scene, row, by_ip))
            .collect(),
        rest: (rest > 0).then(|| {
            let more = counted(rest, &format!("more {one}"), &format!("more {many}"));
            format!("and {more}")
        }),
    }
}

fn is_alarming(row: &AttemptGroup) -> bool {
    row.succeeded
        .as_ref()
        .is_some_and(|success| success.after >= ALARMING)
}

fn line(scene: &Scene, row: &AttemptGroup, by_ip: bool) -> Line {
    let (key, other_key) = if by_ip {
        ("ip", "attempted")
    } else {
        ("attempted", "ip")
    };
    let links = &scene.links;
    let word = term(key, &row.value);
    let tried = format!("{word} is:unknown outcome:denied");
    let other = |value: &String| Other {
        text: value.clone(),
        href: links.requests_with(&format!("{tried} {}", term(other_key, value))),
    };
    let more = row.others_total.saturating_sub(row.others.len() as u64);
    let success = row.succeeded.as_ref().map(|success| {
        let word = if by_ip {
            word.clone()
        } else {
            term("admin", &success.admin)
        };
        let around = |minutes: i64| {
            let at = success.at.0 + minutes * 60 * admintrail_event::Micros::SECOND;
            admintrail_event::Micros(at)
        };
        Success {
            after: (success.after > 0)
                .then(|| format!("after {}", counted(success.after, "try", "tries"))),
            alarming: success.after >= ALARMING,
            who: success.admin.clone(),
            at: scene.face.brief(success.at),
            exact: scene.face.exact(success.at),
            href: links.requests_between(&word, around(-15), around(15)),
        }
    });
    Line {
        value: row.value.clone(),
        href: links.requests_with(&tried),
        attempts: grouped(row.attempts),
        others: row.others.iter().map(other).collect(),
        more: if more == 0 {
            String::new()
        } else {
            format!("+{}", grouped(more))
        },
        first: scene.face.row(row.first),
        last: scene.face.ago(row.last),
        last_exact: scene.face.exact(row.last),
        success,
    }
}
