//! `/monitoring/integrity`: whether the record is what it was, and how one would know.

use std::sync::Arc;

use admintrail_capture::Declared;
use admintrail_event::Micros;
use admintrail_ledger::{Statement, StatementKind};
use admintrail_store::LedgerState;
use askama::Template;
use axum::response::{Html, IntoResponse, Response};

use crate::auth::{Capability, SecretShown};
use crate::health::Code;
use crate::integrity::{Running, Verdict, Verification};
use crate::pages::parts::anchors::{PlaceLine, former, places};
use crate::pages::parts::notice::{self, Notice};
use crate::pages::parts::refresh::RefreshMenu;
use crate::pages::parts::shell::{Place, Shell};
use crate::pages::scene::{Scene, off_thread};
use crate::pages::settings::Told;
use crate::pages::wording::link::INTEGRITY;
use crate::pages::wording::moment::Face;
use crate::pages::wording::number::{counted, grouped, took};
use crate::{App, WebError};

/// Seconds between two looks: while a verification goes on, and otherwise.
const RUNNING: u32 = 2;
const REFRESH: u32 = 10;
/// More statements than these are for `admintrail verify`.
const STATEMENTS: usize = 50;
/// A ledger that is behind by less is only a moment late (µs).
const LATE: i64 = 60 * Micros::SECOND;

/// The one sentence.
struct State {
    /// `ok`, `hint`, `warn` or `bad`.
    class: &'static str,
    icon: &'static str,
    word: &'static str,
    what: String,
    /// What that means, or what to do about it.
    more: String,
}

/// The last checkpoint.
struct Head {
    entries: String,
    covers: String,
    waiting: String,
    when: String,
    exact: String,
    root: String,
}

/// A verification that came to its end.
struct Last {
    when: String,
    exact: String,
    took: String,
    looked: String,
    by: String,
    /// Events that the ledger says nothing of.
    besides: Option<String>,
}

/// One that is under way.
struct Progress {
    done: u64,
    /// 0: not known yet.
    of: u64,
    said: String,
}

struct GapLine {
    recorder: String,
    run: u64,
    missing: String,
}

struct Said {
    /// Its place in the ledger, for links.
    place: u64,
    entry: String,
    kind: &'static str,
    sentence: String,
    when: String,
    exact: String,
}

struct Parts {
    notices: Vec<Notice>,
    zone: String,
    state: State,
    head: Option<Head>,
    origin: String,
    key: String,
    last: Option<Last>,
    progress: Option<Progress>,
    /// May ask for a verification.
    may_verify: bool,
    gaps: Vec<GapLine>,
    places: Vec<PlaceLine>,
    /// Whether one of them has a checkpoint.
    anchored: bool,
    /// If none has: who got one last.
    former: Option<String>,
    /// May add places and take them away.
    may_change: bool,
    /// Whether there is a mail server.
    mail: bool,
    statements: Vec<Said>,
    /// Older ones that are not shown.
    more_statements: Option<String>,
}

#[derive(Template)]
#[template(path = "pages/integrity.html")]
struct IntegrityPage {
    shell: Shell,
    refresh: u32,
    parts: Parts,
    told: Told,
    made: Option<SecretShown>,
    typed: String,
}

#[derive(Template)]
#[template(path = "parts/integrity.html")]
struct IntegrityParts {
    parts: Parts,
    // What a form said is between the parts, and stays.
    told: Told,
    made: Option<SecretShown>,
    typed: String,
}

