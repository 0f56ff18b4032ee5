//! `/`: who is active, today against usual, what was denied, and whether recording works.

use std::collections::HashMap;
use std::sync::Arc;

use admintrail_capture::Declared;
use admintrail_event::{Filter, Micros};
use admintrail_store::{FacetField, Order, PageRequest, View};
use askama::Template;
use axum::response::{Html, IntoResponse, Response};

use crate::ViewQuery;
use crate::WebError;
use crate::auth::Capability;
use crate::pages::by_panel::ByPanel;
use crate::pages::parts::frame::active_since;
use crate::pages::parts::notice::{self, Notice};
use crate::pages::parts::refresh::RefreshMenu;
use crate::pages::parts::row::{Row, Who};
use crate::pages::parts::shell::{Place, Shell};
use crate::pages::parts::usual::Usual;
use crate::pages::scene::{Scene, off_thread};
use crate::pages::wording::link::{self, REQUESTS, address, term};
use crate::pages::wording::number::{bytes, counted, some, total};

struct Active {
    who: Who,
    ago: String,
    panel: String,
    href: String,
}

struct PanelCard {
    name: String,
    route: String,
    today: String,
    last: String,
    href: String,
}

/// Something and how often.
struct Tally {
    name: String,
    count: String,
    href: String,
}

/// Who, or what, had most requests.
struct Busiest {
    title: &'static str,
    rows: Vec<Busy>,
    /// If not everything was counted: from when on it was.
    since: Option<String>,
}

struct Busy {
    /// An admin; `None` in the list of actions.
    who: Option<Who>,
    name: String,
    count: String,
    /// Percent of the first.
    share: u64,
    href: String,
}

#[derive(Template)]
#[template(path = "pages/dashboard.html")]
struct Dashboard {
    shell: Shell,
    /// Seconds between two looks.
    refresh: u32,
    parts: Parts,
}

#[derive(Template)]
#[template(path = "parts/dashboard.html")]
struct DashboardParts {
    parts: Parts,
}

struct Parts {
    notices: Vec<Notice>,
    waiting: Option<String>,
    active: Vec<Active>,
    /// How many more there are.
    more_active: usize,
    usual: Usual,
    denied: Vec<Row>,
    denied_count: String,
    denied_from: Vec<Tally>,
    denied_href: String,
    changes: Vec<Row>,
    changes_count: String,
    changes_href: String,
    busiest: Vec<Busiest>,
    panels: Vec<PanelCard>,
    recording: &'static str,
    held: String,
    since: String,
    zone: String,
}

/// `GET /`
pub(crate) async fn show(scene: Scene) -> Result<Response, WebError> {
    scene.viewer.require(Capability::Read)?;
    let app = Arc::clone(&scene.app);
    off_thread(&app, move || {
        let parts = draw(&scene)?;
        let html = if scene.fragment.is_some() {
            DashboardParts { parts }.render()
        } else {
            let shell = Shell::new(&scene.viewer, "Dashboard", Place::Dashboard);
            let off = RefreshMenu::new(&scene.viewer).seconds().is_none();
            let refresh = if off { 0 } else { 30 };
            Dashboard {
                shell,
                refresh,
                parts,
            }
            .render()
        };
        let mut response = Html(html.map_err(WebError::internal)?).into_response();
        response.extensions_mut().insert(Declared {
            action: Some("Viewed dashboard".to_owned()),
            ..Declared::default()
        });
        Ok(response)
    })
    .await
}

/// The address of the list with these words from this moment on.
fn list(words: &str, from: &str) -> String {
    let query = ViewQuery {
        q: words.to_owned(),
        from: Some(from.to_owned()),
        ..ViewQuery::default()
    };
    address(REQUESTS, &query)
}

/// Requests of panels (not of our own pages) since a moment, without background refreshes.
fn view(words: &str, from: Micros) -> Result<View, WebError> {
    let filter = Filter::parse(format!("-panel:admintrail {words}").trim())?;
    Ok(View {
        filter,
        from: Some(from),
        fold: true,
        ..View::default()
    })
}

/// Active admins that are named.
const NAMED: usize = 7;
/// Rows of a short list.
const ROWS: usize = 5;

fn rows(scene: &Scene, view: &View) -> Result<(Vec<Row>, String), WebError> {
    let request = PageRequest {
        order: Order::Descending,
        limit: ROWS,
        cursor: None,
        last: false,
    };
    let page = scene.app.trail.page(view, &request)?;
    let links = link::Links::new(REQUESTS, ViewQuery::default());
    let row = |event| {
        let mut row = Row::new(event, &links, &scene.face, None);
        // The list begins at the row's own day, however long ago that was.
        row.href = address(
            REQUESTS,
            &ViewQuery {
                event: Some(row.id.clone()),
                from: Some(String::new()),
                ..ViewQuery::default()
            },
        );
        row
    };
    Ok((page.events.iter().map(row).collect(), total(page.total)))
}

