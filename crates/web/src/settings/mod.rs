//! Saving what the settings pages show: plain forms go back to their page, scripts get JSON.

pub(crate) mod account;
pub(crate) mod tokens;

use std::sync::Arc;

use admintrail_capture::Declared;
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
    /// For the record.
    pub(crate) action: &'static str,
    /// For the record.
    pub(crate) object: Option<String>,
    /// What scripts get besides `saved`.
    pub(crate) json: Map<String, Value>,
    /// A secret to be shown once.
    pub(crate) new_token: Option<NewTokenShown>,
}

impl Saved {
    fn new(said: &'static str, action: &'static str) -> Self {
        Self {
            said,
            action,
            object: None,
            json: Map::new(),
            new_token: None,
        }
    }
}

/// Answers a form in the way it was sent.
fn answer(
    app: &App,
    viewer: &Viewer,
    headers: &HeaderMap,
    form: &Form,
    page: &'static str,
    result: Result<Saved, WebError>,
) -> Response {
    let declared = match &result {
        Ok(saved) => Declared {
            action: Some(saved.action.to_owned()),
            object: saved.object.clone(),
            ..Declared::default()
        },
        Err(_) => Declared {
            action: Some("Refused: a setting".to_owned()),
            ..Declared::default()
        },
    };
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
            redirect(own_path(form.text("next")).unwrap_or(page))
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
