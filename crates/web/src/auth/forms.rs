//! What the forms before sign-in show; `pages` draws them.
//!
//! Each posts to the address it was got from, as `application/x-www-form-urlencoded`.

use crate::WebError;

/// `GET` and refused `POST /login`. Fields: `email`, `password`, `next` (hidden).
#[derive(Debug, Clone, Default)]
pub struct SignInForm {
    /// Where to go afterwards: a path of ours, already checked.
    pub next: String,
    /// What was typed before.
    pub email: String,
    /// Why it was refused.
    pub error: Option<WebError>,
    /// Nobody has an account yet: say that the server printed a setup link when it started.
    pub no_account_yet: bool,
}

/// `GET` and refused `POST /setup`. Fields: `token` (hidden), `email`, `name`, `password`,
/// `identities` (optional text: one panel identity a line or comma, `name` or `panel:name`), `place`
/// (optional: where else proof is kept).
#[derive(Debug, Clone, Default)]
pub struct SetupForm {
    /// To be sent back.
    pub token: String,
    /// What was typed before.
    pub email: String,
    /// What was typed before.
    pub name: String,
    /// What was typed before.
    pub identities: String,
    /// What was typed before.
    pub place: String,
    /// Why it was refused; a [`WebError::BadField`] names the field.
    pub error: Option<WebError>,
}

/// `GET /login/link`: a button that posts `token`, so that a preview of the link does not use it up.
#[derive(Debug, Clone)]
pub struct LinkForm {
    /// To be sent back.
    pub token: String,
    /// Who it signs in.
    pub email: String,
}

/// `GET` and refused `POST /reset`. Fields: `token` (hidden), `password`.
#[derive(Debug, Clone)]
pub struct ResetForm {
    /// To be sent back.
    pub token: String,
    /// Whose password.
    pub email: String,
    /// Why it was refused.
    pub error: Option<WebError>,
}

/// What an error page or fragment shows.
#[derive(Debug, Clone)]
pub struct FailureView {
    /// HTTP status.
    pub status: u16,
    /// Stable code.
    pub code: &'static str,
    /// Kind of error.
    pub title: &'static str,
    /// What is wrong and what to do.
    pub detail: String,
    /// To find it in the log.
    pub request_id: String,
    /// Whether somebody is signed in (draw the navigation).
    pub signed_in: bool,
}
