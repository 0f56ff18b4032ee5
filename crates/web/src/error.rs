//! The one place that turns what went wrong into a page, a fragment or a problem document.
//!
//! A handler returns [`WebError`]; its bare response carries the error in the extensions, and the
//! outermost middleware, which knows the request, its id and how it wants to be answered, writes
//! the body: RFC 9457 for the API, a page for a person, a fragment for our own scripts.
//! Code and request id go out; the cause goes to the log.

use std::ops::Range;
use std::sync::Arc;

use admintrail_event::FilterError;
use admintrail_store::StoreError;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};

/// Why a request was not answered as asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WebError {
    /// WEB-001
    #[error("There is nothing at this address.")]
    NotFound,
    /// WEB-002
    #[error("Sign in first, or send `Authorization: Bearer` with an API token.")]
    SignInNeeded,
    /// WEB-003
    #[error("{0}")]
    Forbidden(String),
    /// WEB-004
    #[error("This request came from another site. Open Admintrail and try again there.")]
    CrossOrigin,
    /// WEB-005: a query parameter.
    #[error("{name}: {message}")]
    BadParameter {
        /// The parameter.
        name: String,
        /// What is wrong and what to send instead.
        message: String,
    },
    /// WEB-006: a body or form.
    #[error("{0}")]
    BadBody(String),
    /// WEB-007
    #[error("The body is larger than {limit} bytes. Send it in smaller parts.")]
    TooLarge {
        /// Most bytes.
        limit: usize,
    },
    /// WEB-008
    #[error("E-mail or password is wrong.")]
    WrongCredentials,
    /// WEB-009
    #[error("{what} Try again in {after_s} s.")]
    TooMany {
        /// Too many of what.
        what: String,
        /// Seconds.
        after_s: u64,
    },
    /// WEB-010
    #[error("{what} Try again in {after_s} s.")]
    Busy {
        /// What is busy.
        what: String,
        /// Seconds.
        after_s: u64,
    },
    /// WEB-011
    #[error("This link has been used, has expired, or was never made. {remedy}")]
    DeadLink {
        /// How to get another.
        remedy: &'static str,
    },
    /// WEB-012
    #[error("This address answers {allow} only.")]
    MethodNotAllowed {
        /// The methods.
        allow: String,
    },
    /// WEB-013: a form field.
    #[error("{message}")]
    BadField {
        /// The field.
        field: &'static str,
        /// What is wrong and what to enter instead.
        message: String,
    },
    /// WEB-014: submitted events that cannot be taken.
    #[error("{} of the submitted events cannot be taken, so none was.", .0.len())]
    BadEvents(Vec<BadEvent>),
    /// WEB-015: events whose id belongs to another event.
    #[error("{} of the submitted events have an id that belongs to a different event.", .0.conflicts)]
    Conflict(Box<Conflict>),
    /// WEB-016
    #[error("There is no such {0}.")]
    NoSuch(&'static str),
    /// WEB-017
    #[error("Something went wrong on our side. The log names the cause under this request id.")]
    Internal {
        /// For the log alone.
        cause: String,
    },
    /// WEB-018
    #[error("The body has more than {limit} events. Send them in smaller parts.")]
    TooManyEvents {
        /// Most events.
        limit: usize,
    },
    /// WEB-019: nothing is wrong with the request, but it cannot be done here.
    #[error("{0}")]
    Impossible(&'static str),
    /// WEB-020: `/readyz` while nothing can be recorded, with what it says else.
    #[error("Nothing can be recorded at the moment. The log names the cause.")]
    NotReady(Map<String, Value>),
    /// WEB-021: more than a proof pack may hold.
    #[error("This view has more than {} events, more than fit into one export with proof. Narrow it by time or filter, or take a plain format.", crate::thousands::grouped(*limit))]
    TooManyForPack {
        /// Most events.
        limit: u64,
    },
    /// WEB-022: an event that no proof can be made for, because it is not what it was.
    #[error("{0}")]
    NotAsRecorded(String),
    /// FILTER-0xx
    #[error("{}", .0.message)]
    Filter(FilterError),
    /// STORE-0xx
    #[error("{}", store_detail(.0))]
    Store(Arc<StoreError>),
}

/// A submitted event that cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadEvent {
    /// Its place in the batch, from 0 on.
    pub index: usize,
    /// Which field.
    pub field: String,
    /// What is wrong and what to send instead.
    pub message: String,
}

