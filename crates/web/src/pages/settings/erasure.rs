//! `/settings/erasure`: taking a person out of the record, and who asked for it.

use std::sync::Arc;

use admintrail_capture::Declared;
use admintrail_event::{Outcome, fold};
use admintrail_store::control::{ErasureState, StoredErasure};
use admintrail_store::{FacetField, View};
use askama::Template;
use axum::response::{Html, IntoResponse, Response};

use crate::auth::Capability;
use crate::erasing::{Approval, By, Found, Rules, find, is_pseudonym};
use crate::form::Form;
use crate::health::Code;
use crate::pages::parts::notice;
use crate::pages::parts::shell::{Place, Shell};
use crate::pages::scene::{Scene, off_thread};
use crate::pages::settings::Told;
use crate::pages::wording::link::{ERASURE, INTEGRITY};
use crate::pages::wording::moment::Face;
use crate::pages::wording::number::{counted, grouped};
use crate::settings::erasure::told;
use crate::{App, WebError};

/// Seconds between two looks while one is under way.
const RUNNING: u32 = 2;
/// Most ids that are suggested.
const SUGGESTED: usize = 200;

/// A person is found; asked is whether it is meant.
struct Sure {
    admin: String,
    reason: String,
    /// `1,204 events`; `None`: no event, only what else is known.
    events: Option<String>,
    panels: String,
    first: String,
    last: String,
    /// Another owner has to agree.
    waits: bool,
}

/// How far one is.
struct Progress {
    done: u64,
    /// 0: not known yet.
    of: u64,
    said: String,
}

/// A request.
struct Line {
    id: i64,
    state: ErasureState,
    /// `waiting`, as badges have it.
    word: &'static str,
    class: &'static str,
    /// The person as long as it is not erased, then the pseudonym.
    who: String,
    pseudonym: String,
    /// `Asked for by marek@hosting.example 14:32`
    asked: String,
    asked_exact: String,
    approved: Option<String>,
    reason: String,
    may_approve: bool,
    /// Why this viewer may not, if another one may.
    why_not: Option<String>,
    may_withdraw: bool,
    progress: Option<Progress>,
    failing: Option<String>,
    /// `12 events rewritten`
    events: Option<String>,
    /// The statement's place in the ledger, and where it is told.
    entry: Option<(String, String)>,
    ended: Option<String>,
}

struct Requests {
    lines: Vec<Line>,
    zone: String,
}

#[derive(Template)]
#[template(path = "pages/settings/erasure.html")]
struct ErasurePage {
    shell: Shell,
    refresh: u32,
    told: Told,
    admin: String,
    reason: String,
    suggested: Vec<String>,
    sure: Option<Sure>,
    /// There are several owners.
    several: bool,
    requests: Requests,
}

#[derive(Template)]
#[template(path = "parts/erasures.html")]
struct ErasureParts {
    requests: Requests,
}

/// `GET /settings/erasure`
pub(crate) async fn show(scene: Scene) -> Result<Response, WebError> {
    scene.viewer.require(Capability::Manage)?;
    let app = Arc::clone(&scene.app);
    off_thread(&app, move || {
        let html = if scene.fragment.is_some() {
            let requests = requests(&scene);
            ErasureParts { requests }.render()
        } else {
            let told = Told::new(scene.app.take_flash(&scene.viewer));
            let typed = |name| told.or_typed(name, String::new());
            let (admin, reason) = (typed("admin"), typed("reason"));
            page(&scene, told, admin, reason, None)?.render()
        };
        Ok(Html(html.map_err(WebError::internal)?).into_response())
    })
    .await
}

/// `POST /settings/erasure/look`: what there is of a person, before anything is asked for. A form, for
/// what stands in an address is recorded.
pub(crate) async fn look(scene: Scene, form: Form) -> Result<Response, WebError> {
    scene.viewer.require(Capability::Manage)?;
    let app = Arc::clone(&scene.app);
    off_thread(&app, move || {
        let (admin, reason) = (form.text("admin"), form.text("reason"));
        let (told, sure, outcome) = match sure(&scene, admin, reason) {
            Ok(sure) => (Told::default(), Some(sure), Outcome::Success),
            Err(WebError::BadField { field, message }) => {
                (Told::wrong(field, message), None, Outcome::Failed)
            }
            Err(error) => return Err(error),
        };
        let page = page(&scene, told, admin.to_owned(), reason.to_owned(), sure)?;
        let html = page.render().map_err(WebError::internal)?;
        let mut response = Html(html).into_response();
        response.extensions_mut().insert(Declared {
            action: Some("Looked at what there is of a person to erase".to_owned()),
            outcome: Some(outcome),
            ..Declared::default()
        });
        Ok(response)
    })
    .await
}

fn sure(scene: &Scene, admin: &str, reason: &str) -> Result<Sure, WebError> {
    let app = &scene.app;
    let Found {
        admin,
        events,
        panels,
        times,
    } = find(&app.trail, &app.control, admin).map_err(|refusal| told(refusal, "admin"))?;
    let by = scene.viewer.admin();
    let (accounts, erasures) = (app.control.accounts(), app.control.erasures());
    let rules = Rules {
        accounts: &accounts,
        erasures: &erasures,
    };
    let approval = rules
        .may_ask(&admin, By::Account(&by))
        .map_err(|no| told(no.into(), "admin"))?;
    if reason.is_empty() {
        return Err(WebError::BadField {
            field: "reason",
            message: "Say why. It is kept here, and sealed in the ledger without being told."
                .to_owned(),
        });
    }
    let face = &scene.face;
    let moment = |at: Option<_>| at.map_or_else(String::new, |at| face.exact(at));
    Ok(Sure {
        events: times.map(|_| counted(events, "event", "events")),
        panels: panels.join(", "),
        first: moment(times.map(|(first, _)| first)),
        last: moment(times.map(|(_, last)| last)),
        waits: approval == Approval::Needed,
        admin,
        reason: reason.to_owned(),
    })
}

