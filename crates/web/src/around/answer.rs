//! The outermost: request ids, errors into pages, fragments or problems, headers, counts.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use admintrail_capture::{Declared, Peer};
use admintrail_event::Outcome;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};

use super::{headers, wants_json};
use crate::auth::Client;
use crate::auth::forms::FailureView;
use crate::auth::secret::random;
use crate::error::Failure;
use crate::sign_in::sign_in_address;
use crate::{App, WebError, pages};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// How an error is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Problem,
    Fragment,
    Page,
}

pub(crate) async fn answer(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Response {
    // Without random numbers the id is useless but the answer is not.
    let id: String = random::<8>()
        .unwrap_or_default()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let peer = request.extensions().get::<Peer>().copied();
    let client = Client::of(request.headers(), peer, &app.trusted_proxies);
    request.extensions_mut().insert(client);
    let asked = Asked::of(&request);

    let mut response = caught(next.run(request)).await;
    response = asked.finish(response, &id);
    app.counters.answered(response.status());
    headers::secure(response.headers_mut(), client.https);
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// The innermost: a handler that panics fails its own request alone, and what is known of who
/// asked is still recorded.
pub(crate) async fn catch(request: Request, next: Next) -> Response {
    caught(next.run(request)).await
}

async fn caught(response: impl Future<Output = Response>) -> Response {
    match AssertUnwindSafe(response).catch_unwind().await {
        Ok(response) => response,
        Err(panic) => {
            let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
            WebError::internal(format!("panic: {}", text.unwrap_or_default())).into_response()
        }
    }
}

/// What of the request the answer to an error depends on.
struct Asked {
    method: Method,
    uri: Uri,
    shape: Shape,
}

impl Asked {
    fn of(request: &Request) -> Self {
        Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            shape: shape(request.uri().path(), request.headers()),
        }
    }

    fn finish(&self, response: Response, id: &str) -> Response {
        let error = match response.extensions().get::<Failure>() {
            Some(Failure(error)) => Arc::clone(error),
            None if response.status() == StatusCode::METHOD_NOT_ALLOWED => {
                let allow = response.headers().get(header::ALLOW);
                let allow = allow
                    .and_then(|value| value.to_str().ok())
                    .unwrap_or("other methods");
                Arc::new(WebError::MethodNotAllowed {
                    allow: allow.to_owned(),
                })
            }
            None => return response,
        };
        self.log(&error, id);
        if matches!(*error, WebError::SignInNeeded) && self.shape == Shape::Page {
            return to_sign_in(&self.uri, response);
        }
        self.write(&error, response, id)
    }

    fn log(&self, error: &WebError, id: &str) {
        if let Some(cause) = error.cause() {
            let (method, path, code) = (&self.method, self.uri.path(), error.code());
            tracing::error!(request_id = id, %method, path, code, %cause, "a request failed");
        }
    }

    fn write(&self, error: &WebError, response: Response, id: &str) -> Response {
        let (mut parts, _) = response.into_parts();
        let signed_in = parts
            .extensions
            .get::<Declared>()
            .is_some_and(|declared| declared.admin.is_some());
        let (kind, body) = match self.shape {
            Shape::Problem => ("application/problem+json", error.problem(id).to_string()),
            shape => {
                let view = FailureView {
                    status: error.status().as_u16(),
                    code: error.code(),
                    title: error.title(),
                    detail: error.to_string(),
                    request_id: id.to_owned(),
                    signed_in,
                };
                let draw = if shape == Shape::Page {
                    pages::error_page
                } else {
                    pages::error_fragment
                };
                ("text/html; charset=utf-8", draw(&view))
            }
        };
        parts.headers.remove(header::CONTENT_LENGTH);
        parts
            .headers
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        if error.status() == StatusCode::UNAUTHORIZED && self.shape == Shape::Problem {
            parts
                .headers
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        let body = if self.method == Method::HEAD {
            Body::empty()
        } else {
            Body::from(body)
        };
        Response::from_parts(parts, body)
    }
}

fn shape(path: &str, headers: &HeaderMap) -> Shape {
    let program = ["/api/", "/ledger/", "/metrics", "/healthz", "/readyz"]
        .iter()
        .any(|start| path.starts_with(start));
    if headers.contains_key("x-fragment") {
        Shape::Fragment
    } else if program || wants_json(headers) || headers.contains_key(header::AUTHORIZATION) {
        Shape::Problem
    } else {
        Shape::Page
    }
}

/// A redirect looks like a success, but nothing was shown.
fn to_sign_in(uri: &Uri, response: Response) -> Response {
    let (mut parts, _) = response.into_parts();
    let declared = parts.extensions.get_or_insert_default::<Declared>();
    declared.outcome = Some(Outcome::Denied);
    declared.action = Some("Sent to sign-in".to_owned());
    parts.status = StatusCode::SEE_OTHER;
    let target = uri.path_and_query().map_or("/", |path| path.as_str());
    if let Ok(value) = HeaderValue::from_str(&sign_in_address(target)) {
        parts.headers.insert(header::LOCATION, value);
    }
    Response::from_parts(parts, Body::empty())
}
