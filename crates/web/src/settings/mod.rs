//! Saving what the settings pages show: plain forms go back to their page, scripts get JSON.

pub(crate) mod account;
pub(crate) mod anchors;
pub(crate) mod erasure;
pub(crate) mod retention;
pub(crate) mod tokens;

use std::sync::Arc;

use admintrail_capture::Declared;
use admintrail_event::Outcome;
use admintrail_store::control::{Account, SecretHash};
use axum::Json;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use serde_json::{Map, Value};

use crate::around::wants_json;
use crate::auth::{Flash, SecretShown, Viewer};
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
    pub(crate) new_token: Option<SecretShown>,
    /// The same of a receiver.
    pub(crate) new_receiver: Option<SecretShown>,
}

impl Saved {
    fn new(said: &'static str) -> Self {
        Self {
            said,
            object: None,
            json: Map::new(),
            new_token: None,
            new_receiver: None,
        }
    }
}

/// What a form is for.
#[derive(Clone, Copy)]
struct Purpose {
    /// Its page.
    page: &'static str,
    /// For the record: "Changed own password".
    done: &'static str,
    /// The same of what did not happen: "change own password".
    tried: &'static str,
}

impl Purpose {
    const fn new(page: &'static str, done: &'static str, tried: &'static str) -> Self {
        Self { page, done, tried }
    }

    /// What the record says of the form. The page that shows what is wrong comes by a redirect,
    /// which alone would look like a success.
    fn declared(self, result: &Result<Saved, WebError>) -> Declared {
        let (outcome, object) = match result {
            Ok(saved) => (Outcome::Success, saved.object.clone()),
            Err(error) => (Outcome::of_status(Some(error.status().as_u16())), None),
        };
        let action = match outcome {
            Outcome::Success | Outcome::Unknown => self.done.to_owned(),
            Outcome::Denied => format!("Denied: {}", self.tried),
            Outcome::Failed => format!("Failed: {}", self.tried),
            Outcome::Error => format!("Error: {}", self.tried),
        };
        Declared {
            action: Some(action),
            object,
            outcome: Some(outcome),
            ..Declared::default()
        }
    }
}

/// A form as it was sent, and by whom.
pub(crate) struct Sent {
    app: Arc<App>,
    viewer: Viewer,
    headers: HeaderMap,
    form: Form,
}

impl FromRequest<Arc<App>> for Sent {
    type Rejection = WebError;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, WebError> {
        let (mut parts, body) = request.into_parts();
        let viewer = Viewer::from_request_parts(&mut parts, app).await?;
        let headers = parts.headers.clone();
        let form = Form::from_request(Request::from_parts(parts, body), app).await?;
        Ok(Self {
            app: Arc::clone(app),
            viewer,
            headers,
            form,
        })
    }
}

impl Sent {
    /// The account and session of a person; a token has neither.
    fn own(&self) -> Result<(&Account, SecretHash), WebError> {
        match &self.viewer {
            Viewer::Account {
                account, session, ..
            } => Ok((account, *session)),
            Viewer::Token(_) => Err(WebError::Forbidden(
                "A token has no account to change.".to_owned(),
            )),
        }
    }

    /// The answer, in the way the form was sent.
    fn answer(self, purpose: Purpose, result: Result<Saved, WebError>) -> Response {
        let declared = purpose.declared(&result);
        let mut response = match (wants_json(&self.headers), result) {
            (true, Ok(saved)) => {
                let mut json = saved.json;
                json.insert("saved".into(), Value::Bool(true));
                Json(json).into_response()
            }
            (true, Err(error)) => error.into_response(),
            // What is no mistake in the form cannot be mended on its page.
            (false, Err(error)) if !is_mistake(&error) => error.into_response(),
            (false, result) => {
                self.leave(result);
                redirect(own_path(self.form.text("next")).unwrap_or(purpose.page))
            }
        };
        response.extensions_mut().insert(declared);
        response
    }

    /// Leaves what there is to say for the page.
    fn leave(&self, result: Result<Saved, WebError>) {
        let flash = match result {
            Ok(saved) => Flash {
                saved: Some(saved.said),
                new_token: saved.new_token,
                new_receiver: saved.new_receiver,
                ..Flash::default()
            },
            Err(error) => Flash {
                error: Some(Arc::new(error)),
                typed: self.form.typed(),
                ..Flash::default()
            },
        };
        if let Viewer::Account { session, .. } = &self.viewer {
            self.app.flashes.put(*session, flash, self.app.now());
        }
    }
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
