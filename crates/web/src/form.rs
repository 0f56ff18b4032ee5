//! Forms as browsers send them.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::header;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::{App, WebError};

/// Most bytes of a form.
const MAX_BYTES: usize = 64 * 1024;
/// Longest wait for one.
const PATIENCE: Duration = Duration::from_secs(30);

/// The fields of a form, in order.
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// The last value of a field, if it was sent: a check box after its hidden "off" wins.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The last value of a field, or nothing, without blanks around it.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default().trim()
    }

    /// Every value of a field.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// A switch, if it was sent.
    pub(crate) fn switch(&self, name: &str) -> Option<bool> {
        self.get(name)
            .map(|value| !matches!(value, "0" | "false" | "off" | ""))
    }

    /// All fields but those that hold secrets.
    pub(crate) fn typed(&self) -> Vec<(String, String)> {
        let secret = |name: &str| matches!(name, "password" | "current" | "token");
        self.0
            .iter()
            .filter(|(name, _)| !secret(name))
            .cloned()
            .collect()
    }
}

impl FromRequest<Arc<App>> for Form {
    type Rejection = WebError;

    async fn from_request(request: Request, _app: &Arc<App>) -> Result<Self, WebError> {
        let kind = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        let kind = kind
            .unwrap_or_default()
            .split(';')
            .next()
            .unwrap_or_default()
            .trim();
        // An empty body needs no type: `fetch` sends a POST without one so.
        if !kind.is_empty() && !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            let message = "Send the fields as application/x-www-form-urlencoded.";
            return Err(WebError::BadBody(message.to_owned()));
        }
        let body = read(request.into_body(), MAX_BYTES, PATIENCE).await?;
        Ok(Self(
            url::form_urlencoded::parse(&body).into_owned().collect(),
        ))
    }
}

/// A whole body, if it is not too large and comes in time.
async fn read(body: Body, limit: usize, patience: Duration) -> Result<Bytes, WebError> {
    let collected = tokio::time::timeout(patience, Limited::new(body, limit).collect()).await;
    match collected.map_err(|_| late(patience))? {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(WebError::TooLarge { limit }),
        Err(_) => Err(broke_off()),
    }
}

pub(crate) fn late(patience: Duration) -> WebError {
    let seconds = patience.as_secs();
    WebError::BadBody(format!("The body did not arrive within {seconds} s."))
}

pub(crate) fn broke_off() -> WebError {
    WebError::BadBody("The body broke off.".to_owned())
}
