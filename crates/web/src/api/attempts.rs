//! Who tries to get in, by address or by tried name.

use std::sync::Arc;

use admintrail_store::{AttemptGroup, AttemptsBy};
use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::searched;
use crate::auth::Viewer;
use crate::view_query::Surface;
use crate::{App, ViewQuery, WebError};

/// How many values of the other kind are named.
const NAMED: usize = 10;

/// `GET /api/v1/attempts?by=`
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    query: ViewQuery,
) -> Result<Json<Value>, WebError> {
    query.only(&["by"])?;
    let view = query.view(&viewer, Surface::Api, app.now())?;
    let by = match query.extra("by") {
        Some("ip") => AttemptsBy::Ip,
        Some("name") => AttemptsBy::Name,
        _ => return Err(WebError::parameter("by", "send `ip` or `name`.")),
    };
    let limit = match query.limit.as_deref() {
        None | Some("") => 20,
        Some(_) => query.page_request(&viewer, Surface::Api)?.limit,
    };
    let found = app
        .ask(move |trail| trail.attempts(&view, by, limit, NAMED))
        .await?;
    let rows: Vec<Value> = found.rows.iter().map(|row| written(row, by)).collect();
    let by = match by {
        AttemptsBy::Ip => "ip",
        AttemptsBy::Name => "name",
    };
    Ok(Json(json!({
        "by": by,
        "attempts": rows,
        "values": found.values,
        "other": found.other,
        "searched": searched(found.searched),
    })))
}

fn written(row: &AttemptGroup, by: AttemptsBy) -> Value {
    let mut json = json!({
        "value": row.value,
        "attempts": row.attempts,
        "sign_ins": row.sign_ins,
        "first": row.first.to_string(),
        "last": row.last.to_string(),
        "succeeded": row.succeeded.as_ref().map(|succeeded| json!({
            "at": succeeded.at.to_string(),
            "admin": succeeded.admin,
            "after": succeeded.after,
        })),
    });
    let others = match by {
        AttemptsBy::Ip => ["names", "names_total"],
        AttemptsBy::Name => ["ips", "ips_total"],
    };
    if let Some(map) = json.as_object_mut() {
        let [names, total] = others.map(str::to_owned);
        map.insert(names, json!(row.others));
        map.insert(total, json!(row.others_total));
    }
    json
}
