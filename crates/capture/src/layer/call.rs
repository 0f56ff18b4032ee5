//! The way of one request through the layer.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use std::sync::Arc;
use tower_service::Service;

use admintrail_event::{Ending, Step};

use super::answer::Answer;
use super::declared::Declared;
use super::open::Open;
use super::watch::RequestWatch;
use super::{RecordBody, head, refusal, upgrade};
use crate::{OnFailure, Recorder};

pub(super) async fn record<S, B, RB>(
    recorder: Recorder,
    mut inner: S,
    request: Request<B>,
) -> Result<Response<RecordBody<RB>>, S::Error>
where
    S: Service<Request<RecordBody<B>>, Response = Response<RB>>,
    B: Body<Data = Bytes>,
    RB: Body<Data = Bytes>,
{
    let (mut parts, body) = request.into_parts();
    let mut open = head::read(&recorder, &mut parts);
    let upgrading = head::is_upgrade(&parts);
    let changes = upgrading || !head::is_safe(&parts.method);
    if !may_pass(&open, changes).await {
        return Ok(refuse(&recorder, open));
    }

    if !body.is_end_stream() {
        open.watch = Some(Arc::new(match open.reading.step {
            Step::SignIn => RequestWatch::of_sign_in(),
            _ => RequestWatch::default(),
        }));
    }
    let body = RecordBody::request(body, open.watch.clone());
    let (is_head, is_connect) = (
        parts.method == Method::HEAD,
        parts.method == Method::CONNECT,
    );
    let form = form_type(&parts.headers);
    let mut response = match inner.call(Request::from_parts(parts, body)).await {
        Ok(response) => response,
        Err(error) => {
            open.finish(Ending::Failed, None);
            return Err(error);
        }
    };

    open.answered(response.status());
    let tunnels = upgrading && upgrade::is_switched(response.status(), is_connect);
    let empty = is_head || has_no_body(response.status());
    if let Some(declared) = response.extensions_mut().remove::<Declared>() {
        open.declared(declared);
    }
    let _ = form;
    if tunnels {
        let guard = upgrade::begin(&open).await;
        response.extensions_mut().insert(guard);
    }
    let answer = Answer::new(open);
    Ok(response.map(|body| RecordBody::response(body, answer, empty || tunnels)))
}

/// Writes the opening. False: the fail policy refuses the request.
async fn may_pass(open: &Open, changes: bool) -> bool {
    let trunk = open.recorder.trunk();
    let policy = open.recorder.rules().on_failure;
    let must_record = match policy {
        OnFailure::Closed => true,
        OnFailure::Degrade => changes,
        OnFailure::Open => false,
    };
    if must_record && trunk.health.is_failing() {
        return false;
    }
    let written = if changes {
        match trunk.journal.open_durable(&open.draft) {
            Ok(synced) => matches!(synced.await, Ok(Ok(()))),
            Err(_) => false,
        }
    } else {
        trunk.journal.open(&open.draft).is_ok()
    };
    written || !must_record
}

fn refuse<B: Body<Data = Bytes>>(
    recorder: &Recorder,
    mut open: Box<Open>,
) -> Response<RecordBody<B>> {
    let cause = recorder
        .trunk()
        .health
        .failing()
        .map_or_else(String::new, |(_, cause)| cause);
    let response = refusal::response(recorder.rules().on_failure == OnFailure::Degrade, &cause);
    open.answered(response.status());
    // It is recorded when recording works again; the ring holds it until then.
    open.finish(Ending::Complete, None);
    response
}

fn form_type(headers: &http::HeaderMap) -> Option<http::HeaderValue> {
    headers.get(http::header::CONTENT_TYPE).cloned()
}

/// Statuses whose responses never have a body (RFC 9110 section 6.4.1).
fn has_no_body(status: StatusCode) -> bool {
    status.is_informational()
        || status == StatusCode::NO_CONTENT
        || status == StatusCode::NOT_MODIFIED
}
