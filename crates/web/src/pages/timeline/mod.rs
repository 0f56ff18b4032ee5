//! A session: who, from where, how long, and what was done in it, one thing after the other.

mod steps;

use std::collections::BTreeSet;
use std::sync::Arc;

use admintrail_capture::Declared;
use admintrail_event::{Filter, PanelName, SessionHash};
use admintrail_store::{Order, Page, PageRequest, SessionRow, View};
use askama::Template;
use axum::extract::Path;
use axum::response::{Html, IntoResponse, Response};

use crate::WebError;
use crate::auth::Capability;
use crate::pages::parts::ending::Ending;
use crate::pages::parts::frame::active_since;
use crate::pages::parts::notice;
use crate::pages::parts::pager;
use crate::pages::parts::row::{Reason, Who};
use crate::pages::parts::search::Search;
use crate::pages::parts::shell::{Place, Shell};
use crate::pages::scene::{Scene, off_thread};
use crate::pages::wording::agent;
use crate::pages::wording::hue;
use crate::pages::wording::link::{REQUESTS, SESSIONS, term};
use crate::pages::wording::number::{counted, grouped, lasted};
use steps::Item;

/// Requests a page.
const ROWS: usize = 300;
/// Most requests that are looked through for whom somebody acted as.
const ACTING: usize = 100;

/// A value that leads to the requests with it.
struct Way {
    text: String,
    href: String,
}