/// `GET /monitoring/integrity`
pub(crate) async fn show(scene: Scene) -> Result<Response, WebError> {
    scene.viewer.require(Capability::Read)?;
    let app = Arc::clone(&scene.app);
    off_thread(&app, move || {
        let parts = draw(&scene)?;
        let html = if scene.fragment.is_some() {
            let (told, made, typed) = (Told::default(), None, String::new());
            IntegrityParts {
                parts,
                told,
                made,
                typed,
            }
            .render()
        } else {
            let off = RefreshMenu::new(&scene.viewer).seconds().is_none();
            let goes_on = parts.progress.is_some();
            let mut flash = scene.app.take_flash(&scene.viewer);
            let made = flash.as_mut().and_then(|flash| flash.new_receiver.take());
            let mut told = Told::new(flash);
            // The secret says it all.
            told.saved = told.saved.filter(|_| made.is_none());
            let mut shell = Shell::new(&scene.viewer, "Integrity", Place::Integrity);
            // Whoever pressed the button wants to see what comes of it.
            let says = made.is_some() || told.says_anything();
            shell.reload = (goes_on && !says).then(|| (RUNNING, INTEGRITY.to_owned()));
            IntegrityPage {
                shell,
                refresh: match (goes_on, off) {
                    (true, _) => RUNNING,
                    (false, true) => 0,
                    (false, false) => REFRESH,
                },
                parts,
                typed: told.or_typed("place", String::new()),
                told,
                made,
            }
            .render()
        };
        let mut response = Html(html.map_err(WebError::internal)?).into_response();
        response.extensions_mut().insert(Declared {
            action: Some("Viewed integrity".to_owned()),
            ..Declared::default()
        });
        Ok(response)
    })
    .await
}

fn draw(scene: &Scene) -> Result<Parts, WebError> {
    let (app, face) = (&scene.app, &scene.face);
    let ledger = app.trail.ledger();
    let unpublished = app.trail.unpublished();
    let (last, running) = (app.integrity.last(), app.integrity.running());
    let mut statements = app.trail.statements()?;
    statements.reverse();
    let places = places(scene);
    let kept = || places.iter().filter(|place| place.kept.is_some());
    let more = statements.len().saturating_sub(STATEMENTS) as u64;
    Ok(Parts {
        // The state below says what the ledger's own conditions say.
        notices: [
            notice::health_without_all(app, face, &[Code::LedgerTampered, Code::LedgerBehind]),
            notice::no_anchor(scene),
        ]
        .concat(),
        zone: face.zone_name(),
        state: state(app, &ledger, unpublished, last.as_ref(), face),
        head: head(&ledger, unpublished.map_or(0, |(events, _)| events), face),
        origin: ledger.origin,
        key: ledger.key,
        last: last.as_ref().map(|last| told(last, face)),
        progress: running.map(|running| progress(&running)),
        may_verify: scene.viewer.may(Capability::Audit),
        gaps: last.iter().flat_map(|last| &last.gaps).map(gap).collect(),
        anchored: kept().any(|place| place.aside.is_none()),
        former: former(app, face).filter(|_| kept().next().is_none()),
        places,
        may_change: scene.viewer.may(Capability::Manage),
        mail: app.anchor_places.rules.mail.is_some(),
        statements: statements
            .iter()
            .take(STATEMENTS)
            .map(|(entry, statement)| said(*entry, statement, face))
            .collect(),
        more_statements: (more > 0).then(|| counted(more, "older one", "older ones")),
    })
}

