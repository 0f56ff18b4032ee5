//! What a panel's requests mean: sign-in routes, API rule, secrets, and sentences for routes.

use std::sync::Arc;

use crate::{Outcome, RequestType};

/// What is known of a request before it is forwarded. Texts are raw, as sent (already UTF-8 safe).
#[derive(Debug, Clone, Copy)]
pub struct RequestHead<'a> {
    /// Method token.
    pub method: &'a str,
    /// Path as sent.
    pub path: &'a str,
    /// Query as sent, not yet redacted.
    pub query: Option<&'a str>,
    /// `Accept`.
    pub accept: Option<&'a str>,
    /// `X-Requested-With`.
    pub requested_with: Option<&'a str>,
    /// Whether `Authorization: Bearer` (or a token scheme) was sent.
    pub bearer: bool,
    /// `Sec-Fetch-Dest`, which tells assets from pages.
    pub fetch_dest: Option<&'a str>,
}

/// A request's place in the life of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// None of the others.
    Ordinary,
    /// Submits credentials (POST of the sign-in route).
    SignIn,
    /// Shows the sign-in form (GET of the sign-in route).
    SignInForm,
    /// Submits or shows a second factor.
    SecondFactor,
    /// Ends the session.
    SignOut,
}

/// What a preset says of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// API or WEB.
    pub request_type: RequestType,
    /// Route template, ids replaced by `{id}`.
    pub route: String,
    /// The action if it succeeds: "Changed settings".
    pub action: String,
    /// What it touches.
    pub object: Option<String>,
    /// Style, script, image, font.
    pub asset: bool,
    /// A route that pages repeat by themselves.
    pub polling: bool,
    /// Sign-in, sign-out or neither.
    pub step: Step,
}

/// Rules of one panel, parsed from a TOML file.
#[derive(Debug)]
pub struct Preset {/* private */}

/// A mistake in a preset file, with line and remedy.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct PresetError {
    /// What is wrong, where, what to do.
    pub message: String,
    /// 1-based line, where known.
    pub line: Option<usize>,
}

impl Preset {
    /// Names of the compiled-in presets.
    pub const BUILT_IN: &'static [&'static str] = &["generic", "django-admin"];

    /// A compiled-in preset.
    #[must_use]
    pub fn built_in(_name: &str) -> Option<Arc<Self>> {
        todo!()
    }

    /// Reads a preset file. `extends = "generic"` takes over another's rules.
    pub fn parse(_toml: &str) -> Result<Self, PresetError> {
        todo!()
    }

    /// What the request is. Matched on the normal form of the path; cheap (a few µs).
    #[must_use]
    pub fn read(&self, _head: &RequestHead<'_>) -> Reading {
        todo!()
    }

    /// The sentence to record once the outcome is known.
    /// `Denied: …` / `Failed: …` / `Error: …`, "Signed in", "Failed sign-in as NAME",
    /// "Sent to sign-in", "Signed out". `attempted` is already what may be shown.
    #[must_use]
    pub fn sentence(
        &self,
        _reading: &Reading,
        _outcome: Outcome,
        _sent_to_sign_in: bool,
        _attempted: Option<&str>,
    ) -> String {
        todo!()
    }

    /// Whether a redirect target (path, maybe with query or absolute) is a sign-in or second-factor route.
    #[must_use]
    pub fn is_sign_in_target(&self, _location: &str) -> Option<Step> {
        todo!()
    }

    /// The form or JSON fields that may hold the user name, the preferred first.
    #[must_use]
    pub fn user_name_fields(&self) -> &[String] {
        todo!()
    }

    /// Whether a cookie of this name carries the session: `Some(true)` yes, `Some(false)` never
    /// (CSRF, test cookies), `None` unknown: any cookie that a sign-in sets may.
    #[must_use]
    pub fn is_session_cookie(&self, _name: &str) -> Option<bool> {
        todo!()
    }

    /// The query with secret values replaced by `[redacted]`, names in any case, encoded once or twice.
    #[must_use]
    pub fn redact_query(&self, _query: &str) -> String {
        todo!()
    }

    /// The path with secret segments replaced by `[redacted]`.
    #[must_use]
    pub fn redact_path(&self, _path: &str) -> String {
        todo!()
    }
}
