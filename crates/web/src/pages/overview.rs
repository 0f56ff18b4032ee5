//! What the tabs Sessions, Admins and IP addresses share.

use admintrail_capture::Declared;
use admintrail_store::{SessionsPage, View};
use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;

use crate::WebError;
use crate::pages::scene::Scene;
use crate::pages::wording::link::Links;
use crate::pages::wording::number::{AT_LEAST, grouped, some};

/// Why a table has no rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Emptiness {
    /// It has some.
    No,
    /// Nothing matches.
    Nothing,
    /// Nothing was found yet; the search goes on.
    SoFar,
    /// The filter or the range has a mistake.
    Mistake,
}

impl Emptiness {
    pub(crate) fn of(rows: Option<usize>, searching: bool) -> Self {
        match rows {
            None => Self::Mistake,
            Some(0) if searching => Self::SoFar,
            Some(0) => Self::Nothing,
            Some(_) => Self::No,
        }
    }
}

/// The status of a page with such a view.
pub(crate) fn status(view: &Result<View, WebError>) -> StatusCode {
    match view {
        Err(error) => error.status(),
        Ok(_) => StatusCode::OK,
    }
}

/// The answer, with what the record says about it.
pub(crate) fn respond(
    scene: &Scene,
    status: StatusCode,
    html: Result<String, askama::Error>,
    action: &str,
) -> Result<Response, WebError> {
    let mut response = (status, Html(html.map_err(WebError::internal)?)).into_response();
    let words = scene.links.typed().q.trim();
    response.extensions_mut().insert(Declared {
        action: Some(action.to_owned()),
        object: (!words.is_empty()).then(|| words.to_owned()),
        ..Declared::default()
    });
    Ok(response)
}

/// How many rows are left out before the page: `offset`.
pub(crate) fn offset(scene: &Scene) -> usize {
    scene
        .query
        .extra("offset")
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
        .min(1_000_000)
}

/// The ways to the pages beside this one.
#[derive(Debug, Clone)]
pub(crate) struct Steps {
    /// `51–100 of 312`
    pub(crate) span: String,
    /// What is to be said of its numbers.
    pub(crate) about: Option<&'static str>,
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
}

impl Steps {
    pub(crate) fn new(links: &Links, offset: usize, rows: usize, page: &SessionsPage) -> Self {
        let (shown, searching) = (page.sessions.len(), page.searched.is_some());
        let all = some(page.total, searching);
        let at = |offset: usize| {
            let href = links.fresh(|_| {});
            let mark = if href.contains('?') { '&' } else { '?' };
            if offset == 0 {
                href
            } else {
                format!("{href}{mark}offset={offset}")
            }
        };
        let (first, end) = (offset as u64 + 1, (offset + shown) as u64);
        Self {
            span: if shown == 0 {
                format!("0 of {all}")
            } else {
                format!("{}–{} of {all}", grouped(first), grouped(end))
            },
            about: searching.then_some(AT_LEAST),
            before: (offset > 0).then(|| at(offset.saturating_sub(rows))),
            after: (end < page.total).then(|| at(offset + rows)),
        }
    }
}
