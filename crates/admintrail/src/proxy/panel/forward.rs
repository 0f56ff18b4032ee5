//! Forwarding one request to its panel and the response back.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use admintrail_capture::{Declared, Peer};
use admintrail_event::Outcome;
use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::uri::{PathAndQuery, Uri};
use http::{Method, Request, Response, StatusCode, Version, request, response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use ipnet::IpNet;
use tower_service::Service;

use super::body::{Answer, Outgoing, PanelBody, Progress};
use super::upstream::{Link, Pool, Source};
use crate::config::Timeouts;
use crate::probe::Beacon;
use crate::proxy::headers::{
    set_forwarded, set_real_ip, strip_for_client, strip_for_upstream, strip_hop_by_hop,
    takes_trailers, wanted_upgrade,
};
use crate::proxy::refusal::{Accepts, Refusal};
use crate::proxy::tunnel::{self, Halves, Tunnels};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The service that forwards to one panel. Clones share its connections.
pub(crate) struct Forward<B>(Arc<Shared<B>>)
where
    B: Body + Send + 'static,
    Outgoing<B>: Body<Data = Bytes, Error = BoxError>;

struct Shared<B>
where
    B: Body + Send + 'static,
    Outgoing<B>: Body<Data = Bytes, Error = BoxError>,
{
    panel: String,
    upstream: String,
    /// The panel's own address, for requests that name no host.
    authority: Option<HeaderValue>,
    trusted: Vec<IpNet>,
    timeouts: Timeouts,
    pool: Arc<Pool<Outgoing<B>>>,
    tunnels: Tunnels,
    beacon: Beacon,
}

impl<B> Clone for Forward<B>
where
    B: Body + Send + 'static,
    Outgoing<B>: Body<Data = Bytes, Error = BoxError>,
{
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// What a forwarder is told.
pub(crate) struct ForwardOptions {
    pub(crate) panel: String,
    pub(crate) upstream: crate::config::Upstream,
    pub(crate) trusted: Vec<IpNet>,
    pub(crate) timeouts: Timeouts,
    pub(crate) tunnels: Tunnels,
    /// Knows the checks of direct access.
    pub(crate) beacon: Beacon,
}

impl<B> Forward<B>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    pub(crate) fn new(options: ForwardOptions) -> Self {
        let upstream = options.upstream.to_string();
        let authority = HeaderValue::from_str(options.upstream.authority.as_str()).ok();
        let pool = Arc::new(Pool::new(options.upstream, options.timeouts.connect));
        Self(Arc::new(Shared {
            panel: options.panel,
            upstream,
            authority,
            trusted: options.trusted,
            timeouts: options.timeouts,
            pool,
            tunnels: options.tunnels,
            beacon: options.beacon,
        }))
    }

    /// Whether the panel takes connections now.
    pub(crate) async fn probe(&self) -> io::Result<()> {
        self.0.pool.connect().await.map(drop)
    }

    /// Closes connections that nobody has used for a while. For a timer.
    pub(crate) fn forget_stale(&self) {
        self.0.pool.forget_stale();
    }
}

impl<B> Service<Request<B>> for Forward<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Answer<B>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let shared = Arc::clone(&self.0);
        if shared.beacon.is_met_by(request.headers()) {
            return Box::pin(std::future::ready(Ok(met())));
        }
        Box::pin(async move {
            let accepts = Accepts::of(request.headers());
            Ok(match shared.forward(request).await {
                Ok(response) => response,
                Err(refusal) => refusal
                    .response(accepts)
                    .map(|page| Answer::page(Some(page))),
            })
        })
    }
}

