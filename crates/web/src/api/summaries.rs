//! Counts: over time, and by value.

use std::sync::Arc;

use admintrail_store::{FacetField, Histogram};
use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::searched;
use crate::auth::Viewer;
use crate::view_query::{Surface, midnight};
use crate::{App, ViewQuery, WebError};

/// Fields that can be counted by, as `field=` names them.
pub(crate) const FIELDS: [(&str, FacetField); 13] = [
    ("admin", FacetField::Admin),
    ("ip", FacetField::Ip),
    ("type", FacetField::Type),
    ("method", FacetField::Method),
    ("status", FacetField::Status),
    ("outcome", FacetField::Outcome),
    ("action", FacetField::Action),
    ("route", FacetField::Route),
    ("panel", FacetField::Panel),
    ("agent", FacetField::Agent),
    ("object", FacetField::Object),
    ("attempted", FacetField::Attempted),
    ("known_by", FacetField::KnownBy),
];

/// `GET /api/v1/histogram`
pub(crate) async fn histogram(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    query: ViewQuery,
) -> Result<Json<Value>, WebError> {
    query.only(&["buckets"])?;
    let view = query.view(&viewer, Surface::Api, app.now())?;
    let buckets = number(&query, "buckets", 60, 1_000)?;
    let origin = midnight(&query.zone(&viewer)?, app.now());
    let counted = app
        .ask(move |trail| trail.histogram(&view, buckets, origin))
        .await?;
    Ok(Json(written(&counted)))
}

fn written(counted: &Histogram) -> Value {
    let width = counted.width;
    let buckets: Vec<Value> = (0_i64..)
        .zip(&counted.buckets)
        .map(|(n, bucket)| {
            let from =
                admintrail_event::Micros(counted.from.0.saturating_add(width.saturating_mul(n)));
            json!({
                "from": from.to_string(),
                "read": bucket.read,
                "changed": bucket.changed,
                "denied": bucket.denied,
            })
        })
        .collect();
    json!({
        "from": counted.from.to_string(),
        "to": counted.to.to_string(),
        "width_s": width / admintrail_event::Micros::SECOND,
        "buckets": buckets,
        "searched": searched(counted.searched),
    })
}

/// `GET /api/v1/facets?field=`
pub(crate) async fn facets(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    query: ViewQuery,
) -> Result<Json<Value>, WebError> {
    query.only(&["field"])?;
    let view = query.view(&viewer, Surface::Api, app.now())?;
    let name = query.extra("field").unwrap_or_default();
    let field = FIELDS
        .iter()
        .find(|(word, _)| *word == name)
        .map(|(_, field)| *field)
        .ok_or_else(|| {
            let words: Vec<&str> = FIELDS.iter().map(|(word, _)| *word).collect();
            WebError::parameter("field", format!("send one of {}.", words.join(", ")))
        })?;
    let limit = match query.limit.as_deref() {
        None | Some("") => 20,
        Some(_) => query.page_request(&viewer, Surface::Api)?.limit,
    };
    let facet = app
        .ask(move |trail| trail.facet(&view, field, limit))
        .await?;
    let values: Vec<Value> = facet
        .values
        .iter()
        .map(|value| json!({"value": value.value, "count": value.count}))
        .collect();
    Ok(Json(json!({
        "field": name,
        "values": values,
        "other": facet.other,
        "searched": searched(facet.searched),
    })))
}

/// A whole number among the other parameters.
pub(super) fn number(
    query: &ViewQuery,
    name: &str,
    default: usize,
    max: usize,
) -> Result<usize, WebError> {
    match query.extra(name) {
        None | Some("") => Ok(default),
        Some(text) => text
            .parse()
            .ok()
            .filter(|n| (1..=max).contains(n))
            .ok_or_else(|| {
                WebError::parameter(name, format!("send a whole number from 1 to {max}."))
            }),
    }
}
