//! `/settings/panels`: each monitored panel, and what its record says about its set-up.

use std::sync::Arc;

use admintrail_event::{Filter, Micros, PanelName};
use admintrail_store::{FacetField, Order, PageRequest, View};
use askama::Template;
use axum::response::{Html, IntoResponse, Response};

use crate::auth::Capability;
use crate::pages::link::{REQUESTS, SESSIONS, address};
use crate::pages::number::{counted, grouped};
use crate::pages::scene::{Scene, off_thread};
use crate::pages::shell::{Place, Shell};
use crate::{App, PanelInfo, ViewQuery, WebError};

/// So few requests from one address say nothing yet.
const ENOUGH: u64 = 20;
/// Sessions that are looked through for unknown ones.
const SESSIONS_SEEN: usize = 1_000;

/// All requests came from one address: probably a proxy before us.
struct OneAddress {
    requests: String,
    ip: String,
    /// How to trust it.
    network: String,
}

struct Card {
    name: String,
    listen: Option<String>,
    upstream: Option<String>,
    today: String,
    last: String,
    href: String,
    one_address: Option<OneAddress>,
    /// `3 sessions`, whose sign-in was before recording.
    before: Option<String>,
    before_href: String,
    own: bool,
}

#[derive(Template)]
#[template(path = "pages/settings/panels.html")]
struct PanelsPage {
    shell: Shell,
    cards: Vec<Card>,
    version: &'static str,
    listen: String,
}

/// `GET /settings/panels`
pub(crate) async fn show(scene: Scene) -> Result<Response, WebError> {
    scene.viewer.require(Capability::Read)?;
    let app = Arc::clone(&scene.app);
    off_thread(&app, move || {
        let own = PanelInfo {
            name: PanelName::own(),
            upstream: None,
            listen: None,
        };
        let cards = scene
            .app
            .panels
            .iter()
            .chain([&own])
            .map(|panel| card(&scene, panel));
        let page = PanelsPage {
            shell: Shell::new(&scene.viewer, "Panels", Place::Panels),
            cards: cards.collect::<Result<_, _>>()?,
            version: scene.app.version,
            listen: scene.app.listen.to_string(),
        };
        Ok(Html(page.render().map_err(WebError::internal)?).into_response())
    })
    .await
}

fn view(words: &str, from: Option<Micros>) -> Result<View, WebError> {
    Ok(View {
        filter: Filter::parse(words)?,
        from,
        ..View::default()
    })
}

fn list(path: &str, words: &str, from: &str) -> String {
    address(
        path,
        &ViewQuery {
            q: words.to_owned(),
            from: Some(from.to_owned()),
            ..ViewQuery::default()
        },
    )
}

fn card(scene: &Scene, panel: &PanelInfo) -> Result<Card, WebError> {
    let (trail, face) = (&scene.app.trail, &scene.face);
    let words = format!("panel:{}", panel.name);
    let today = View {
        fold: true,
        ..view(&words, Some(face.day(0)))?
    };
    let newest = PageRequest {
        order: Order::Descending,
        limit: 1,
        cursor: None,
        last: false,
    };
    let page = trail.page(&view(&words, None)?, &newest)?;
    let own = panel.name.as_str() == PanelName::OWN;
    let before_words = format!("{words} is:unknown outcome:success");
    let before = if own {
        0
    } else {
        unknown_sessions(&scene.app, &view(&before_words, None)?)?
    };
    Ok(Card {
        name: panel.name.to_string(),
        listen: panel.listen.clone(),
        upstream: panel.upstream.clone(),
        today: counted(trail.count(&today)?, "request today", "requests today"),
        last: page.events.first().map_or_else(
            || "nothing recorded yet".to_owned(),
            |event| format!("last {}", face.ago(event.draft.time)),
        ),
        href: list(REQUESTS, &words, "today"),
        one_address: if own {
            None
        } else {
            one_address(scene, &words)?
        },
        before: (before > 0).then(|| counted(before, "session", "sessions")),
        before_href: list(SESSIONS, &before_words, ""),
        own,
    })
}

/// Whether all requests of the last seven days came from one address.
fn one_address(scene: &Scene, words: &str) -> Result<Option<OneAddress>, WebError> {
    let week = Micros(scene.now().0 - 7 * 86_400 * Micros::SECOND);
    let facet = scene
        .app
        .trail
        .facet(&view(words, Some(week))?, FacetField::Ip, 2)?;
    let [only] = facet.values.as_slice() else {
        return Ok(None);
    };
    let Some(ip) = only
        .value
        .clone()
        .filter(|_| facet.other == 0 && only.count >= ENOUGH)
    else {
        return Ok(None);
    };
    let bits = if ip.contains(':') { 128 } else { 32 };
    Ok(Some(OneAddress {
        requests: grouped(only.count),
        network: format!("{ip}/{bits}"),
        ip,
    }))
}

/// Sessions that nobody's sign-in was seen of, though their requests succeeded.
fn unknown_sessions(app: &App, view: &View) -> Result<u64, WebError> {
    let page = app.trail.sessions(view, 0, SESSIONS_SEEN)?;
    Ok(page
        .sessions
        .iter()
        .filter(|session| session.admin.is_none())
        .count() as u64)
}