impl<B> Shared<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    async fn forward(&self, mut request: Request<B>) -> Result<Response<Answer<B>>, Refusal> {
        if request.method() == Method::CONNECT {
            return Err(Refusal::NoTunnels);
        }
        let upgrade =
            wanted_upgrade(request.headers()).filter(|_| request.version() == Version::HTTP_11);
        let client = upgrade.as_ref().map(|_| tunnel::client_half(&mut request));
        let (mut head, body) = request.into_parts();
        self.rewrite(&mut head, upgrade.as_ref(), !body.is_end_stream());
        match client {
            Some(client) => self.upgrade(Request::from_parts(head, body), client).await,
            None => self.exchange(head, body).await,
        }
    }

    /// Makes a request that came to us one that goes to the panel.
    fn rewrite(&self, head: &mut request::Parts, upgrade: Option<&HeaderValue>, has_body: bool) {
        let peer = head.extensions.remove::<Peer>();
        take_host_from_target(head);
        if head.version == Version::HTTP_2 {
            join_cookies(head);
        }
        head.version = Version::HTTP_11;
        let trailers = takes_trailers(&head.headers);
        strip_hop_by_hop(&mut head.headers);
        strip_for_upstream(&mut head.headers);
        if let Some(peer) = peer {
            set_real_ip(&mut head.headers, peer, &self.trusted);
            set_forwarded(&mut head.headers, peer.addr, peer.tls, &self.trusted);
        }
        // HTTP/1.0 may leave it out, and HTTP/1.1, which the panel is spoken to in, may not. Where
        // the client named no host, `X-Forwarded-Host` claims none either.
        if let Some(host) = &self.authority
            && !head.headers.contains_key(header::HOST)
        {
            head.headers.insert(header::HOST, host.clone());
        }
        if trailers {
            head.headers
                .insert(header::TE, HeaderValue::from_static("trailers"));
            head.headers
                .insert(header::CONNECTION, HeaderValue::from_static("te"));
        }
        if let Some(protocol) = upgrade {
            head.headers.insert(header::UPGRADE, protocol.clone());
            head.headers
                .insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        }
        if has_body && !head.headers.contains_key(header::CONTENT_LENGTH) {
            // Said openly, or a GET would lose its body on the way.
            head.headers.insert(
                header::TRANSFER_ENCODING,
                HeaderValue::from_static("chunked"),
            );
        }
        head.extensions.clear();
    }

    async fn exchange(
        &self,
        head: request::Parts,
        body: B,
    ) -> Result<Response<Answer<B>>, Refusal> {
        let safe = matches!(
            head.method,
            Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE
        );
        let empty = body.is_end_stream();
        let progress = (!empty).then(|| Arc::new(Progress::new()));
        let (mut link, source) = self
            .pool
            .take(safe && empty)
            .await
            .map_err(|error| self.unreachable(&error))?;
        let again = (safe && empty && source == Source::Stale).then(|| copy(&head));
        let body = match &progress {
            Some(progress) => Outgoing::watched(body, Arc::clone(progress)),
            None => Outgoing::empty(),
        };
        let mut sent = self
            .send(
                &mut link,
                Request::from_parts(head, body),
                progress.as_deref(),
            )
            .await?;
        if let Err(failed) = &mut sent
            && source != Source::New
            && let Some(request) = failed
                .take_message()
                .or_else(|| again.map(|head| Request::from_parts(head, Outgoing::empty())))
        {
            // The panel closed the idle connection as the request set out: either not a byte of
            // it was sent, or it may be sent twice.
            link = self
                .pool
                .connect()
                .await
                .map_err(|error| self.unreachable(&error))?;
            sent = self.send(&mut link, request, progress.as_deref()).await?;
        }
        let response = match sent {
            Ok(response) => response,
            Err(_)
                if progress
                    .as_ref()
                    .is_some_and(|progress| progress.is_broken()) =>
            {
                return Err(Refusal::BadBody);
            }
            Err(error) => return Err(self.broke_off(error.error())),
        };
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Err(Refusal::BadUpgrade {
                panel: self.panel.clone(),
            });
        }
        let uploading = progress.is_some_and(|progress| !progress.has_ended());
        Ok(self.answer(response, link, uploading))
    }

    /// Sends and waits for the head. The time counts from the last piece of the request's body.
    async fn send(
        &self,
        link: &mut Link<Outgoing<B>>,
        request: Request<Outgoing<B>>,
        progress: Option<&Progress>,
    ) -> Result<
        Result<Response<Incoming>, hyper::client::conn::TrySendError<Request<Outgoing<B>>>>,
        Refusal,
    > {
        let limit = self.timeouts.response;
        let sending = pin!(link.send(request));
        let mut sending = sending;
        let mut patience = pin!(tokio::time::sleep(limit));
        loop {
            let sent = poll_fn(|cx| match sending.as_mut().poll(cx) {
                Poll::Ready(sent) => Poll::Ready(Some(sent)),
                Poll::Pending => patience.as_mut().poll(cx).map(|()| None),
            })
            .await;
            if let Some(sent) = sent {
                return Ok(sent);
            }
            let quiet = progress.map_or(limit, |progress| progress.last().elapsed());
            match limit.checked_sub(quiet).filter(|left| !left.is_zero()) {
                Some(left) => patience
                    .as_mut()
                    .reset(tokio::time::Instant::from_std(Instant::now() + left)),
                None if progress.is_some_and(Progress::is_awaited) => {
                    return Err(Refusal::SlowBody {
                        seconds: at_least_a_second(limit),
                    });
                }
                None => {
                    return Err(self.silent());
                }
            }
        }
    }

    fn answer(
        &self,
        response: Response<Incoming>,
        link: Box<Link<Outgoing<B>>>,
        uploading: bool,
    ) -> Response<Answer<B>> {
        let (mut head, incoming) = response.into_parts();
        for_client(&mut head);
        let body = if uploading && !link.has_ended() {
            // The panel answers before the request has ended. Reading and writing must go on
            // independently, or each could wait for the other; so this link gets a task.
            let (connection, sender) = link.into_connection();
            self.tunnels.spawn(async move {
                let _ = connection.await;
                drop(sender);
            });
            Answer::driven(incoming)
        } else {
            Answer::panel(PanelBody::new(incoming, link, Arc::clone(&self.pool)))
        };
        Response::from_parts(head, body)
    }

    /// A request that asks for another protocol. The link is a new one and never comes back.
    async fn upgrade(
        &self,
        request: Request<B>,
        client: OnUpgrade,
    ) -> Result<Response<Answer<B>>, Refusal> {
        let asked = request.headers().get(header::UPGRADE).cloned();
        let link = self
            .pool
            .connect()
            .await
            .map_err(|error| self.unreachable(&error))?;
        let (connection, mut sender) = link.into_connection();
        let driver = tokio::spawn(async move {
            let _ = connection.with_upgrades().await;
        });
        let progress = Arc::new(Progress::new());
        let request = request.map(|body| Outgoing::watched(body, Arc::clone(&progress)));
        let response =
            tokio::time::timeout(self.timeouts.response, sender.send_request(request)).await;
        let mut response = match response {
            Ok(Ok(response)) => response,
            Ok(Err(_)) if progress.is_broken() => return Err(Refusal::BadBody),
            Ok(Err(error)) => return Err(self.broke_off(&error)),
            Err(_) => {
                driver.abort();
                return Err(self.silent());
            }
        };
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            let (mut head, incoming) = response.into_parts();
            for_client(&mut head);
            return Ok(Response::from_parts(head, Answer::driven(incoming)));
        }
        let protocol = response.headers().get(header::UPGRADE).cloned().or(asked);
        let panel = hyper::upgrade::on(&mut response);
        let (mut head, _) = response.into_parts();
        for_client(&mut head);
        if let Some(protocol) = protocol {
            head.headers.insert(header::UPGRADE, protocol);
        }
        head.headers
            .insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        head.extensions.insert(Halves::new(client, panel));
        Ok(Response::from_parts(head, Answer::page(None)))
    }

    fn unreachable(&self, error: &io::Error) -> Refusal {
        Refusal::Unreachable {
            panel: self.panel.clone(),
            upstream: self.upstream.clone(),
            cause: error.to_string(),
        }
    }

    fn silent(&self) -> Refusal {
        Refusal::Silent {
            panel: self.panel.clone(),
            upstream: self.upstream.clone(),
            seconds: at_least_a_second(self.timeouts.response),
        }
    }

    fn broke_off(&self, error: &hyper::Error) -> Refusal {
        let cause = std::error::Error::source(error)
            .map_or_else(|| error.to_string(), |source| format!("{error}: {source}"));
        Refusal::BrokeOff {
            panel: self.panel.clone(),
            upstream: self.upstream.clone(),
            cause,
        }
    }
}