/// A batch in which some ids belong to different events; the others were taken.
#[derive(Debug, Clone)]
pub struct Conflict {
    /// How many conflict.
    pub conflicts: usize,
    /// `accepted`, `duplicates`, `conflicts`, `events`, as on success.
    pub receipts: Map<String, Value>,
}

fn store_detail(error: &StoreError) -> String {
    match error {
        StoreError::CannotRecord { .. } => {
            "Not recorded; nothing was accepted. Send it again later.".to_owned()
        }
        StoreError::Undecided { ids, .. } => format!(
            "Whether {ids} of these events were recorded before cannot be said while a part of the \
             archive is damaged; nothing was accepted. Send them again when the health page says \
             that it is whole."
        ),
        StoreError::BadCursor => {
            "cursor: not one that this server gave. Leave it out to start anew.".to_owned()
        }
        StoreError::Closed => "The server is stopping. Try again in a moment.".to_owned(),
        _ => {
            "The trail could not be read. The log names the cause under this request id.".to_owned()
        }
    }
}

impl WebError {
    /// For errors whose cause only the log may know.
    #[must_use]
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        Self::Internal {
            cause: cause.to_string(),
        }
    }

    /// A wrong query parameter.
    #[must_use]
    pub fn parameter(name: &str, message: impl Into<String>) -> Self {
        Self::BadParameter {
            name: name.to_owned(),
            message: message.into(),
        }
    }

    /// Stable code, never reused.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "WEB-001",
            Self::SignInNeeded => "WEB-002",
            Self::Forbidden(_) => "WEB-003",
            Self::CrossOrigin => "WEB-004",
            Self::BadParameter { .. } => "WEB-005",
            Self::BadBody(_) => "WEB-006",
            Self::TooLarge { .. } => "WEB-007",
            Self::WrongCredentials => "WEB-008",
            Self::TooMany { .. } => "WEB-009",
            Self::Busy { .. } => "WEB-010",
            Self::DeadLink { .. } => "WEB-011",
            Self::MethodNotAllowed { .. } => "WEB-012",
            Self::BadField { .. } => "WEB-013",
            Self::BadEvents(_) => "WEB-014",
            Self::Conflict(_) => "WEB-015",
            Self::NoSuch(_) => "WEB-016",
            Self::Internal { .. } => "WEB-017",
            Self::TooManyEvents { .. } => "WEB-018",
            Self::Impossible(_) => "WEB-019",
            Self::NotReady(_) => "WEB-020",
            Self::TooManyForPack { .. } => "WEB-021",
            Self::NotAsRecorded(_) => "WEB-022",
            Self::Filter(error) => error.code,
            Self::Store(error) => error.code(),
        }
    }

    /// The status of the answer.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NotFound | Self::NoSuch(_) => StatusCode::NOT_FOUND,
            Self::SignInNeeded | Self::WrongCredentials => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) | Self::CrossOrigin => StatusCode::FORBIDDEN,
            Self::BadParameter { .. } | Self::BadBody(_) | Self::Filter(_) => {
                StatusCode::BAD_REQUEST
            }
            Self::TooLarge { .. } | Self::TooManyEvents { .. } | Self::TooManyForPack { .. } => {
                StatusCode::PAYLOAD_TOO_LARGE
            }
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy { .. } | Self::NotReady(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::DeadLink { .. } => StatusCode::GONE,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::BadField { .. } | Self::BadEvents(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Conflict(_) | Self::Impossible(_) | Self::NotAsRecorded(_) => {
                StatusCode::CONFLICT
            }
            Self::Internal { .. } => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Store(error) => match error.as_ref() {
                StoreError::BadCursor => StatusCode::BAD_REQUEST,
                StoreError::CannotRecord { .. }
                | StoreError::Undecided { .. }
                | StoreError::Closed => StatusCode::SERVICE_UNAVAILABLE,
                _ => StatusCode::INTERNAL_SERVER_ERROR,
            },
        }
    }

    /// The short name of this kind of error, the same for each of its occurrences.
    #[must_use]
    pub fn title(&self) -> &'static str {
        match self {
            Self::NotFound | Self::NoSuch(_) => "Not found",
            Self::SignInNeeded => "Sign in",
            Self::Forbidden(_) => "Not allowed",
            Self::CrossOrigin => "Refused: from another site",
            Self::BadParameter { .. } => "Wrong parameter",
            Self::BadBody(_) => "Wrong body",
            Self::TooLarge { .. } | Self::TooManyEvents { .. } | Self::TooManyForPack { .. } => {
                "Too large"
            }
            Self::Impossible(_) => "Not possible",
            Self::NotAsRecorded(_) => "Not as recorded",
            Self::NotReady(_) => "Cannot record",
            Self::WrongCredentials => "Not signed in",
            Self::TooMany { .. } => "Too many requests",
            Self::Busy { .. } => "Busy",
            Self::DeadLink { .. } => "This link does not work",
            Self::MethodNotAllowed { .. } => "Wrong method",
            Self::BadField { .. } => "Please check your input",
            Self::BadEvents(_) => "Wrong events",
            Self::Conflict(_) => "Id taken by another event",
            Self::Internal { .. } => "Server error",
            Self::Filter(_) => "Wrong filter",
            Self::Store(error) => match error.as_ref() {
                StoreError::BadCursor => "Wrong cursor",
                StoreError::CannotRecord { .. } | StoreError::Undecided { .. } => "Not recorded",
                StoreError::Closed => "Stopping",
                _ => "The trail cannot be read",
            },
        }
    }

    /// What the log may know and the answer may not.
    #[must_use]
    pub fn cause(&self) -> Option<String> {
        match self {
            Self::Internal { cause } => Some(cause.clone()),
            // Nobody's fault but the caller's.
            Self::Store(error) if matches!(**error, StoreError::BadCursor) => None,
            Self::Store(error) => Some(error.to_string()),
            _ => None,
        }
    }

    /// The word of a filter that is wrong, and where it stands (bytes of `q`).
    #[must_use]
    pub fn filter_word(&self) -> Option<(&str, Range<usize>)> {
        match self {
            Self::Filter(error) => Some((&error.word, error.span.clone())),
            _ => None,
        }
    }

    /// Seconds after which it is worth trying again.
    #[must_use]
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooMany { after_s, .. } | Self::Busy { after_s, .. } => Some(*after_s),
            Self::NotReady(_) => Some(5),
            Self::Store(error) => match error.as_ref() {
                StoreError::CannotRecord { .. } | StoreError::Closed => Some(5),
                StoreError::Undecided { .. } => Some(60),
                _ => None,
            },
            _ => None,
        }
    }

    /// The RFC 9457 problem document.
    #[must_use]
    pub fn problem(&self, request_id: &str) -> Value {
        let mut problem = match json!({
            "type": "about:blank",
            "title": self.title(),
            "status": self.status().as_u16(),
            "code": self.code(),
            "detail": self.to_string(),
            "request_id": request_id,
        }) {
            Value::Object(map) => map,
            _ => Map::new(),
        };
        match self {
            Self::Filter(error) => {
                problem.insert("parameter".into(), json!("q"));
                problem.insert("word".into(), json!(error.word));
                problem.insert("span".into(), json!([error.span.start, error.span.end]));
            }
            Self::BadParameter { name, .. } => {
                problem.insert("parameter".into(), json!(name));
            }
            Self::BadField { field, .. } => {
                problem.insert("field".into(), json!(field));
            }
            Self::BadEvents(events) => {
                let errors: Vec<Value> = events
                    .iter()
                    .map(|e| json!({"index": e.index, "field": e.field, "message": e.message}))
                    .collect();
                problem.insert("errors".into(), Value::Array(errors));
            }
            Self::Conflict(conflict) => problem.extend(conflict.receipts.clone()),
            Self::NotReady(state) => problem.extend(state.clone()),
            _ => {}
        }
        Value::Object(problem)
    }
}

