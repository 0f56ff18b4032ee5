//! Every route and everything around it.

use std::sync::Arc;

use axum::Router;

use crate::{App, pages};

/// The whole of our own pages and API. The binary serves it inside a `RecordLayer` (panel
/// `admintrail`, preset `admintrail`); requests carry [`admintrail_capture::Peer`] in their extensions.
pub fn router(app: Arc<App>) -> Router {
    Router::new().merge(pages::routes()).with_state(app)
}
