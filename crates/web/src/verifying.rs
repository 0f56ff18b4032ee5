//! `POST /monitoring/integrity/verify`: somebody wants to know now.

use std::sync::Arc;

use admintrail_capture::Declared;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use serde_json::json;

use crate::App;
use crate::around::wants_json;
use crate::auth::Viewer;
use crate::pages::wording::link::INTEGRITY;
use crate::sign_in::redirect;

/// The answer comes at once; how far it is, and what was found, the page says.
pub(crate) async fn begin(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    headers: HeaderMap,
) -> Response {
    let begun = app.verify(Some(viewer.admin()));
    let mut response = if wants_json(&headers) {
        Json(json!({"begun": begun})).into_response()
    } else {
        redirect(INTEGRITY)
    };
    let action = if begun {
        "Verified the record"
    } else {
        "Asked to verify the record while that was under way"
    };
    response.extensions_mut().insert(Declared {
        action: Some(action.to_owned()),
        object: Some("ledger".to_owned()),
        ..Declared::default()
    });
    response
}