/// The worst that is known, in one sentence. No more than was looked at.
fn state(
    app: &App,
    ledger: &LedgerState,
    unpublished: Option<(u64, Micros)>,
    last: Option<&Verification>,
    face: &Face,
) -> State {
    if let Some(fault) = app.integrity.tampered() {
        return State {
            class: "bad",
            icon: "warning",
            word: "tampered",
            what: format!(
                "TAMPERED: the record is not as its ledger has it, from event {} on. Found {}.",
                grouped(fault.first_seq),
                face.brief(fault.since)
            ),
            more: format!(
                "It says: {}. Stop whoever may write to the data folder, keep a copy of it as it is, \
                 and run admintrail verify on that copy.",
                fault.says
            ),
        };
    }
    let events = unpublished.map_or(0, |(events, _)| events);
    let wait = |n| {
        let are = if n == 1 { "waits" } else { "wait" };
        format!("{} {are}", counted(n, "event", "events"))
    };
    if let Some((since, cause)) = &ledger.failing {
        return State {
            class: "warn",
            icon: "warning",
            word: "behind",
            what: format!(
                "Behind since {}: the ledger cannot be written, {} for it.",
                face.brief(*since),
                wait(events)
            ),
            more: format!(
                "It says: {cause}. Events are recorded all the same; it catches up by itself."
            ),
        };
    }
    if let Some((events, since)) = unpublished
        && face.now.0.saturating_sub(since.0) > LATE
    {
        return State {
            class: "warn",
            icon: "warning",
            word: "behind",
            what: format!(
                "Behind since {}: {} for the ledger.",
                face.brief(since),
                wait(events)
            ),
            more: "Events are recorded all the same; it catches up by itself.".to_owned(),
        };
    }
    let failed = app.integrity.failed().map(|at| {
        format!(
            "The verification of {} could not look; the log says why.",
            face.brief(at)
        )
    });
    match last {
        None => State {
            class: if failed.is_some() { "warn" } else { "hint" },
            icon: if failed.is_some() { "warning" } else { "clock" },
            word: "unknown",
            what: "Not verified yet.".to_owned(),
            more: failed.unwrap_or_else(|| {
                "The ledger is written; whether the record still is what it says has not been looked \
                 at. That happens by itself within minutes of a start, then daily."
                    .to_owned()
            }),
        },
        Some(last) => State {
            class: if failed.is_some() { "warn" } else { "ok" },
            icon: if failed.is_some() { "warning" } else { "shield" },
            word: "intact",
            what: format!(
                "Intact as of {}, when all of it was verified last.",
                face.brief(Micros(last.at))
            ),
            more: failed.unwrap_or_else(|| {
                "Every event was as it was recorded, none was missing without a statement, and the \
                 ledger was the one that was signed."
                    .to_owned()
            }),
        },
    }
}

fn head(ledger: &LedgerState, waiting: u64, face: &Face) -> Option<Head> {
    // Origin, size, root; then come the signatures.
    let root = ledger.checkpoint.lines().nth(2)?.to_owned();
    let covered = ledger.next_seq.0.saturating_sub(1);
    Some(Head {
        entries: counted(ledger.entries, "entry", "entries"),
        covers: match covered {
            0 => "no event yet".to_owned(),
            1 => "event 1".to_owned(),
            last => format!("events 1 to {}", grouped(last)),
        },
        waiting: match waiting {
            0 => "none".to_owned(),
            n => counted(n, "event", "events"),
        },
        when: ledger
            .published
            .map_or_else(|| "before this start".to_owned(), |at| face.ago(at)),
        exact: ledger
            .published
            .map_or_else(String::new, |at| face.exact(at)),
        root,
    })
}

fn told(last: &Verification, face: &Face) -> Last {
    let waiting = (last.waiting > 0).then(|| {
        format!(
            "the {} in no block yet, which is no fault",
            match last.waiting {
                1 => "newest event was".to_owned(),
                n => format!("newest {} events were", grouped(n)),
            }
        )
    });
    let outside = (last.outside > 0).then(|| {
        format!(
            "{} outside of the ledger, as a statement says",
            counted(last.outside, "event is", "events are")
        )
    });
    let besides: Vec<String> = [waiting, outside].into_iter().flatten().collect();
    Last {
        when: face.ago(Micros(last.at)),
        exact: face.exact(Micros(last.at)),
        took: took(last.took_us),
        looked: match &last.verdict {
            Verdict::Intact => counted(last.events, "event", "events"),
            Verdict::Tampered { .. } => format!(
                "{}, up to the first fault",
                counted(last.events, "event", "events")
            ),
        },
        by: last.by.clone().unwrap_or_else(|| "by itself".to_owned()),
        besides: (!besides.is_empty()).then(|| besides.join("; ")),
    }
}

