//! What a client reads when a request is refused: it could not be recorded, or its session was
//! ended by an owner.

use admintrail_event::PanelName;
use bytes::Bytes;
use http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, RETRY_AFTER, SET_COOKIE,
    WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body::Body;

use super::RecordBody;
use super::open::Ended;
use crate::identity;

/// Seconds after which trying again makes sense.
const RETRY_SECONDS: u16 = 5;

/// 503 with `Retry-After` and a sentence. The cause is told in general words only: whoever reads
/// it is a visitor of the panel, not the one who runs the recorder.
pub(super) fn response<B: Body<Data = Bytes>>(
    reading_works: bool,
    cause: &str,
) -> Response<RecordBody<B>> {
    let cause = public(cause);
    let text = if reading_works {
        format!("Change not made: it could not be recorded ({cause}). Reading still works.\n")
    } else {
        format!("Not answered: it could not be recorded ({cause}).\n")
    };
    let mut response = Response::new(RecordBody::own(Bytes::from(text)));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    let headers = response.headers_mut();
    headers.insert(RETRY_AFTER, HeaderValue::from(RETRY_SECONDS));
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Stable code of the refusal.
const ENDED: &str = "CAPTURE-001";

/// 401 for every request of an ended session, with its cookies cleared: a page for people, a
/// problem document (RFC 9457) for programs.
pub(super) fn ended<B: Body<Data = Bytes>>(
    panel: &PanelName,
    ended: &Ended,
) -> Response<RecordBody<B>> {
    const TITLE: &str = "This session was ended";
    const DETAIL: &str = "An administrator ended this session. Sign in again to go on; this \
                          request was not passed on, and was recorded.";
    // A panel's name holds no special character.
    let (kind, text) = if ended.page {
        let page = format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n<title>{TITLE}</title>\n\
             <h1>{TITLE}</h1>\n<p>{DETAIL}</p>\n<p><small>{panel} · {ENDED}</small></p>\n</html>\n"
        );
        ("text/html; charset=utf-8", page)
    } else {
        let document = serde_json::json!({
            "type": "about:blank",
            "title": TITLE,
            "status": 401,
            "code": ENDED,
            "detail": DETAIL,
        });
        ("application/problem+json", document.to_string())
    };
    let mut response = Response::new(RecordBody::own(Bytes::from(text)));
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'"),
    );
    // A 401 names a scheme (RFC 9110 section 11.6.1); this one makes no browser ask for a password.
    headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Session"));
    clear(headers, ended);
    response
}

/// Lets the browser forget the cookies of an ended session, except those that the panel sets anew.
pub(super) fn clear(headers: &mut HeaderMap, ended: &Ended) {
    for name in &ended.clears {
        if !identity::ended::sets(headers, name)
            && let Some(removal) = identity::ended::removal(name, ended.secure)
        {
            headers.append(SET_COOKIE, removal);
        }
    }
}

/// Whether the client reads pages.
pub(super) fn wants_page(headers: &HeaderMap) -> bool {
    headers.get(ACCEPT).is_some_and(|accept| {
        accept
            .as_bytes()
            .windows(9)
            .any(|piece| piece.eq_ignore_ascii_case(b"text/html"))
    })
}

fn public(cause: &str) -> &'static str {
    let cause = cause.to_ascii_lowercase();
    if cause.contains("full") || cause.contains("no space") || cause.contains("quota") {
        "disk full"
    } else if cause.contains("stopped") {
        "recording has stopped"
    } else if cause.contains("keep up") || cause.contains("does not answer") {
        "the record does not keep up"
    } else {
        "the record cannot be written"
    }
}