fn page(
    scene: &Scene,
    told: Told,
    admin: String,
    reason: String,
    sure: Option<Sure>,
) -> Result<ErasurePage, WebError> {
    let (app, face) = (&scene.app, &scene.face);
    let requests = requests(scene);
    let goes_on = requests
        .lines
        .iter()
        .any(|line| line.state == ErasureState::Approved);
    // The request below says it.
    let mut shell = Shell::new(&scene.viewer, "Erasure", Place::Erasure).saying(
        notice::health_without(app, face, Some(Code::ErasureStopped)),
    );
    // Whoever is about to fill in a form must not lose it.
    shell.reload = (goes_on && sure.is_none()).then(|| (RUNNING * 2, ERASURE.to_owned()));
    let accounts = app.control.accounts();
    let rules = Rules {
        accounts: &accounts,
        erasures: &[],
    };
    Ok(ErasurePage {
        shell,
        refresh: if goes_on { RUNNING } else { 0 },
        told,
        admin,
        reason,
        suggested: suggested(scene)?,
        sure,
        several: rules.only_owner().is_none(),
        requests,
    })
}

/// Who is on record, the busiest first; neither oneself nor who is erased.
fn suggested(scene: &Scene) -> Result<Vec<String>, WebError> {
    let me: Vec<String> = scene
        .viewer
        .identities()
        .iter()
        .map(|identity| fold(&identity.admin))
        .collect();
    let trail = &scene.app.trail;
    let groups = trail.groups(&View::default(), FacetField::Admin, SUGGESTED)?;
    let ids = groups.rows.into_iter().filter_map(|group| group.value);
    Ok(ids
        .filter(|id| !is_pseudonym(id) && !me.contains(&fold(id)))
        .collect())
}

fn requests(scene: &Scene) -> Requests {
    let app = &scene.app;
    let accounts = app.control.accounts();
    let rules = Rules {
        accounts: &accounts,
        erasures: &[],
    };
    let me = scene.viewer.admin();
    let erasures = app.control.erasures();
    Requests {
        lines: erasures
            .iter()
            .map(|erasure| line(app, erasure, &rules, &me, &scene.face))
            .collect(),
        zone: scene.face.zone_name(),
    }
}

fn line(app: &App, erasure: &StoredErasure, rules: &Rules<'_>, me: &str, face: &Face) -> Line {
    let state = erasure.state;
    let (word, class) = match state {
        ErasureState::Waiting => ("waiting", "badge-warn"),
        ErasureState::Approved => ("under way", "badge-api"),
        ErasureState::Done => ("done", "badge-ok"),
        ErasureState::Withdrawn => ("withdrawn", ""),
    };
    let waits = state == ErasureState::Waiting;
    let approves = rules.may_approve(erasure, me);
    let approved = erasure.approved_by.as_ref().map(|by| {
        let at = erasure.approved_at.map(|at| face.brief(at));
        format!("Approved by {by} {}", at.unwrap_or_default())
    });
    let goes_on = state == ErasureState::Approved;
    let failing = app.erasing.failing().filter(|_| goes_on);
    Line {
        id: erasure.id.0,
        state,
        word,
        class,
        who: erasure
            .admin
            .clone()
            .filter(|_| waits || goes_on)
            .unwrap_or_else(|| erasure.pseudonym.clone()),
        pseudonym: erasure.pseudonym.clone(),
        asked: format!(
            "Asked for by {} {}",
            erasure.requested_by,
            face.brief(erasure.requested_at)
        ),
        asked_exact: face.exact(erasure.requested_at),
        approved,
        reason: erasure.reason.clone(),
        may_approve: approves.is_ok(),
        why_not: approves.err().filter(|_| waits).map(|no| no.to_string()),
        may_withdraw: rules.may_withdraw(erasure, By::Account(me)).is_ok(),
        progress: (goes_on && failing.is_none()).then(|| progress(app, erasure)),
        failing: failing.map(|(since, cause)| {
            format!(
                "It could not be done since {}: {cause}. It is tried again every minute.",
                face.brief(since)
            )
        }),
        events: erasure.events.map(|events| match events {
            0 => "no event was on record".to_owned(),
            n => format!("{} rewritten", counted(n, "event", "events")),
        }),
        entry: erasure
            .entry
            .map(|entry| (grouped(entry), format!("{INTEGRITY}#entry-{entry}"))),
        ended: erasure.done_at.map(|at| face.brief(at)),
    }
}

fn progress(app: &App, erasure: &StoredErasure) -> Progress {
    let found = app.trail.erasing();
    let of_this = found.filter(|(pseudonym, _)| *pseudonym == erasure.pseudonym);
    let (done, of) = of_this.map_or((0, 0), |(_, progress)| (progress.done, progress.of));
    let said = match (
        erasure.admin.is_some(),
        done.saturating_mul(100).checked_div(of),
    ) {
        (true, Some(percent)) => format!("{} % of the record.", percent.min(100)),
        (true, None) => "About to begin.".to_owned(),
        (false, _) => "The record is rewritten; what is left in files is cleared.".to_owned(),
    };
    Progress {
        done: done.min(of),
        of,
        said,
    }
}
