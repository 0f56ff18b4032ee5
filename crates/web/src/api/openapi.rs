//! `GET /api/v1/openapi.json`: what this API takes and answers. A test holds it against the routes.

use axum::response::IntoResponse;
use http::header;

/// OpenAPI 3.1, written by hand beside the code it describes.
pub(crate) const DOCUMENT: &str = include_str!("openapi.json");

/// `GET /api/v1/openapi.json`
pub(crate) async fn document() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT)
}
