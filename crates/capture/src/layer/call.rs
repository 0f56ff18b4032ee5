//! The way of one request through the layer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::ACCEPT_ENCODING;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body;
use tokio::time::timeout;
use tower_service::Service;

use admintrail_event::{Ending, Step};

use super::answer::Answer;
use super::declared::Declared;
use super::head::Sent;
use super::open::Open;
use super::watch::RequestWatch;
use super::{RecordBody, UpgradeGuard, head, refusal, upgrade};
use crate::identity::{self, Exchange};
use crate::{OnFailure, Recorder};

/// A disk that has not answered for this long refuses the change: its client has given up by now
/// or soon will, and must not find it made.
const SYNC_PATIENCE: Duration = Duration::from_secs(if cfg!(test) { 2 } else { 10 });

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

    let ended = open.ended.take();
    if let Some(ended) = ended.as_ref().filter(|ended| ended.refused) {
        let response = refusal::ended(recorder.panel(), ended);
        open.answered(response.status());
        open.refused_as_ended();
        open.finish(Ending::Complete, None);
        return Ok(response);
    }

    let sent = Sent::of(&recorder, &open.reading, &parts);
    let reads_form = open.reading.step == Step::SignIn || sent.needs_form;
    if !body.is_end_stream() {
        open.watch = Some(Arc::new(if reads_form {
            RequestWatch::of_form()
        } else {
            RequestWatch::default()
        }));
    }
    let impersonates = open.reading.impersonation.is_some();
    let decides = open.identity.is_undecided();
    if reads_form || impersonates || decides || open.reading.step == Step::SecondFactor {
        // The answer has to be read, and no panel has to compress it.
        parts
            .headers
            .insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    }
    let guard = upgrading.then(|| UpgradeGuard::new(recorder.clone(), open.identity.sessions()));
    if let Some(guard) = &guard {
        parts.extensions.insert(guard.clone());
    }
    let body = RecordBody::request(body, &recorder, open.watch.clone());
    let mut response = match inner.call(Request::from_parts(parts, body)).await {
        Ok(response) => response,
        Err(error) => {
            open.finish(Ending::Failed, None);
            return Err(error);
        }
    };

    let status = response.status();
    open.answered(status);
    let tunnels = upgrading && upgrade::is_switched(status, sent.method == Method::CONNECT);
    let empty = sent.method == Method::HEAD
        || tunnels
        || has_no_body(status)
        || response.body().is_end_stream();
    let mut peek = None;
    if let Some(declared) = response.extensions_mut().remove::<Declared>() {
        open.declared(declared);
    } else {
        let typed = open.read_form(&sent);
        let mut finding = identity::on_head(&Exchange {
            recorder: &recorder,
            reading: &open.reading,
            identity: &open.identity,
            method: &sent.method,
            path: sent.uri.path(),
            query: sent.uri.query(),
            referer: sent.referer.as_deref(),
            changes,
            status,
            headers: response.headers(),
            empty,
            typed,
            now: recorder.trunk().now(),
        });
        peek = finding.peek.take();
        for saved in open.learned(finding) {
            saved.wait().await;
        }
    }
    if let Some(ended) = &ended {
        refusal::clear(response.headers_mut(), ended);
    }
    if let Some(guard) = guard.filter(|_| tunnels) {
        guard.begin(&open).await;
        response.extensions_mut().insert(guard);
    }
    let answer = Answer::new(open, peek);
    Ok(response.map(|body| RecordBody::response(body, answer, empty)))
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
        // It is told from memory when recording works again; should that not come, it was counted.
        trunk.unwritten(&open.draft);
        return false;
    }
    let written = if changes {
        match trunk.journal.open_durable(&open.draft) {
            Ok(synced) => matches!(timeout(SYNC_PATIENCE, synced).await, Ok(Ok(Ok(())))),
            Err(_) => {
                trunk.unwritten(&open.draft);
                false
            }
        }
    } else {
        match trunk.journal.gather(&open.draft) {
            Ok(gathered) => {
                // Whatever else is ready on this thread goes first, so that requests which came
                // together are written together.
                tokio::task::yield_now().await;
                let written = trunk.journal.write_gathered(&gathered).is_ok();
                if !written {
                    trunk.unwritten(&open.draft);
                }
                written
            }
            Err(_) => {
                trunk.unwritten(&open.draft);
                false
            }
        }
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

/// Statuses whose responses never have a body (RFC 9110 section 6.4.1).
fn has_no_body(status: StatusCode) -> bool {
    status.is_informational()
        || status == StatusCode::NO_CONTENT
        || status == StatusCode::NOT_MODIFIED
}
