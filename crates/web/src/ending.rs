//! An owner ends a session of a panel: its proxy refuses what comes with it from then on.

use std::sync::Arc;

use admintrail_capture::Declared;
use admintrail_event::{PanelName, SessionHash};
use admintrail_store::SessionRow;
use admintrail_store::control::EndedSession;
use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::auth::{Capability, Viewer};
use crate::pages::wording::link::session_page;
use crate::sign_in::redirect;
use crate::{App, WebError};

/// Whether requests of this panel pass through us, so that we can refuse them.
pub(crate) fn is_guarded(app: &App, panel: &PanelName) -> bool {
    let guarded = |of: &&crate::PanelInfo| of.name == *panel && of.listen.is_some();
    app.panels.iter().any(|panel| guarded(&panel))
}

/// `POST /monitoring/admin-sessions/sessions/{panel}/{session}/end`: a form, so the answer leads
/// back to the session.
pub(crate) async fn from_page(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path((panel, session)): Path<(String, String)>,
) -> Response {
    let ended = end(&app, &viewer, &panel, &session).await;
    let mut response = match &ended.0 {
        Ok((row, _)) => redirect(&session_page(&row.panel, &row.session)),
        Err(_) => ().into_response(),
    };
    if let Err(error) = ended.0 {
        response = error.into_response();
    }
    response.extensions_mut().insert(ended.1);
    response
}

/// `POST /api/v1/sessions/{panel}/{session}/end`
pub(crate) async fn from_api(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path((panel, session)): Path<(String, String)>,
) -> Response {
    let (result, declared) = end(&app, &viewer, &panel, &session).await;
    let mut response = match result {
        Ok((row, ended)) => Json(json!({
            "panel": row.panel.as_str(),
            "session": row.session.to_string(),
            "ended": written(&ended),
        }))
        .into_response(),
        Err(error) => error.into_response(),
    };
    response.extensions_mut().insert(declared);
    response
}

/// As the API tells who ended a session, and when.
pub(crate) fn written(ended: &EndedSession) -> serde_json::Value {
    json!({"by": &*ended.by, "at": ended.at.to_string()})
}

type Ended = Result<(SessionRow, EndedSession), WebError>;

/// Ends it, unless it has been ended before, and tells the record.
async fn end(app: &App, viewer: &Viewer, panel: &str, session: &str) -> (Ended, Declared) {
    let result = try_to_end(app, viewer, panel, session).await;
    let done = result.is_ok();
    let declared = Declared {
        action: Some(
            if done {
                "Ended session"
            } else {
                "Failed: end session"
            }
            .to_owned(),
        ),
        object: session
            .parse::<SessionHash>()
            .ok()
            .map(|session| format!("session/{session}")),
        ..Declared::default()
    };
    (result, declared)
}

async fn try_to_end(app: &App, viewer: &Viewer, panel: &str, session: &str) -> Ended {
    viewer.require(Capability::Manage)?;
    let nothing = || WebError::NoSuch("session");
    let panel: PanelName = panel.parse().map_err(|_| nothing())?;
    let session: SessionHash = session.parse().map_err(|_| nothing())?;
    let rows = app.ask(move |trail| trail.session(&session)).await?;
    let row = rows.into_iter().find(|row| row.panel == panel);
    let row = row.ok_or_else(nothing)?;
    if !is_guarded(app, &panel) {
        return Err(WebError::Impossible(
            "Requests of this panel do not pass through Admintrail, so it cannot refuse them. End \
             the session in the panel itself.",
        ));
    }
    let by = viewer.account().map(|account| account.email.clone());
    let by = by.ok_or_else(|| WebError::Forbidden("A token cannot end sessions.".to_owned()))?;
    let now = app.now();
    app.control
        .end_panel_session(panel.clone(), session.0, by, now)
        .await?;
    let ended = app.control.ended(&panel, &session.0);
    let ended = ended.ok_or_else(|| WebError::internal("an ended session is not ended"))?;
    Ok((row, ended))
}
