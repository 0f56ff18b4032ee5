//! Monitoring → Admin Sessions, tab Requests: the list itself.

use std::sync::Arc;

use admintrail_capture::Declared;
use admintrail_event::{Event, Micros, PanelName};
use admintrail_store::{Page, Relation, View};
use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;

use crate::WebError;
use crate::auth::Capability;
use crate::pages::parts::chart::{BARS, Chart};
use crate::pages::parts::drawer::Drawer;
use crate::pages::parts::filters::Hidden;
use crate::pages::parts::frame::Frame;
use crate::pages::parts::notice;
use crate::pages::parts::pager::Pager;
use crate::pages::parts::row::Row;
use crate::pages::parts::search::Search;
use crate::pages::parts::shell::{Place, Shell};
use crate::pages::parts::top;
use crate::pages::scene::{Scene, off_thread};
use crate::pages::wording::link::{REQUESTS, address};
use crate::pages::wording::number::grouped;
use crate::view_query::Surface;

/// Why there are no rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Empty {
    /// Rows are there.
    No,
    /// Nothing was recorded yet; which panels are waited for.
    Yet(String),
    /// Nothing matches.
    Nothing,
    /// Nothing was found yet; the search goes on.
    SoFar,
    /// The filter or the range has a mistake.
    Mistake,
}

/// What changes when the list is asked for again.
pub(crate) struct List {
    pub(crate) frame: Frame,
    /// The search is not at its end.
    pub(crate) search: Option<Search>,
    pub(crate) chart: Option<Chart>,
    pub(crate) rows: Vec<Row>,
    pub(crate) pager: Option<Pager>,
    pub(crate) empty: Empty,
    pub(crate) drawer: Option<Drawer>,
    /// Sorted newest first.
    pub(crate) newest_first: bool,
    /// The list sorted the other way.
    pub(crate) turned: String,
    /// New rows appear here: the first page, newest first.
    pub(crate) front: bool,
    /// What is newer than every row shown (RFC 3339), and how much of that there was already.
    pub(crate) since: String,
    pub(crate) known: Option<u64>,
    /// Where to hear of what is recorded.
    pub(crate) stream: String,
}

#[derive(Template)]
#[template(path = "pages/requests.html")]
struct RequestsPage {
    shell: Shell,
    list: List,
}

#[derive(Template)]
#[template(path = "parts/list.html")]
struct ListParts {
    list: List,
}

#[derive(Template)]
#[template(path = "parts/new-rows.html")]
struct NewRows {
    count: u64,
}

/// `GET /monitoring/admin-sessions`
pub(crate) async fn show(scene: Scene) -> Result<Response, WebError> {
    scene.viewer.require(Capability::Read)?;
    let app = Arc::clone(&scene.app);
    off_thread(&app, move || answer(&scene)).await
}

fn answer(scene: &Scene) -> Result<Response, WebError> {
    if scene.wants("new") {
        return new_rows(scene);
    }
    if scene.wants("top") {
        return Ok(Html(top::draw(scene, &scene.view()?)?).into_response());
    }
    let view = scene.view();
    let status = match &view {
        Err(error) => error.status(),
        Ok(_) => StatusCode::OK,
    };
    let list = draw(scene, view)?;
    let html = if scene.fragment.is_some() {
        ListParts { list }.render()
    } else {
        let mut shell = Shell::new(&scene.viewer, "Admin Sessions", Place::AdminSessions);
        shell.reload = reload(scene, &list);
        RequestsPage { shell, list }.render()
    };
    let mut response = (status, Html(html.map_err(WebError::internal)?)).into_response();
    response.extensions_mut().insert(declared(scene));
    Ok(response)
}

/// What the record says about looking at the record.
fn declared(scene: &Scene) -> Declared {
    let typed = scene.links.typed();
    let (action, object) = match (&typed.event, typed.q.trim()) {
        (Some(event), _) => (
            "Viewed a request".to_owned(),
            Some(format!("event/{event}")),
        ),
        (None, "") => ("Viewed requests".to_owned(), None),
        (None, words) => ("Searched requests".to_owned(), Some(words.to_owned())),
    };
    Declared {
        action: Some(action),
        object,
        ..Declared::default()
    }
}

/// How many rows came that are newer than those of a page on which they do not appear.
fn new_rows(scene: &Scene) -> Result<Response, WebError> {
    let wrong = |name| WebError::parameter(name, "send what the page said.");
    let since = scene.query.extra("since").and_then(Micros::parse_rfc3339);
    let known = scene
        .query
        .extra("known")
        .and_then(|text| text.parse().ok());
    let since = since.ok_or_else(|| wrong("since"))?;
    let known: u64 = known.ok_or_else(|| wrong("known"))?;
    // Where not everything was counted, what came since cannot be told from what was found since.
    let newer = newer(scene, &scene.view()?, since)?.unwrap_or(known);
    let count = newer.saturating_sub(known);
    let html = NewRows { count }.render().map_err(WebError::internal)?;
    Ok(Html(html).into_response())
}

/// How many rows of the view there are from a moment on. The view's own begin, which may slide,
/// is not asked: rows that leave a sliding range are as little news as they were. `None`: not all of
/// them were counted.
fn newer(scene: &Scene, view: &View, since: Micros) -> Result<Option<u64>, WebError> {
    let mut view = view.clone();
    view.from = Some(since);
    let total = scene.app.trail.count(&view)?;
    Ok((total.relation == Relation::Equal).then_some(total.value))
}

