//! What people see.

use std::sync::Arc;

use axum::Router;

use crate::App;
use crate::auth::forms::{FailureView, LinkForm, ResetForm, SetupForm, SignInForm};

/// The pages, fragments and static files.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
}

/// Paths of [`routes`] that need no sign-in (static files). A trailing `/` stands for all below it.
pub const PUBLIC: &[&str] = &["/static/"];

/// A whole page.
pub fn error_page(failure: &FailureView) -> String {
    format!("<!doctype html><title>{0}</title><h1>{0}</h1>", failure.title)
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
