//! What a client reads when a request is refused because it could not be recorded.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use http_body::Body;

use super::RecordBody;

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
