//! What every page of the trail begins with: who looks, at what, in which zone.

use std::sync::Arc;

use admintrail_event::Micros;
use admintrail_store::View;
use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::auth::Viewer;
use crate::pages::wording::link::Links;
use crate::pages::wording::moment::Face;
use crate::view_query::Surface;
use crate::{App, ViewQuery, WebError};

/// Header by which our own script asks for parts of a page instead of the whole.
pub(crate) const FRAGMENT: &str = "x-fragment";

/// The request as a page needs it.
pub(crate) struct Scene {
    pub(crate) app: Arc<App>,
    pub(crate) viewer: Viewer,
    /// The view asked for, with the browser's zone filled in.
    pub(crate) query: ViewQuery,
    /// Makes addresses of views beside this one.
    pub(crate) links: Links,
    pub(crate) face: Face,
    /// Which parts are asked for; `None`: the page.
    pub(crate) fragment: Option<String>,
}

impl Scene {
    /// What to look at.
    pub(crate) fn view(&self) -> Result<View, WebError> {
        self.query.view(&self.viewer, Surface::Page, self.face.now)
    }

    /// What to look at, whatever the filter box says: for numbers beside a wrong filter.
    pub(crate) fn hides_me(&self) -> bool {
        self.query.hides_me(&self.viewer, Surface::Page)
    }

    /// Now.
    pub(crate) fn now(&self) -> Micros {
        self.face.now
    }

    /// Whether one of the parts of this name is asked for.
    pub(crate) fn wants(&self, fragment: &str) -> bool {
        self.fragment.as_deref() == Some(fragment)
    }
}

impl FromRequestParts<Arc<App>> for Scene {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, WebError> {
        let viewer = Viewer::from_request_parts(parts, app).await?;
        let query = match ViewQuery::from_request_parts(parts, app).await {
            Ok(query) => query,
            Err(never) => match never {},
        };
        let zone = query.zone(&viewer)?;
        let typed = ViewQuery::parse(parts.uri.query().unwrap_or_default());
        let fragment = parts
            .headers
            .get(FRAGMENT)
            .and_then(|value| value.to_str().ok());
        Ok(Self {
            links: Links::new(parts.uri.path(), typed),
            face: Face {
                zone,
                now: app.now(),
            },
            fragment: fragment.map(str::to_owned),
            app: Arc::clone(app),
            viewer,
            query,
        })
    }
}

/// Draws off the async threads: the queries of a page may take milliseconds.
pub(crate) async fn off_thread<T, F>(app: &App, draw: F) -> Result<T, WebError>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, WebError> + Send + 'static,
{
    app.ask(move |_| Ok(draw())).await?
}