struct Head {
    who: Who,
    /// `active now`, `signed out 14:32`, `ended by marek 14:32`
    state: Option<(&'static str, String)>,
    ending: Ending,
    short: String,
    whole: String,
    hue: String,
    panel: String,
    acting_as: Vec<Way>,
    ips: Vec<Way>,
    browser: String,
    agent: String,
    start: String,
    start_exact: String,
    last: String,
    last_exact: String,
    took: String,
    requests: Way,
    folded: Option<String>,
    changes: Option<Way>,
    denied: Option<Way>,
}

struct Steps {
    span: String,
    first: Option<String>,
    earlier: Option<String>,
    later: Option<String>,
    last: Option<String>,
}

#[derive(Template)]
#[template(path = "pages/timeline.html")]
struct TimelinePage {
    shell: Shell,
    head: Head,
    items: Vec<Item>,
    steps: Option<Steps>,
    /// Requests of it are still looked for.
    search: Option<Search>,
    /// Oldest first.
    forward: bool,
    turned: String,
    /// Where all sessions are.
    sessions: String,
    /// `1,204 background refreshes and files are left out`
    left_out: Option<Way>,
    zone: String,
}

/// `GET /monitoring/admin-sessions/sessions/{panel}/{session}`
pub(crate) async fn show(
    Path((panel, session)): Path<(String, String)>,
    scene: Scene,
) -> Result<Response, WebError> {
    scene.viewer.require(Capability::Read)?;
    let app = Arc::clone(&scene.app);
    off_thread(&app, move || answer(&scene, &panel, &session)).await
}

fn answer(scene: &Scene, panel: &str, session: &str) -> Result<Response, WebError> {
    let nothing = || WebError::NoSuch("session");
    let panel: PanelName = panel.parse().map_err(|_| nothing())?;
    let session: SessionHash = session.parse().map_err(|_| nothing())?;
    let rows = scene.app.trail.session(&session)?;
    let row = rows.into_iter().find(|row| row.panel == panel);
    let row = row.filter(|row| scene.viewer.may_see(&row.panel));
    let row = row.ok_or_else(nothing)?;
    let order = match scene.query.order.as_deref() {
        Some(_) => scene.query.order()?,
        None => Order::Ascending,
    };
    let words = steps::words(&row);
    let view = View {
        filter: Filter::parse(&words)?,
        fold: scene.query.fold.unwrap_or(true),
        ..View::default()
    };
    let request = PageRequest {
        limit: ROWS,
        order,
        ..scene
            .query
            .page_request(&scene.viewer, crate::view_query::Surface::Page)?
    };
    let mut page = scene.app.trail.page(&view, &request)?;
    let forward = order == Order::Ascending;
    let items = steps::items(scene, &words, &page.events, !forward);
    let left_out = page.folded.all();
    let links = &scene.links;
    let html = TimelinePage {
        shell: Shell::new(
            &scene.viewer,
            &format!("Session {}", short(&row.session)),
            Place::AdminSessions,
        )
        .saying(notice::health(&scene.app, &scene.face)),
        head: head(scene, &row, &words)?,
        steps: pages(scene, &page, order),
        search: {
            let found = counted(page.total.value, "request found", "requests found");
            Search::new(scene, page.searched, order, &found)
        },
        items,
        forward,
        turned: links.fresh(|query| query.order = forward.then(|| "desc".to_owned())),
        sessions: SESSIONS.to_owned(),
        left_out: (left_out > 0).then(|| Way {
            text: counted(
                left_out,
                "background refresh or file",
                "background refreshes and files",
            ),
            href: links.fresh(|query| query.fold = Some(false)),
        }),
        zone: scene.face.zone_name(),
    };
    page.events.clear();
    let html = html.render().map_err(WebError::internal)?;
    let mut response = Html(html).into_response();
    response.extensions_mut().insert(Declared {
        action: Some("Viewed session".to_owned()),
        object: Some(format!("session/{}", row.session)),
        ..Declared::default()
    });
    Ok(response)
}

fn short(session: &SessionHash) -> String {
    session.to_string().chars().take(8).collect()
}

fn head(scene: &Scene, row: &SessionRow, words: &str) -> Result<Head, WebError> {
    let face = &scene.face;
    let ever = |more: &str| {
        scene.links.fresh_at(REQUESTS, |query| {
            query.q = format!("{words} {more}").trim().to_owned();
            (query.from, query.to, query.order) = (Some(String::new()), None, None);
        })
    };
    let way = |text: String, more: &str| Way {
        href: ever(more),
        text,
    };
    let who = match &row.admin {
        Some(admin) => Who::named(admin, row.admin_name.as_deref()),
        None => Who::nobody(Reason::BEFORE),
    };
    let ending = Ending::of(scene, row);
    let state = if let Some(told) = &ending.told {
        Some(("bad", told.clone()))
    } else if row.is_over() {
        let out = row.signed_out.unwrap_or(row.last);
        Some(("off", format!("signed out {}", face.brief(out))))
    } else if row.is_active(active_since(scene.now())) {
        Some(("ok", "active now".to_owned()))
    } else {
        None
    };
    let agent = row.user_agent.as_deref().unwrap_or_default();
    Ok(Head {
        who,
        state,
        ending,
        short: short(&row.session),
        whole: row.session.to_string(),
        hue: hue::class(&row.session.0),
        panel: row.panel.to_string(),
        acting_as: acting_as(scene, words)?
            .into_iter()
            .map(|name| Way {
                href: ever(&term("acting_as", &name)),
                text: name,
            })
            .collect(),
        ips: row
            .ips
            .iter()
            .map(|ip| Way {
                href: scene.links.fresh_at(REQUESTS, |query| {
                    query.q = format!("ip:{ip}");
                    (query.from, query.to, query.order) = (Some(String::new()), None, None);
                }),
                text: ip.to_string(),
            })
            .collect(),
        browser: agent::browser(agent).unwrap_or_else(|| agent.to_owned()),
        agent: agent.to_owned(),
        start: face.row(row.start),
        start_exact: face.exact(row.start),
        last: face.ago(row.last),
        last_exact: face.exact(row.last),
        took: lasted(u64::try_from(row.last.0 - row.start.0).unwrap_or(0)),
        requests: way(counted(row.requests, "request", "requests"), ""),
        folded: (row.folded > 0)
            .then(|| counted(row.folded, "file or refresh", "files and refreshes")),
        changes: (row.changes > 0)
            .then(|| way(counted(row.changes, "change", "changes"), "is:change")),
        denied: (row.denied > 0)
            .then(|| way(format!("{} denied", grouped(row.denied)), "outcome:denied")),
    })
}

/// Whom the session acted as, the last hundred requests of it looked through.
fn acting_as(scene: &Scene, words: &str) -> Result<BTreeSet<String>, WebError> {
    let view = View {
        filter: Filter::parse(&format!("{words} is:acting_as"))?,
        ..View::default()
    };
    let request = PageRequest {
        order: Order::Descending,
        limit: ACTING,
        cursor: None,
        last: false,
    };
    let page = scene.app.trail.page(&view, &request)?;
    let names = page.events.into_iter();
    Ok(names.filter_map(|event| event.draft.acting_as).collect())
}

fn pages(scene: &Scene, page: &Page, order: Order) -> Option<Steps> {
    if page.newer.is_none() && page.older.is_none() {
        return None;
    }
    let links = &scene.links;
    let to = |cursor: Option<admintrail_store::Cursor>| {
        cursor.map(|cursor| {
            links.with(|query| {
                query.cursor = Some(cursor.to_string());
                query.last = false;
            })
        })
    };
    let (back, on) = match order {
        Order::Ascending => (page.older.is_some(), page.newer.is_some()),
        Order::Descending => (page.newer.is_some(), page.older.is_some()),
    };
    Some(Steps {
        span: pager::span(page),
        first: back.then(|| links.fresh(|_| {})),
        earlier: to(page.older),
        later: to(page.newer),
        last: on.then(|| links.fresh(|query| query.last = true)),
    })
}