/// The moment after the newest row of a page, and how many rows there are from then on.
fn what_is_newer(
    scene: &Scene,
    view: &View,
    page: &Page,
) -> Result<(Micros, Option<u64>), WebError> {
    let newest = page.events.iter().map(|event| event.draft.time).max();
    let since = newest.map_or(scene.now(), |at| Micros(at.0 + 1));
    let since = view.from.map_or(since, |from| from.max(since));
    Ok((since, newer(scene, view, since)?))
}

fn draw(scene: &Scene, view: Result<View, WebError>) -> Result<List, WebError> {
    let typed = scene.links.typed();
    let order = scene.query.order()?;
    let (mut export, mut share) = (None, None);
    let mut page = None;
    let mut chart = None;
    let mut limit = 0;
    if let Ok(view) = &view {
        let request = scene.query.page_request(&scene.viewer, Surface::Page)?;
        limit = request.limit;
        page = Some(scene.app.trail.page(view, &request)?);
        let mut span = view.clone();
        // An open end is now: the bars slide with the clock, also while nothing happens.
        span.to = Some(view.to.unwrap_or(scene.now()));
        chart = Some(Chart::new(
            &scene
                .app
                .trail
                .histogram(&span, BARS, scene.face.midnight())?,
            &scene.face,
        ));
        if scene.viewer.may(Capability::Export) {
            export = Some(api(scene, "/api/v1/export"));
        }
        share = scene
            .query
            .frozen(&scene.viewer, Surface::Page, scene.now())
            .ok()
            .map(|mut frozen| {
                // Everybody sees times in the own zone, unless one was chosen for this view.
                frozen.tz.clone_from(&typed.tz);
                address(REQUESTS, &frozen)
            });
    }
    let hidden = page.as_ref().map_or_else(Hidden::default, |page| Hidden {
        by_hide_me: page.hidden,
        by_fold: page.folded,
        may_be_more: page.total.relation == Relation::AtLeast,
    });
    let open = scene.query.event.as_deref();
    let rows: Vec<Row> = page
        .iter()
        .flat_map(|page| &page.events)
        .map(|event| Row::new(event, &scene.links, &scene.face, open))
        .collect();
    let newest_first = order == admintrail_store::Order::Descending;
    let front = newest_first && typed.cursor.is_none() && !typed.last;
    let (since, known) = match (&view, &page) {
        (Ok(view), Some(page)) if !front => what_is_newer(scene, view, page)?,
        _ => (scene.now(), Some(0)),
    };
    let mut frame = Frame::new(scene, REQUESTS, &view, hidden);
    (frame.head.export, frame.head.share) = (export, share);
    Ok(List {
        frame,
        search: page.as_ref().and_then(|page| {
            let found = format!("{} found", grouped(page.total.value));
            Search::new(scene, page.searched, order, &found)
        }),
        empty: why_empty(scene, page.as_ref())?,
        pager: page
            .as_ref()
            .map(|page| Pager::new(&scene.links, page, order, limit)),
        drawer: Drawer::open(scene, page.as_ref())?,
        newest_first,
        turned: scene.links.fresh(|query| {
            query.order = newest_first.then(|| "asc".to_owned());
        }),
        front,
        since: since.to_string(),
        known,
        stream: api(scene, "/api/v1/stream"),
        chart,
        rows,
    })
}

fn why_empty(scene: &Scene, page: Option<&Page>) -> Result<Empty, WebError> {
    let Some(page) = page else {
        return Ok(Empty::Mistake);
    };
    // Our own pages are on record too; that is not what somebody waits for.
    let own = |event: &Event| event.draft.panel.as_str() == PanelName::OWN;
    if !page.events.iter().all(own) {
        return Ok(Empty::No);
    }
    let panels = View {
        filter: admintrail_event::Filter::parse("-panel:admintrail")?,
        ..View::default()
    };
    let recorded = scene.app.trail.count(&panels)?;
    if recorded.value == 0 && recorded.relation == Relation::Equal {
        return Ok(Empty::Yet(notice::waiting_for(&scene.app)));
    }
    Ok(if page.events.is_empty() && page.searched.is_some() {
        Empty::SoFar
    } else if page.events.is_empty() {
        Empty::Nothing
    } else {
        Empty::No
    })
}

/// The API's address of what is shown. It has the page's defaults written out, as the API has others.
fn api(scene: &Scene, path: &str) -> String {
    let mut query = scene.links.typed().clone();
    query.from = Some(query.from.unwrap_or_else(|| "-24h".to_owned()));
    query.hide_me = Some(scene.hides_me());
    query.fold = Some(query.fold.unwrap_or(true));
    query.tz = scene.query.tz.clone();
    (query.limit, query.cursor, query.event, query.last) = (None, None, None, false);
    address(path, &query)
}

/// In a browser without scripts the first page asks again by itself.
fn reload(scene: &Scene, list: &List) -> Option<(u32, String)> {
    if !list.front || list.drawer.is_some() {
        return None;
    }
    let here = scene.links.here();
    let mark = if here.contains('?') { '&' } else { '?' };
    Some((
        list.frame.head.refresh.seconds()?,
        format!("{here}{mark}refresh=auto"),
    ))
}
