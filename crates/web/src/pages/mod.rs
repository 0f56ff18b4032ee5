//! What people see.
//!
//! A page has a view module that asks the trail, puts together what is drawn as plain texts, and
//! hands it to the template of its name. Templates decide nothing and escape everything.

mod agent;
mod chart;
mod chip;
mod drawer;
mod filters;
mod frame;
mod groups;
mod hue;
mod link;
mod moment;
mod notice;
mod number;
mod overview;
mod pager;
mod range;
mod refresh;
mod requests;
mod row;
mod scene;
mod sessions;
mod shell;
mod statics;
mod top;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use crate::App;
use crate::auth::forms::{FailureView, LinkForm, ResetForm, SetupForm, SignInForm};

/// The pages, fragments and static files.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/static/{version}/{name}", get(statics::serve))
        .route(link::REQUESTS, get(requests::show))
        .route(link::SESSIONS, get(sessions::show))
        .route(link::ADMINS, get(groups::admins))
        .route(link::ADDRESSES, get(groups::addresses))
}

/// Paths of [`routes`] that need no sign-in (static files). A trailing `/` stands for all below it.
pub const PUBLIC: &[&str] = &["/static/"];

/// A whole page.
pub fn error_page(failure: &FailureView) -> String {
    format!(
        "<!doctype html><title>{0}</title><h1>{0}</h1>",
        failure.title
    )
}

/// A piece of a page, for requests with the header `X-Fragment`.
pub fn error_fragment(failure: &FailureView) -> String {
    format!("<p role=\"alert\">{}</p>", failure.title)
}

/// `/login`
pub fn sign_in_form(_form: &SignInForm) -> String {
    String::new()
}

/// `/setup`
pub fn setup_form(_form: &SetupForm) -> String {
    String::new()
}

/// `/login/link`
pub fn link_form(_form: &LinkForm) -> String {
    String::new()
}

/// `/reset`
pub fn reset_form(_form: &ResetForm) -> String {
    String::new()
}
