//! Every route and everything around it.

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};

use crate::around::{Gates, answer, catch, gate, identify, same_origin};
use crate::routes::routes;
use crate::{App, WebError, pages};

/// The whole of our own pages and API. The binary serves it inside a `RecordLayer` (panel
/// `admintrail`, preset `admintrail`); requests carry [`admintrail_capture::Peer`] in their extensions.
pub fn router(app: Arc<App>) -> Router {
    let table = routes();
    let gates = Gates::of(&table, app.ledger_public);
    let mut router = pages::routes();
    for route in table {
        router = router.route(route.path, route.handler);
    }
    router
        .fallback(async || WebError::NotFound)
        // From here on the last is the outermost.
        .layer(from_fn(catch))
        .layer(from_fn_with_state(gates, gate))
        .layer(from_fn(same_origin))
        .layer(from_fn_with_state(Arc::clone(&app), identify))
        .layer(from_fn_with_state(Arc::clone(&app), answer))
        .with_state(app)
}
