//! Tab Sessions: the requests that share a sign-in or token, as one row.

use std::sync::Arc;

use admintrail_store::{Order, SessionRow, SessionsPage, View};
use askama::Template;
use axum::response::Response;

use crate::WebError;
use crate::auth::Capability;
use crate::pages::overview::{self, Emptiness, Steps};
use crate::pages::parts::ending::Ending;
use crate::pages::parts::filters::Hidden;
use crate::pages::parts::frame::{Frame, active_since};
use crate::pages::parts::row::{Reason, Who};
use crate::pages::parts::search::Search;
use crate::pages::parts::shell::{Place, Shell};
use crate::pages::scene::{Scene, off_thread};
use crate::pages::wording::agent;
use crate::pages::wording::hue;
use crate::pages::wording::link::{SESSIONS, session_page};
use crate::pages::wording::number::{counted, grouped, lasted};

/// Rows a page.
const ROWS: usize = 50;

/// A session.
pub(crate) struct Line {
    pub(crate) who: Who,
    pub(crate) active: bool,
    /// `ended by marek@hosting.example 14:32`
    pub(crate) ended: Option<String>,
    pub(crate) short: String,
    pub(crate) hue: String,
    /// Its timeline.
    pub(crate) href: String,
    pub(crate) panel: String,
    pub(crate) start: String,
    pub(crate) last: String,
    pub(crate) last_exact: String,
    pub(crate) took: String,
    pub(crate) requests: String,
    pub(crate) folded: Option<String>,
    pub(crate) changes: String,
    pub(crate) denied: String,
    pub(crate) has_denied: bool,
    pub(crate) ip: String,
    pub(crate) more_ips: usize,
    pub(crate) ips: String,
    pub(crate) browser: String,
}

pub(crate) struct Sessions {
    pub(crate) frame: Frame,
    pub(crate) search: Option<Search>,
    pub(crate) lines: Vec<Line>,
    pub(crate) empty: Emptiness,
    pub(crate) steps: Option<Steps>,
}

#[derive(Template)]
#[template(path = "pages/sessions.html")]
struct SessionsTab {
    shell: Shell,
    tab: Sessions,
}

#[derive(Template)]
#[template(path = "parts/sessions.html")]
struct SessionsParts {
    tab: Sessions,
}

/// `GET /monitoring/admin-sessions/sessions`
pub(crate) async fn show(scene: Scene) -> Result<Response, WebError> {
    scene.viewer.require(Capability::Read)?;
    let app = Arc::clone(&scene.app);
    off_thread(&app, move || answer(&scene)).await
}

fn answer(scene: &Scene) -> Result<Response, WebError> {
    let view = scene.view();
    let status = overview::status(&view);
    let tab = draw(scene, view)?;
    let html = if scene.fragment.is_some() {
        SessionsParts { tab }.render()
    } else {
        let shell = Shell::new(&scene.viewer, "Sessions", Place::AdminSessions);
        SessionsTab { shell, tab }.render()
    };
    overview::respond(scene, status, html, "Viewed sessions")
}

fn draw(scene: &Scene, view: Result<View, WebError>) -> Result<Sessions, WebError> {
    let offset = overview::offset(scene);
    let page = match &view {
        Ok(view) => Some(scene.app.trail.sessions(view, offset, ROWS)?),
        Err(_) => None,
    };
    let lines = page
        .iter()
        .flat_map(|page| &page.sessions)
        .map(|row| line(scene, row))
        .collect();
    let steps = |page: &SessionsPage| Steps::new(&scene.links, offset, ROWS, page);
    let searched = page.as_ref().and_then(|page| page.searched);
    let found = page.as_ref().map_or(0, |page| page.total);
    let found = counted(found, "session found", "sessions found");
    Ok(Sessions {
        frame: Frame::new(scene, SESSIONS, &view, Hidden::default()),
        lines,
        empty: Emptiness::of(
            page.as_ref().map(|page| page.sessions.len()),
            searched.is_some(),
        ),
        search: Search::new(scene, searched, Order::Descending, &found),
        steps: page.as_ref().map(steps),
    })
}

fn line(scene: &Scene, row: &SessionRow) -> Line {
    let whole = row.session.to_string();
    let short = whole.get(..8).unwrap_or(&whole).to_owned();
    let who = match &row.admin {
        Some(admin) => Who::named(admin, row.admin_name.as_deref()),
        None => Who::nobody(Reason::BEFORE),
    };
    let ips: Vec<String> = row.ips.iter().map(ToString::to_string).collect();
    let ended = Ending::of(scene, row).told;
    Line {
        who,
        active: ended.is_none() && row.is_active(active_since(scene.now())),
        ended,
        hue: hue::class(&row.session.0),
        href: session_page(&row.panel, &row.session),
        short,
        panel: row.panel.to_string(),
        start: scene.face.row(row.start),
        last: scene.face.ago(row.last),
        last_exact: scene.face.exact(row.last),
        took: lasted(u64::try_from(row.last.0 - row.start.0).unwrap_or(0)),
        requests: grouped(row.requests),
        folded: (row.folded > 0).then(|| grouped(row.folded)),
        changes: grouped(row.changes),
        denied: grouped(row.denied),
        has_denied: row.denied > 0,
        ip: ips.first().cloned().unwrap_or_else(|| "–".to_owned()),
        more_ips: ips.len().saturating_sub(1),
        ips: ips.join(", "),
        browser: row
            .user_agent
            .as_deref()
            .map(short_agent)
            .unwrap_or_default(),
    }
}

/// The browser, or the first word of what a program calls itself.
fn short_agent(agent: &str) -> String {
    agent::browser(agent).unwrap_or_else(|| agent.split(' ').next().unwrap_or_default().to_owned())
}
