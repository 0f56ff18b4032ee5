//! What people see.
//!
//! A page has a view module that asks the trail, puts together what is drawn as plain texts, and
//! hands it to the template of its name. Templates decide nothing and escape everything.

mod alerts;
mod by_panel;
mod dashboard;
mod entry;
mod failure;
mod groups;
mod integrity;
mod overview;
mod parts;
mod requests;
mod scene;
mod sessions;
mod settings;
mod statics;
mod timeline;
pub(crate) mod wording;

use std::sync::Arc;

use axum::Router;
use axum::response::Redirect;
use axum::routing::{MethodRouter, get};

use crate::App;
use crate::auth::forms::{FailureView, LinkForm, ResetForm, SetupForm, SignInForm};
use crate::pages::wording::link;

pub(crate) use settings::erasure::look as look_before_erasing;

/// The pages, fragments and static files.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/static/{version}/{name}", get(statics::serve))
        .route("/", get(dashboard::show))
        .route(link::REQUESTS, get(requests::show))
        .route(link::SESSIONS, get(sessions::show))
        .route(
            "/monitoring/admin-sessions/sessions/{panel}/{session}",
            get(timeline::show),
        )
        .route(link::ADMINS, get(groups::admins))
        .route(link::ADDRESSES, get(groups::addresses))
        .route(link::ALERTS, get(alerts::show))
        .route(link::INTEGRITY, get(integrity::show))
        .route("/monitoring", to(link::REQUESTS))
        .route("/settings", to(link::ACCOUNT))
        .route(link::ACCOUNT, get(settings::account::show))
        .route(link::ERASURE, get(settings::erasure::show))
        .route("/settings/panels", get(settings::panels::show))
        .route("/settings/retention", get(settings::retention::show))
        .route("/settings/tokens", get(settings::tokens::show))
}

/// A path that people shorten leads to its first page.
fn to(page: &'static str) -> MethodRouter<Arc<App>> {
    get(move || async move { Redirect::to(page) })
}

/// Paths of [`routes`] that need no sign-in (static files). A trailing `/` stands for all below it.
pub const PUBLIC: &[&str] = &["/static/"];

/// A whole page.
#[must_use]
pub fn error_page(failure: &FailureView) -> String {
    failure::page(failure)
}

/// A piece of a page, for requests with the header `X-Fragment`.
#[must_use]
pub fn error_fragment(failure: &FailureView) -> String {
    failure::part(failure)
}

/// `/login`
#[must_use]
pub fn sign_in_form(form: &SignInForm) -> String {
    entry::sign_in(form)
}

/// `/setup`
#[must_use]
pub fn setup_form(form: &SetupForm) -> String {
    entry::setup(form)
}

/// `/login/link`
#[must_use]
pub fn link_form(form: &LinkForm) -> String {
    entry::link(form)
}

/// `/reset`
#[must_use]
pub fn reset_form(form: &ResetForm) -> String {
    entry::reset(form)
}

#[cfg(test)]
mod tests;
