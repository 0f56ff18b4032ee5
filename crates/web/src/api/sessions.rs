//! Sessions of the panels: the events that share a sign-in or token.

use std::sync::Arc;

use admintrail_event::SessionHash;
use admintrail_store::{Relation, SessionRow, Total};
use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::{Counted, searched};
use crate::auth::Viewer;
use crate::view_query::Surface;
use crate::{App, ViewQuery, WebError, ending};

/// Farthest a page of sessions may begin.
const MAX_OFFSET: usize = 1_000_000;

/// `GET /api/v1/sessions`
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    query: ViewQuery,
) -> Result<Json<Value>, WebError> {
    query.only(&["offset"])?;
    let view = query.view(&viewer, Surface::Api, app.now())?;
    let limit = query.page_request(&viewer, Surface::Api)?.limit;
    let offset = match query.extra("offset") {
        None | Some("") => 0,
        Some(text) => text
            .parse()
            .ok()
            .filter(|n| *n <= MAX_OFFSET)
            .ok_or_else(|| {
                WebError::parameter(
                    "offset",
                    format!("send a whole number from 0 to {MAX_OFFSET}."),
                )
            })?,
    };
    let page = app
        .ask(move |trail| trail.sessions(&view, offset, limit))
        .await?;
    let total = Total {
        value: page.total,
        relation: match page.searched {
            None => Relation::Equal,
            Some(_) => Relation::AtLeast,
        },
    };
    let sessions: Vec<Value> = page.sessions.iter().map(|row| written(&app, row)).collect();
    Ok(Json(json!({
        "sessions": sessions,
        "total": Counted::from(total),
        "searched": searched(page.searched),
    })))
}

/// `GET /api/v1/sessions/{id}`
pub(crate) async fn one(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Result<Json<Value>, WebError> {
    let session: SessionHash = id.parse().map_err(|error: admintrail_event::IdError| {
        WebError::parameter("id", format!("{error}."))
    })?;
    let found = app.ask(move |trail| trail.session(&session)).await?;
    let row = found
        .into_iter()
        .find(|row| viewer.may_see(&row.panel))
        .ok_or(WebError::NoSuch("session"))?;
    Ok(Json(written(&app, &row)))
}

fn written(app: &App, row: &SessionRow) -> Value {
    let ended = app.control.ended(&row.panel, &row.session.0);
    let ips: Vec<String> = row.ips.iter().map(ToString::to_string).collect();
    json!({
        "session": row.session.to_string(),
        "panel": row.panel.as_str(),
        "admin": row.admin,
        "admin_name": row.admin_name,
        "start": row.start.to_string(),
        "last": row.last.to_string(),
        "signed_out": row.signed_out.filter(|_| row.is_over()).map(|at| at.to_string()),
        "ended": ended.as_ref().map(ending::written),
        "duration_us": row.last.0.saturating_sub(row.start.0),
        "requests": row.requests,
        "folded": row.folded,
        "changes": row.changes,
        "denied": row.denied,
        "ips": ips,
        "user_agent": row.user_agent,
    })
}