/// The answer to a check of direct access, which has come by. No page is there, so that the recorder
/// learns nothing of the panel from it.
fn met<B>() -> Response<Answer<B>>
where
    B: Body + Send + 'static,
    Outgoing<B>: Body<Data = Bytes, Error = BoxError>,
{
    let mut response = Response::new(Answer::page(None));
    *response.status_mut() = StatusCode::NOT_FOUND;
    response.extensions_mut().insert(Declared {
        action: Some("Checked direct access".to_owned()),
        outcome: Some(Outcome::Success),
        polling: Some(true),
        ..Declared::default()
    });
    response
}

/// A time-out as people are told of it.
fn at_least_a_second(limit: Duration) -> u64 {
    limit.as_secs().max(1)
}

/// Makes a panel's response one of ours.
fn for_client(head: &mut response::Parts) {
    strip_for_client(&mut head.headers);
    head.version = Version::HTTP_11;
    head.extensions.clear();
}

/// The target in origin form. A target that names its host (absolute form, HTTP/2) has the last
/// word on `Host` (RFC 9112 section 3.2.2).
fn take_host_from_target(head: &mut request::Parts) {
    if head.uri.scheme().is_none() && head.uri.authority().is_none() {
        return;
    }
    if let Some(host) = head
        .uri
        .authority()
        .and_then(|a| HeaderValue::from_str(a.as_str()).ok())
    {
        head.headers.insert(header::HOST, host);
    }
    let path = head
        .uri
        .path_and_query()
        .cloned()
        .unwrap_or_else(|| PathAndQuery::from_static("/"));
    let star = head.method == Method::OPTIONS && path.as_str() == "*";
    let mut parts = http::uri::Parts::default();
    parts.path_and_query = Some(if star {
        PathAndQuery::from_static("*")
    } else {
        path
    });
    if let Ok(uri) = Uri::from_parts(parts) {
        head.uri = uri;
    }
}

/// HTTP/2 may cut the cookies into several lines; HTTP/1.1 has one (RFC 9113 section 8.2.3).
fn join_cookies(head: &mut request::Parts) {
    let mut lines = head.headers.get_all(header::COOKIE).iter();
    if let (Some(first), Some(_)) = (lines.next(), lines.next()) {
        let mut joined = first.as_bytes().to_vec();
        for line in head.headers.get_all(header::COOKIE).iter().skip(1) {
            joined.extend_from_slice(b"; ");
            joined.extend_from_slice(line.as_bytes());
        }
        if let Ok(value) = HeaderValue::from_bytes(&joined) {
            head.headers.insert(header::COOKIE, value);
        }
    }
}

/// A second copy of a head, for a second try.
fn copy(head: &request::Parts) -> request::Parts {
    let (mut copy, ()) = Request::new(()).into_parts();
    copy.method = head.method.clone();
    copy.uri = head.uri.clone();
    copy.version = head.version;
    copy.headers = head.headers.clone();
    copy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_told_of_no_seconds() {
        let told = [200, 1_000, 2_500].map(|ms| at_least_a_second(Duration::from_millis(ms)));
        assert_eq!(told, [1, 1, 2]);
    }
}
