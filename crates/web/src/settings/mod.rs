//! Saving what the settings pages show: plain forms go back to their page, scripts get JSON.

pub(crate) mod account;
pub(crate) mod tokens;

use std::sync::Arc;

use admintrail_capture::Declared;
use admintrail_event::Outcome;
use axum::Json;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use serde_json::{Map, Value};

use crate::around::wants_json;
use crate::auth::{Flash, NewTokenShown, Viewer};
use crate::form::Form;
use crate::sign_in::{own_path, redirect};
use crate::{App, WebError};

/// A form that was saved.
pub(crate) struct Saved {
    /// A sentence for the page.
    pub(crate) said: &'static str,
    /// For the record: what it touched.
    pub(crate) object: Option<String>,
    /// What scripts get besides `saved`.
    pub(crate) json: Map<String, Value>,
    /// A secret to be shown once.
    pub(crate) new_token: Option<NewTokenShown>,
}

impl Saved {
    fn new(said: &'static str) -> Self {
        Self {
            said,
            object: None,
            json: Map::new(),
            new_token: None,
        }
    }
}

/// What a form is for.
#[derive(Clone, Copy)]
struct Purpose {
    /// Its page.
    page: &'static str,
    /// For the record: "Changed own password".
    action: &'static str,
}

impl Purpose {
    /// What the record says of the form. The page that shows what is wrong comes by a redirect,
    /// which alone would look like a success.
    fn declared(self, result: &Result<Saved, WebError>) -> Declared {
        let (outcome, object) = match result {
            Ok(saved) => (Outcome::Success, saved.object.clone()),
            Err(error) => (Outcome::of_status(Some(error.status().as_u16())), None),
        };
        let lower = || {
            let mut letters = self.action.chars();
            let first = letters.next().map(|first| first.to_ascii_lowercase());
            first.into_iter().chain(letters).collect::<String>()
        };
        let action = match outcome {
            Outcome::Success | Outcome::Unknown => self.action.to_owned(),
            Outcome::Denied => format!("Denied: {}", lower()),
            Outcome::Failed => format!("Failed: {}", lower()),
            Outcome::Error => format!("Error: {}", lower()),
        };
        Declared {
            action: Some(action),
            object,
            outcome: Some(outcome),
            ..Declared::default()
        }
    }
}

/// Answers a form in the way it was sent.
fn answer(
    app: &App,
    viewer: &Viewer,
    headers: &HeaderMap,
    form: &Form,
    purpose: Purpose,
    result: Result<Saved, WebError>,
) -> Response {
    let declared = purpose.declared(&result);
    let mut response = match (wants_json(headers), result) {
        (true, Ok(saved)) => {
            let mut json = saved.json;
            json.insert("saved".into(), Value::Bool(true));
            Json(json).into_response()
        }
        (true, Err(error)) => error.into_response(),
        // What is no mistake in the form cannot be mended on its page.
        (false, Err(error)) if !is_mistake(&error) => error.into_response(),
        (false, result) => {
            let flash = match result {
                Ok(saved) => Flash {
                    saved: Some(saved.said),
                    new_token: saved.new_token,
                    ..Flash::default()
                },
                Err(error) => Flash {
                    error: Some(Arc::new(error)),
                    typed: form.typed(),
                    ..Flash::default()
                },
            };
            if let Viewer::Account { session, .. } = viewer {
                app.flashes.put(*session, flash, app.now());
            }
            redirect(own_path(form.text("next")).unwrap_or(purpose.page))
        }
    };
    response.extensions_mut().insert(declared);
    response
}

fn is_mistake(error: &WebError) -> bool {
    matches!(
        error,
        WebError::BadField { .. }
            | WebError::BadBody(_)
            | WebError::TooMany { .. }
            | WebError::NoSuch(_)
    )
}

fn wrong(field: &'static str, message: impl Into<String>) -> WebError {
    WebError::BadField {
        field,
        message: message.into(),
    }
}
