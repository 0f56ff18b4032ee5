//! Which routes of a panel its preset has no line for, as Settings → Panels shows them.

use admintrail_event::filter::quote;
use admintrail_event::{Filter, Micros, NamelessRoute, PanelName, Preset, Survey, Surveyed};
use admintrail_store::View;

use crate::pages::parts::row::method_class;
use crate::pages::scene::Scene;
use crate::pages::wording::link::{REQUESTS, address};
use crate::pages::wording::number::counted;
use crate::{ViewQuery, WebError};

/// How far back is looked: what a panel did before is often no more.
const DAYS: i64 = 30;

/// Routes that are listed; lines for these make room for the next.
const LISTED: usize = 20;

/// What the record says of a panel's preset.
pub(super) struct Routes {
    pub(super) days: i64,
    /// `87.3 %`
    pub(super) percent: String,
    /// `12,345 requests`
    pub(super) requests: String,
    pub(super) rows: Vec<Row>,
    /// `12 routes`, beyond those that are listed.
    pub(super) more: Option<String>,
    /// Lines for the routes that are listed, in the order in which they are to be pasted.
    pub(super) lines: String,
    /// `3 requests`, that nobody got an answer to.
    pub(super) refused: Option<String>,
}

/// A route without a line.
pub(super) struct Row {
    pub(super) method: String,
    pub(super) method_class: &'static str,
    pub(super) route: String,
    pub(super) requests: String,
    pub(super) last: String,
    pub(super) example: String,
    /// The requests of the latest path.
    pub(super) href: String,
    pub(super) action: String,
}

impl Routes {
    /// `None`: nothing was recorded that could have a line.
    pub(super) fn look(scene: &Scene, panel: &PanelName) -> Result<Option<Self>, WebError> {
        let preset = (scene.app.presets)(panel).or_else(|| Preset::built_in("generic"));
        let Some(preset) = preset else {
            return Ok(None);
        };
        let view = View {
            filter: Filter::parse(&format!("panel:{panel}"))?,
            from: Some(Micros(scene.now().0 - DAYS * 86_400 * Micros::SECOND)),
            ..View::default()
        };
        let mut survey = Survey::new(&preset);
        let queries = survey.asks_queries();
        let trail = &scene.app.trail;
        trail.requests(&view, queries, |requests| survey.add(requests))?;
        let found = survey.finish();
        Ok(found
            .percent()
            .map(|percent| Self::of(scene, panel, &found, percent)))
    }

    fn of(scene: &Scene, panel: &PanelName, found: &Surveyed, percent: f64) -> Self {
        let row = |route: &NamelessRoute| Row {
            method: route.method.clone(),
            method_class: method_class(&route.method),
            route: route.route.clone(),
            requests: counted(route.count, "request", "requests"),
            last: scene.face.ago(route.last),
            href: of_path(panel, route),
            example: route.example.clone(),
            action: route.suggestion.action.clone(),
        };
        let more = found.routes.len().saturating_sub(LISTED) as u64;
        let lines: Vec<String> = found
            .suggestions_of(LISTED)
            .map(ToString::to_string)
            .collect();
        Self {
            days: DAYS,
            percent: format!("{percent:.1} %"),
            requests: counted(found.requests, "request", "requests"),
            rows: found.routes.iter().take(LISTED).map(row).collect(),
            more: (more > 0).then(|| counted(more, "more route", "more routes")),
            lines: lines.join("\n"),
            refused: (found.refused > 0).then(|| counted(found.refused, "request", "requests")),
        }
    }
}

/// The requests for the latest path; of the method alone where that is too long for a filter.
fn of_path(panel: &PanelName, route: &NamelessRoute) -> String {
    let path = route.example.split('?').next().unwrap_or_default();
    let method = format!("panel:{panel} method:{}", quote(&route.method));
    let exact = format!("{method} path:{}", quote(path));
    let filter = [exact, method]
        .into_iter()
        .find(|filter| Filter::parse(filter).is_ok());
    let query = ViewQuery {
        q: filter.unwrap_or_default(),
        from: Some(format!("-{DAYS}d")),
        ..ViewQuery::default()
    };
    address(REQUESTS, &query)
}
