//! The one table of routes: what there is, who may ask, who answers. The gate, the OpenAPI
//! document's test and the role matrix all read it.

use std::sync::Arc;

use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter, on};
use http::Method;

use crate::App;
use crate::auth::Capability::{self, Audit, Export, Ingest, Manage, Metrics, OwnAccount, Read};
use crate::{api, ending, pages, settings, sign_in, verifying};

/// Who may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Public,
    /// A viewer with this capability.
    May(Capability),
    /// A viewer who may read; anybody where the configuration says so.
    Published,
}

/// One row of the table.
pub struct Route {
    /// Its method; a GET answers HEAD too.
    pub method: Method,
    /// Its path, as axum writes it.
    pub path: &'static str,
    /// Who may ask.
    pub access: Access,
    pub(crate) handler: MethodRouter<Arc<App>>,
}

fn get<H: Handler<T, Arc<App>>, T: 'static>(
    path: &'static str,
    access: Access,
    handler: H,
) -> Route {
    Route {
        method: Method::GET,
        path,
        access,
        handler: on(MethodFilter::GET, handler),
    }
}

fn post<H: Handler<T, Arc<App>>, T: 'static>(
    path: &'static str,
    access: Access,
    handler: H,
) -> Route {
    Route {
        method: Method::POST,
        path,
        access,
        handler: on(MethodFilter::POST, handler),
    }
}

/// Every route but those of [`crate::pages`], which are for viewers who may read.
#[must_use]
pub fn routes() -> Vec<Route> {
    use Access::{May, Public, Published};
    vec![
        // before sign-in
        get("/login", Public, sign_in::form),
        post("/login", Public, sign_in::submit),
        post("/logout", Public, sign_in::sign_out),
        get("/login/link", Public, sign_in::link::form),
        post("/login/link", Public, sign_in::link::submit),
        get("/setup", Public, sign_in::setup::form),
        post("/setup", Public, sign_in::setup::submit),
        get("/reset", Public, sign_in::reset::form),
        post("/reset", Public, sign_in::reset::submit),
        // one's own account
        post(
            "/settings/account/preferences",
            May(OwnAccount),
            settings::account::preferences,
        ),
        post(
            "/settings/account/identities",
            May(OwnAccount),
            settings::account::identities,
        ),
        post(
            "/settings/account/password",
            May(OwnAccount),
            settings::account::password,
        ),
        post(
            "/settings/account/sessions/end-others",
            May(OwnAccount),
            settings::account::end_others,
        ),
        post(
            "/settings/account/sessions/{id}/end",
            May(OwnAccount),
            settings::account::end_session,
        ),
        // for owners
        post("/settings/tokens", May(Manage), settings::tokens::create),
        post(
            "/settings/tokens/{id}/revoke",
            May(Manage),
            settings::tokens::revoke,
        ),
        post(
            "/settings/retention/resume",
            May(Manage),
            settings::retention::resume,
        ),
        post(
            "/settings/erasure/look",
            May(Manage),
            pages::look_before_erasing,
        ),
        post("/settings/erasure", May(Manage), settings::erasure::ask),
        post(
            "/settings/erasure/{id}/approve",
            May(Manage),
            settings::erasure::approve,
        ),
        post(
            "/settings/erasure/{id}/withdraw",
            May(Manage),
            settings::erasure::withdraw,
        ),
        post(
            "/monitoring/integrity/anchors",
            May(Manage),
            settings::anchors::add,
        ),
        post(
            "/monitoring/integrity/anchors/{id}/remove",
            May(Manage),
            settings::anchors::remove,
        ),
        post(
            "/monitoring/admin-sessions/sessions/{panel}/{session}/end",
            May(Manage),
            ending::from_page,
        ),
        // for owners and auditors
        post("/monitoring/integrity/verify", May(Audit), verifying::begin),
        // the record
        get("/api/v1/events", May(Read), api::events::list),
        post("/api/v1/events", May(Ingest), api::ingest::submit),
        get("/api/v1/events/{id}", May(Read), api::events::one),
        get("/api/v1/events/{id}/proof", May(Read), api::ledger::proof),
        get("/api/v1/histogram", May(Read), api::summaries::histogram),
        get("/api/v1/facets", May(Read), api::summaries::facets),
        get("/api/v1/attempts", May(Read), api::attempts::list),
        get("/api/v1/sessions", May(Read), api::sessions::list),
        get("/api/v1/sessions/{id}", May(Read), api::sessions::one),
        post(
            "/api/v1/sessions/{panel}/{session}/end",
            May(Manage),
            ending::from_api,
        ),
        get("/api/v1/stream", May(Read), api::stream::open),
        get("/api/v1/export", May(Export), api::export::download),
        get("/api/v1/openapi.json", Public, api::openapi::document),
        // the published ledger
        get("/ledger/checkpoint", Published, api::ledger::checkpoint),
        get("/ledger/tile/{*path}", Published, api::ledger::tile),
        get("/ledger/key", Published, api::ledger::key),
        // health
        get("/healthz", Public, api::health::alive),
        get("/readyz", Public, api::health::ready),
        get("/metrics", May(Metrics), api::health::metrics),
    ]
}
