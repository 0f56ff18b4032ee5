//! Reading events.

use std::sync::Arc;

use admintrail_event::{EventId, EventJson};
use admintrail_store::Page;
use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use serde::Serialize;
use serde_json::Value;

use super::{Counted, searched};
use crate::auth::Viewer;
use crate::view_query::Surface;
use crate::{App, ViewQuery, WebError};

/// The answer of `GET /api/v1/events`.
#[derive(Serialize)]
struct Listed<'a> {
    events: Vec<EventJson<'a>>,
    newer: Option<String>,
    older: Option<String>,
    total: Counted,
    hidden: u64,
    folded: u64,
    folded_assets: u64,
    searched: Value,
    /// Events that damaged segments hold and no answer has.
    missing: u64,
}

/// `GET /api/v1/events`
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    query: ViewQuery,
) -> Result<Response, WebError> {
    query.only(&[])?;
    let view = query.view(&viewer, Surface::Api, app.now())?;
    let request = query.page_request(&viewer, Surface::Api)?;
    // Written where it is read: 1,000 events are a megabyte of JSON.
    let json = app
        .ask(move |trail| {
            let page = trail.page(&view, &request);
            page.map(|page| listed(&page, trail.missing(&view)))
        })
        .await??;
    Ok((
        [(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        )],
        json,
    )
        .into_response())
}

fn listed(page: &Page, missing: u64) -> Result<Vec<u8>, WebError> {
    let listed = Listed {
        events: page.events.iter().map(EventJson).collect(),
        newer: page.newer.map(|cursor| cursor.to_string()),
        older: page.older.map(|cursor| cursor.to_string()),
        total: page.total.into(),
        hidden: page.hidden,
        folded: page.folded.all(),
        folded_assets: page.folded.assets,
        searched: searched(page.searched),
        missing,
    };
    serde_json::to_vec(&listed).map_err(WebError::internal)
}

/// `GET /api/v1/events/{id}`
pub(crate) async fn one(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    let id: EventId = id.parse().map_err(|error: admintrail_event::IdError| {
        WebError::parameter("id", format!("{error}."))
    })?;
    let found = app.ask(move |trail| trail.event(id)).await?;
    let event = found
        .filter(|event| viewer.may_see(&event.draft.panel))
        .ok_or(WebError::NoSuch("event"))?;
    Ok(Json(EventJson(&event)).into_response())
}