impl From<FilterError> for WebError {
    fn from(error: FilterError) -> Self {
        Self::Filter(error)
    }
}

impl From<StoreError> for WebError {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

/// The error of a response, for the middleware that writes its body.
#[derive(Debug, Clone)]
pub(crate) struct Failure(pub(crate) Arc<WebError>);

impl IntoResponse for WebError {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Self::MethodNotAllowed { allow } = &self
            && let Ok(value) = HeaderValue::from_str(allow)
        {
            headers.insert(header::ALLOW, value);
        }
        response.extensions_mut().insert(Failure(Arc::new(self)));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One of each kind, in the order of the codes.
    fn every_kind() -> Vec<WebError> {
        let path = std::path::PathBuf::from("/secret/place");
        let receipts = Map::from_iter([("accepted".to_owned(), json!(1))]);
        let bad = BadEvent {
            index: 3,
            field: "method".to_owned(),
            message: "is missing".to_owned(),
        };
        vec![
            WebError::NotFound,
            WebError::SignInNeeded,
            WebError::Forbidden("A token with the scope read may not send events.".to_owned()),
            WebError::CrossOrigin,
            WebError::parameter("limit", "send a whole number from 1 to 1000."),
            WebError::BadBody("The body broke off.".to_owned()),
            WebError::TooLarge { limit: 1024 },
            WebError::WrongCredentials,
            WebError::TooMany {
                what: "Too many failed sign-ins.".to_owned(),
                after_s: 8,
            },
            WebError::Busy {
                what: "Too much is under way.".to_owned(),
                after_s: 5,
            },
            WebError::DeadLink {
                remedy: "Ask for another.",
            },
            WebError::MethodNotAllowed {
                allow: "GET".to_owned(),
            },
            WebError::BadField {
                field: "email",
                message: "This is not an e-mail address.".to_owned(),
            },
            WebError::BadEvents(vec![bad]),
            WebError::Conflict(Box::new(Conflict {
                conflicts: 2,
                receipts,
            })),
            WebError::NoSuch("event"),
            WebError::internal("canary"),
            WebError::TooManyEvents { limit: 20_000 },
            WebError::Impossible("It cannot be done here."),
            WebError::NotReady(Map::from_iter([("conditions".to_owned(), json!([]))])),
            WebError::TooManyForPack { limit: 100_000 },
            WebError::NotAsRecorded("Event 47 is not as the ledger has it.".to_owned()),
            StoreError::CannotRecord {
                cause: "disk full at /secret/place".to_owned(),
            }
            .into(),
            StoreError::Damaged {
                path,
                cause: "torn".to_owned(),
            }
            .into(),
        ]
    }

    #[test]
    fn every_error_keeps_its_code_status_and_words() {
        let shown: Vec<String> = every_kind()
            .iter()
            .map(|error| {
                let (code, status, title) = (error.code(), error.status().as_u16(), error.title());
                format!("{code} {status} {title}: {error}")
            })
            .collect();
        insta::assert_snapshot!(shown.join("\n"));
    }

    #[test]
    fn codes_are_used_once() {
        let mut codes: Vec<_> = every_kind().iter().map(WebError::code).collect();
        let all = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), all);
    }

    #[test]
    fn a_problem_tells_everything_but_the_cause() {
        for error in every_kind() {
            let problem = error.problem("0123456789abcdef");
            for name in ["type", "title", "status", "code", "detail", "request_id"] {
                assert!(!problem[name].is_null(), "{name}: {problem}");
            }
            let text = problem.to_string();
            assert!(
                !text.contains("/secret/place") && !text.contains("canary"),
                "{text}"
            );
        }
    }
}