fn draw(scene: &Scene) -> Result<Parts, WebError> {
    let (app, face, now) = (&scene.app, &scene.face, scene.now());
    let day = Micros(now.0 - 86_400 * Micros::SECOND);
    let today = face.day(0);
    let denied = view("outcome:denied", day)?;
    let (denied_rows, denied_count) = rows(scene, &denied)?;
    let (change_rows, change_count) = rows(scene, &view("is:change", day)?)?;
    let from = app.trail.facet(&denied, FacetField::Ip, ROWS)?;
    let state = app.trail.state();
    let recorder = app.recorder_state();
    let active = app.trail.active(active_since(now));
    let by_panel = ByPanel::look(scene)?;
    Ok(Parts {
        notices: [
            notice::health(app, face),
            notice::ways_around(app),
            notice::no_anchor(scene),
        ]
        .concat(),
        waiting: by_panel.is_empty().then(|| notice::waiting_for(app)),
        more_active: active.len().saturating_sub(NAMED),
        active: active
            .iter()
            .take(NAMED)
            .map(|admin| Active {
                who: Who::named(&admin.admin, admin.admin_name.as_deref()),
                ago: face.ago(admin.last),
                panel: admin.panel.to_string(),
                href: list(&term("admin", &admin.admin), "-1h"),
            })
            .collect(),
        usual: Usual::new(scene, today)?,
        denied: denied_rows,
        denied_count,
        denied_from: from
            .values
            .iter()
            .filter_map(|value| {
                let ip = value.value.clone()?;
                Some(Tally {
                    href: list(&format!("outcome:denied ip:{ip}"), "-24h"),
                    count: some(value.count, from.searched.is_some()),
                    name: ip,
                })
            })
            .collect(),
        denied_href: list("-panel:admintrail outcome:denied", "-24h"),
        changes: change_rows,
        changes_count: change_count,
        changes_href: list("-panel:admintrail is:change", "-24h"),
        busiest: vec![
            busiest(scene, "Busiest admins", FacetField::Admin, day)?,
            busiest(scene, "Most frequent actions", FacetField::Action, day)?,
        ],
        panels: panels(scene, &by_panel),
        recording: match (
            recorder.failing.is_some() || state.failing.is_some(),
            recorder.unrecorded,
        ) {
            (true, _) => "stopped",
            (false, 0) => "works",
            (false, _) => "has gaps",
        },
        held: format!(
            "{}, {}",
            counted(state.events, "event", "events"),
            bytes(state.bytes)
        ),
        since: state
            .first_received
            .map(|at| face.brief(at))
            .unwrap_or_default(),
        zone: face.zone_name(),
    })
}

/// The admins or the actions with most requests since a moment.
fn busiest(
    scene: &Scene,
    title: &'static str,
    field: FacetField,
    since: Micros,
) -> Result<Busiest, WebError> {
    let trail = &scene.app.trail;
    // One more, for those whom nobody knows.
    let facet = trail.facet(&view("", since)?, field, ROWS + 1)?;
    let names: HashMap<String, Option<String>> = match field {
        FacetField::Admin => trail
            .active(Micros(i64::MIN))
            .into_iter()
            .map(|admin| (admin.admin, admin.admin_name))
            .collect(),
        _ => HashMap::new(),
    };
    let named = facet
        .values
        .iter()
        .filter_map(|value| Some((value.value.as_deref()?, value.count)));
    let named: Vec<(&str, u64)> = named.take(ROWS).collect();
    let most = named.first().map_or(1, |(_, count)| (*count).max(1));
    let row = |(name, count): &(&str, u64)| {
        let (key, who) = match field {
            FacetField::Admin => {
                let shown = names.get(*name).and_then(Option::as_deref);
                ("admin", Some(Who::named(name, shown)))
            }
            _ => ("action", None),
        };
        let words = format!("-panel:admintrail {}", term(key, name));
        Busy {
            who,
            name: (*name).to_owned(),
            count: some(*count, facet.searched.is_some()),
            share: count * 100 / most,
            href: list(&words, "-24h"),
        }
    };
    Ok(Busiest {
        title,
        rows: named.iter().map(row).collect(),
        since: facet
            .searched
            .map(|searched| scene.face.brief(searched.back_to)),
    })
}

fn panels(scene: &Scene, by_panel: &ByPanel) -> Vec<PanelCard> {
    let face = &scene.face;
    let card = |panel: &crate::PanelInfo| PanelCard {
        name: panel.name.to_string(),
        route: match (&panel.listen, &panel.upstream) {
            (Some(listen), Some(upstream)) => format!("{listen} → {upstream}"),
            (_, Some(upstream)) => upstream.clone(),
            _ => "sends events".to_owned(),
        },
        today: counted(
            by_panel.today(&panel.name),
            "request today",
            "requests today",
        ),
        last: by_panel.last(&panel.name).map_or_else(
            || "nothing yet".to_owned(),
            |at| format!("last {}", face.ago(at)),
        ),
        href: list(&format!("panel:{}", panel.name), "today"),
    };
    scene.app.panels.iter().map(card).collect()
}