fn progress(running: &Running) -> Progress {
    let by = running.by.as_deref();
    let by = by.map_or_else(|| "begun by itself".to_owned(), |by| format!("for {by}"));
    Progress {
        done: running.done.min(running.of),
        of: running.of,
        said: match running.of {
            0 => format!("Reading what is on record, {by}."),
            of => format!(
                "{} of {}, {by}.",
                grouped(running.done.min(of)),
                counted(of, "event", "events")
            ),
        },
    }
}

fn gap((recorder, run, missing): &(String, u64, u64)) -> GapLine {
    GapLine {
        recorder: recorder.clone(),
        run: *run,
        missing: counted(*missing, "number", "numbers"),
    }
}

fn said(entry: u64, statement: &Statement, face: &Face) -> Said {
    let said = statement.declared();
    let events = counted(said.events, "event", "events");
    let were = if said.events == 1 { "was" } else { "were" };
    let numbers = if said.first == said.last {
        format!("number {}", grouped(said.first.0))
    } else {
        format!(
            "among the numbers {} to {}",
            grouped(said.first.0),
            grouped(said.last.0)
        )
    };
    let of = said
        .panel
        .as_ref()
        .map_or_else(String::new, |panel| format!(" of {panel}"));
    let before = said.cutoff.map_or_else(String::new, |cutoff| {
        format!(", received before {},", face.row(cutoff))
    });
    let (kind, what) = match said.kind {
        StatementKind::Retention => (
            "retention",
            format!(
                "{events}{of}{before} {were} deleted because they had been kept long enough, {numbers}"
            ),
        ),
        StatementKind::Erasure => (
            "erasure",
            format!(
                "A person was erased from {events}{of}, {numbers}; they now read {}",
                said.subject.as_deref().unwrap_or("a pseudonym")
            ),
        ),
        StatementKind::Loss => (
            "loss",
            format!("{events} {were} lost, or recorded outside of the ledger, {numbers}"),
        ),
    };
    let approved = said
        .approved_by
        .as_ref()
        .map_or_else(String::new, |by| format!(", approved by {by}"));
    Said {
        place: entry,
        entry: grouped(entry),
        kind,
        sentence: format!("{what}. Decided by {}{approved}.", said.by),
        when: face.brief(said.at),
        exact: face.exact(said.at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use admintrail_event::Seq;
    use admintrail_ledger::Declaration;
    use jiff::tz::TimeZone;

    #[test]
    fn statements_are_told_in_words() {
        let now = Micros::parse_rfc3339("2026-11-22T14:00:00Z").unwrap();
        let face = Face {
            zone: TimeZone::UTC,
            now,
        };
        let declared = |kind, last, events| Declaration {
            kind,
            at: now,
            first: Seq(1),
            last: Seq(last),
            events,
            cutoff: None,
            panel: None,
            subject: None,
            by: "marek".to_owned(),
            approved_by: None,
            reason: None,
            after: None,
        };
        let cutoff = Micros::parse_rfc3339("2026-11-01T00:00:00Z");
        let retention = Declaration {
            cutoff,
            panel: Some("billing".to_owned()),
            ..declared(StatementKind::Retention, 2_000, 1_204)
        };
        let erasure = Declaration {
            subject: Some("erased-7f3a".to_owned()),
            approved_by: Some("olena".to_owned()),
            ..declared(StatementKind::Erasure, 2_000, 12)
        };
        let loss = declared(StatementKind::Loss, 1, 1);
        let told: Vec<String> = [retention, erasure, loss]
            .into_iter()
            .map(|declared| {
                let said = said(7, &Statement::new(declared).unwrap(), &face);
                format!("{}: {}", said.kind, said.sentence)
            })
            .collect();
        assert_eq!(
            told,
            [
                "retention: 1,204 events of billing, received before 1 Nov 00:00:00, were deleted \
                 because they had been kept long enough, among the numbers 1 to 2,000. Decided by \
                 marek.",
                "erasure: A person was erased from 12 events, among the numbers 1 to 2,000; they now \
                 read erased-7f3a. Decided by marek, approved by olena.",
                "loss: 1 event was lost, or recorded outside of the ledger, number 1. Decided by \
                 marek.",
            ]
        );
    }
}
