//! `/settings/panels`: each monitored panel, and what its record says about its set-up.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use admintrail_event::{Micros, PanelName};
use askama::Template;
use axum::response::{Html, IntoResponse, Response};

use crate::auth::Capability;
use crate::pages::by_panel::{self, ByPanel};
use crate::pages::parts::notice;
use crate::pages::parts::shell::{Place, Shell};
use crate::pages::scene::{Scene, off_thread};
use crate::pages::settings::routes::Routes;
use crate::pages::wording::link::{REQUESTS, SESSIONS, address};
use crate::pages::wording::number::{counted, grouped};
use crate::{DirectAccess, PanelInfo, Reach, ViewQuery, WebError};

/// So few requests from one address say nothing yet.
const ENOUGH: u64 = 20;

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
    /// Whether it answers around the recorder; `None` without a proxy.
    direct: Option<DirectAccess>,
    /// `3 sessions`, whose sign-in was before recording.
    before: Option<String>,
    before_href: String,
    /// What its preset says of its requests.
    routes: Option<Routes>,
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
            trusts_a_proxy: false,
        };
        let told = Told::look(&scene)?;
        let cards = scene
            .app
            .panels
            .iter()
            .chain([&own])
            .map(|panel| card(&scene, &told, panel))
            .collect::<Result<_, _>>()?;
        let page = PanelsPage {
            shell: Shell::new(&scene.viewer, "Panels", Place::Panels)
                .saying(notice::health(&scene.app, &scene.face)),
            cards,
            version: scene.app.version,
            listen: scene.app.listen.to_string(),
        };
        Ok(Html(page.render().map_err(WebError::internal)?).into_response())
    })
    .await
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

/// What the record says of all panels.
struct Told {
    by_panel: ByPanel,
    /// Of the last seven days.
    one_address: HashMap<String, (String, u64)>,
    unknown_sessions: BTreeMap<PanelName, u64>,
}

impl Told {
    fn look(scene: &Scene) -> Result<Self, WebError> {
        let week = Micros(scene.now().0 - 7 * 86_400 * Micros::SECOND);
        Ok(Self {
            by_panel: ByPanel::look(scene)?,
            one_address: by_panel::one_address(scene, week)?,
            unknown_sessions: by_panel::unknown_sessions(scene)?,
        })
    }

    /// Whether all requests came from one address.
    fn one_address(&self, panel: &PanelName) -> Option<OneAddress> {
        let (ip, requests) = self.one_address.get(panel.as_str())?;
        let bits = if ip.contains(':') { 128 } else { 32 };
        (*requests >= ENOUGH).then(|| OneAddress {
            requests: grouped(*requests),
            network: format!("{ip}/{bits}"),
            ip: ip.clone(),
        })
    }
}

fn card(scene: &Scene, told: &Told, panel: &PanelInfo) -> Result<Card, WebError> {
    let (face, name) = (&scene.face, &panel.name);
    let words = format!("panel:{name}");
    let own = name.as_str() == PanelName::OWN;
    let before = told.unknown_sessions.get(name).copied();
    let routes = match own {
        true => None,
        false => Routes::look(scene, name)?,
    };
    Ok(Card {
        name: name.to_string(),
        listen: panel.listen.clone(),
        upstream: panel.upstream.clone(),
        today: counted(told.by_panel.today(name), "request today", "requests today"),
        last: told.by_panel.last(name).map_or_else(
            || "nothing recorded yet".to_owned(),
            |at| format!("last {}", face.ago(at)),
        ),
        href: list(REQUESTS, &words, "today"),
        direct: panel.listen.as_ref().map(|_| scene.app.direct.of(name)),
        one_address: told
            .one_address(name)
            .filter(|_| !own && !panel.trusts_a_proxy),
        before: before
            .filter(|_| !own)
            .map(|count| counted(count, "session", "sessions")),
        before_href: list(SESSIONS, &format!("{words} is:unknown outcome:success"), ""),
        routes,
        own,
    })
}
