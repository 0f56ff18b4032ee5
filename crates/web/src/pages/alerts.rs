//! `/monitoring/alerts`: what is wrong with the recording, what was, and who else is told.

use std::sync::Arc;

use admintrail_capture::Declared;
use admintrail_event::Micros;
use admintrail_store::TrailState;
use askama::Template;
use axum::response::{Html, IntoResponse, Response};

use crate::WebError;
use crate::auth::Capability;
use crate::health::{ClockState, Code, Condition, Fault, Resolved, Severity, Stopped, Way, Words};
use crate::pages::parts::notice::{self, Notice};
use crate::pages::parts::refresh::RefreshMenu;
use crate::pages::parts::shell::{Place, Shell};
use crate::pages::scene::{Scene, off_thread};
use crate::pages::wording::link::{REQUESTS, address};
use crate::pages::wording::moment::Face;
use crate::pages::wording::number::{counted, lasted};
use crate::{App, ViewQuery};

/// Seconds between two looks.
const REFRESH: u32 = 15;

/// A condition that holds.
struct Open {
    code: &'static str,
    critical: bool,
    words: Words,
    since: String,
    exact: String,
    /// Where the events are that it is about.
    events: Option<String>,
}

/// One that is over.
struct Over {
    critical: bool,
    title: String,
    said: String,
    since: String,
    exact: String,
    lasted: String,
}

/// A way out of the house.
struct WayOut {
    name: &'static str,
    target: String,
    works: bool,
    state: String,
}

struct Parts {
    /// What no condition says: requests that wait for their gap, ways around.
    notices: Vec<Notice>,
    count: String,
    /// What is known to be well, where nothing is wrong.
    well: String,
    open: Vec<Open>,
    over: Vec<Over>,
    ways: Vec<WayOut>,
    zone: String,
}

#[derive(Template)]
#[template(path = "pages/alerts.html")]
struct AlertsPage {
    shell: Shell,
    refresh: u32,
    parts: Parts,
}

#[derive(Template)]
#[template(path = "parts/alerts.html")]
struct AlertsParts {
    parts: Parts,
}

/// `GET /monitoring/alerts`
pub(crate) async fn show(scene: Scene) -> Result<Response, WebError> {
    scene.viewer.require(Capability::Read)?;
    let app = Arc::clone(&scene.app);
    off_thread(&app, move || {
        let parts = draw(&scene);
        let html = if scene.fragment.is_some() {
            AlertsParts { parts }.render()
        } else {
            let off = RefreshMenu::new(&scene.viewer).seconds().is_none();
            AlertsPage {
                shell: Shell::new(&scene.viewer, "Alerts", Place::Alerts),
                refresh: if off { 0 } else { REFRESH },
                parts,
            }
            .render()
        };
        let mut response = Html(html.map_err(WebError::internal)?).into_response();
        response.extensions_mut().insert(Declared {
            action: Some("Viewed alerts".to_owned()),
            ..Declared::default()
        });
        Ok(response)
    })
    .await
}

fn draw(scene: &Scene) -> Parts {
    let (app, face) = (&scene.app, &scene.face);
    let open: Vec<Open> = conditions(app).iter().map(|one| open(one, face)).collect();
    let resolved = app.health.resolved();
    Parts {
        notices: notice::ways_around(app),
        count: match open.len() {
            0 => "nothing is wrong".to_owned(),
            n => format!("{} open", counted(n as u64, "alert", "alerts")),
        },
        well: well(app),
        open,
        over: resolved.iter().map(|one| over(one, face)).collect(),
        ways: app.health.ways().iter().map(|way| out(way, face)).collect(),
        zone: face.zone_name(),
    }
}

/// No more than was looked at.
fn well(app: &App) -> String {
    let Some(facts) = app.health.facts() else {
        return "Recording works; the first look at the rest is under way.".to_owned();
    };
    let synchronised = facts.clock == ClockState::Synchronised;
    let seen: Vec<&str> = [
        (facts.disk.is_some(), "disk"),
        (facts.hot.is_some(), "archive"),
        (synchronised, "clock"),
    ]
    .into_iter()
    .filter_map(|(seen, name)| seen.then_some(name))
    .collect();
    let rest = match seen.as_slice() {
        [] => ".".to_owned(),
        [one] => format!("; the {one} is as it should be."),
        [first @ .., last] => format!("; {} and {last} are as they should be.", first.join(", ")),
    };
    let clock = match facts.clock {
        ClockState::Unknown => " Whether the clock is kept right cannot be told from here.",
        _ => "",
    };
    format!("Recording works{rest}{clock}")
}

/// Those of the last look; that recording stopped, or works again, as it is now.
fn conditions(app: &App) -> Vec<Condition> {
    let mut open = app.health.open();
    let Some(stopped) = app.stopped() else {
        return open;
    };
    if open
        .iter()
        .all(|one| one.fault.code() != Code::RecordingStopped)
    {
        open.insert(0, Condition::stopped(stopped));
    }
    open
}

impl App {
    /// Why nothing can be recorded this moment.
    pub(crate) fn stopped(&self) -> Option<Stopped> {
        self.stopped_in(&self.trail.state())
    }

    /// [`Self::stopped`], of a state that was asked for already.
    pub(crate) fn stopped_in(&self, trail: &TrailState) -> Option<Stopped> {
        let failing = [self.recorder_state().failing, trail.failing.clone()];
        let earliest = failing
            .into_iter()
            .flatten()
            .min_by_key(|(since, _)| *since);
        earliest.map(|(since, cause)| Stopped { since, cause })
    }
}

fn open(condition: &Condition, face: &Face) -> Open {
    let Condition { fault, since, .. } = condition;
    Open {
        code: fault.code().word(),
        critical: fault.code().severity() == Severity::Critical,
        words: Words::of(fault, *since, &|at| face.brief(at)),
        since: face.ago(*since),
        exact: face.exact(*since),
        events: events(fault, *since, face),
    }
}

/// The events that a condition is about.
fn events(fault: &Fault, since: Micros, face: &Face) -> Option<String> {
    let words = match fault {
        Fault::Gap { panel, .. } => format!("kind:gap panel:{panel}"),
        _ => return None,
    };
    let query = ViewQuery {
        q: words,
        // The list goes by minutes.
        from: Some(face.input(Micros(since.0.saturating_sub(60 * Micros::SECOND)))),
        ..ViewQuery::default()
    };
    Some(address(REQUESTS, &query))
}

fn over(one: &Resolved, face: &Face) -> Over {
    let brief = |at| face.brief(at);
    let us = u64::try_from(one.until.0.saturating_sub(one.since.0)).unwrap_or(0);
    Over {
        critical: one.fault.code().severity() == Severity::Critical,
        title: Words::of(&one.fault, one.since, &brief).title,
        said: Words::over(&one.fault, one.since, &brief),
        since: face.brief(one.since),
        exact: face.exact(one.since),
        lasted: lasted(us),
    }
}

fn out(way: &Way, face: &Face) -> WayOut {
    let delivered = way
        .delivered
        .map(|at| format!("last delivered {}", face.brief(at)));
    WayOut {
        name: way.name,
        target: way.target.clone(),
        works: way.failing.is_none(),
        state: match &way.failing {
            Some((since, cause)) => {
                format!("nothing delivered since {}: {cause}", face.brief(*since))
            }
            None => delivered.unwrap_or_else(|| "nothing to deliver yet".to_owned()),
        },
    }
}
