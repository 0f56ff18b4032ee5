//! Accepting connections and serving HTTP on them, for panels and for our own pages alike.
//!
//! Slow and silent clients are found by one sweep a second over the register of connections,
//! which costs a request nothing; a timer a request would cost a share of its time.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use admintrail_capture::Peer;
use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tower_service::Service;

use super::connection::{CountedBody, UnderWay, Watched, WatchedIo};
use super::framing::ends_http;
use super::register::Register;
use super::streams::StreamExecutor;
use crate::proxy::tunnel::{self, Tunnels};
use crate::proxy::workers::Team;
use crate::stop::Stop;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Largest request head.
const MAX_HEAD: usize = 64 * 1024;

/// A silent HTTP/2 client is asked whether it is still there after this time.
const PING_AFTER: Duration = Duration::from_secs(30);

/// And has this long to say so.
const PING_ANSWER: Duration = Duration::from_secs(20);

/// How a listener serves.
pub(crate) struct ListenerOptions {
    /// TLS, if it is spoken.
    pub(crate) tls: Option<Arc<rustls::ServerConfig>>,
    /// A request head must be whole after this time.
    pub(crate) header_timeout: Duration,
    /// A connection without a request, or with one that does not get on, ends after this time.
    pub(crate) idle_timeout: Duration,
    /// Connections at once.
    pub(crate) max_connections: usize,
    /// Requests under way when the server stops get this long.
    pub(crate) grace: Duration,
    /// Where upgraded connections go on.
    pub(crate) tunnels: Tunnels,
    /// Told how many requests the parser refused.
    pub(crate) refused: Arc<dyn Fn(SocketAddr, u64) + Send + Sync>,
}

/// What answers the requests of a listener.
pub(crate) trait Answering: Clone + Send + Sync + 'static {
    /// The body of its responses.
    type Body: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static;

    fn answer(
        &mut self,
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<Self::Body>, Infallible>> + Send + use<Self>;
}

impl<S, B> Answering for S
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static,
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Body = B;

    fn answer(
        &mut self,
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<B>, Infallible>> + Send + use<S, B> {
        self.call(request)
    }
}

/// Serves until told to stop, then lets requests under way end. Returns when all have.
///
/// There is one service a worker, in the order of the team.
pub(crate) async fn serve<S: Answering>(
    listener: TcpListener,
    services: Vec<S>,
    options: ListenerOptions,
    team: Team,
    mut stop: Stop,
) {
    let now = Arc::new(AtomicU32::new(1));
    let register = Arc::new(Register::default());
    let options = Arc::new(options);
    let acceptor = options.tls.clone().map(TlsAcceptor::from);
    let sweeper = tokio::spawn(sweep(
        Arc::clone(&register),
        Arc::clone(&now),
        Arc::clone(&options),
    ));
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &register, options.max_connections) => accepted,
            () = stop.told() => break,
        };
        let (stream, peer) = accepted;
        // Answers leave at once; without this a small one may wait 40 ms for an acknowledgement.
        let _ = stream.set_nodelay(true);
        let watched = Arc::new(Watched::new(peer, &now));
        let ticket = register.enter(&watched);
        let place = team.place();
        // Its thread watches it from here on; until then it has no reactor.
        let (Ok(stream), Some(service)) = (stream.into_std(), services.get(place.worker())) else {
            continue;
        };
        let (service, options) = (service.clone(), Arc::clone(&options));
        let acceptor = acceptor.clone();
        let serving = async move {
            let Ok(stream) = TcpStream::from_std(stream) else {
                return;
            };
            watched
                .run(connection(stream, acceptor, service, &watched, &options))
                .await;
            drop(ticket);
        };
        place.run(serving);
    }
    drop(listener);
    register.finish_all();
    if tokio::time::timeout(options.grace, register.emptied())
        .await
        .is_err()
    {
        register.end_all();
        register.emptied().await;
    }
    sweeper.abort();
}

/// The next connection. At the limit, the one that has been idle longest makes room; while all
/// are busy, the system's queue holds the new ones.
async fn accept(
    listener: &TcpListener,
    register: &Register,
    limit: usize,
) -> (TcpStream, SocketAddr) {
    loop {
        while register.len() >= limit {
            // It ends on a thread of its own; to end another meanwhile would be one too many.
            let room = register.fewer_than(limit);
            register.end_longest_idle();
            let _ = tokio::time::timeout(Duration::from_millis(20), room).await;
        }
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) if out_of_files(&error) => {
                tracing::warn!(%error, "no more files may be open; raise LimitNOFILE. Ending an idle connection");
                register.end_longest_idle();
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            // The client went away between the handshake and the call.
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

fn out_of_files(error: &std::io::Error) -> bool {
    use rustix::io::Errno;
    [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM]
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

async fn sweep(register: Arc<Register>, now: Arc<AtomicU32>, options: Arc<ListenerOptions>) {
    let began = Instant::now();
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    loop {
        tick.tick().await;
        let seconds = u32::try_from(began.elapsed().as_secs()).unwrap_or(u32::MAX - 1) + 1;
        now.store(seconds, Relaxed);
        register.end_overdue(seconds, options.header_timeout, options.idle_timeout);
        // A connection may live for days.
        for watched in register.speaking_http2() {
            tell_http2_refused(&watched, &options);
        }
    }
}

async fn connection<S: Answering>(
    stream: TcpStream,
    acceptor: Option<TlsAcceptor>,
    service: S,
    watched: &Arc<Watched>,
    options: &ListenerOptions,
) {
    let _refusals = Refusals { watched, options };
    match acceptor {
        None => http1(stream, false, service, watched, options).await,
        Some(acceptor) => {
            let handshake = tokio::time::timeout(options.header_timeout, acceptor.accept(stream));
            let Ok(Ok(stream)) = handshake.await else {
                return;
            };
            if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                http2(stream, service, watched, options).await;
            } else {
                http1(stream, true, service, watched, options).await;
            }
        }
    }
}

async fn http1<T, S>(
    stream: T,
    tls: bool,
    service: S,
    watched: &Arc<Watched>,
    options: &ListenerOptions,
) where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Answering,
{
    let io = TokioIo::new(WatchedIo::new(stream, true, Arc::clone(watched)));
    let service =
        service_fn(|request| answer(request, service.clone(), watched, &options.tunnels, tls));
    let connection = hyper::server::conn::http1::Builder::new()
        .max_buf_size(MAX_HEAD)
        .max_header_size(MAX_HEAD)
        .serve_connection(io, service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let mut finishing = false;
    let ended = poll_fn(|cx| {
        if !finishing && watched.is_finishing() {
            finishing = true;
            connection.as_mut().graceful_shutdown();
        }
        connection.as_mut().poll(cx)
    })
    .await;
    if ended.is_err_and(|error| error.is_parse()) {
        watched.refused.store(true, Relaxed);
    }
}

/// Tells of what was refused on one connection. It lives as long as the connection does, so that
/// the last of it is told however that ends: often we end it ourselves.
struct Refusals<'a> {
    watched: &'a Watched,
    options: &'a ListenerOptions,
}

impl Drop for Refusals<'_> {
    fn drop(&mut self) {
        if self.watched.refused.load(Relaxed) {
            (self.options.refused)(self.watched.peer, 1);
        }
        tell_http2_refused(self.watched, self.options);
    }
}

fn tell_http2_refused(watched: &Watched, options: &ListenerOptions) {
    let fresh = watched.streams.get().map_or(0, |it| it.newly_refused());
    if fresh > 0 {
        (options.refused)(watched.peer, fresh);
    }
}

async fn http2<T, S>(stream: T, service: S, watched: &Arc<Watched>, options: &ListenerOptions)
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Answering,
{
    let streams = Arc::clone(watched.streams.get_or_init(Arc::default));
    let io = TokioIo::new(WatchedIo::new(stream, false, Arc::clone(watched)));
    let service =
        service_fn(|request| answer(request, service.clone(), watched, &options.tunnels, true));
    let connection = hyper::server::conn::http2::Builder::new(StreamExecutor(streams))
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_AFTER)
        .keep_alive_timeout(PING_ANSWER)
        .max_header_list_size(u32::try_from(MAX_HEAD).unwrap_or(u32::MAX))
        .max_concurrent_streams(128)
        .serve_connection(io, service);
    let mut connection = pin!(connection);
    let mut finishing = false;
    let _ = poll_fn(|cx| {
        if !finishing && watched.is_finishing() {
            finishing = true;
            connection.as_mut().graceful_shutdown();
        }
        connection.as_mut().poll(cx)
    })
    .await;
}

/// One request, counted until its response's body is gone.
fn answer<S: Answering>(
    mut request: Request<Incoming>,
    mut service: S,
    watched: &Arc<Watched>,
    tunnels: &Tunnels,
    tls: bool,
) -> impl Future<Output = Result<Response<CountedBody<S::Body>>, Infallible>> + Send + use<S> {
    let under_way = UnderWay::new(watched);
    let may_end_http = request.method() == Method::CONNECT
        || request
            .headers()
            .get_all(header::UPGRADE)
            .iter()
            .any(|value| ends_http(value.as_bytes()));
    request.extensions_mut().insert(Peer {
        addr: watched.peer,
        tls,
    });
    let leaving = may_end_http.then(|| (Arc::clone(watched), tunnels.clone()));
    let response = service.answer(request);
    async move {
        let Ok(mut response) = response.await;
        under_way.answered();
        if let Some((watched, tunnels)) = leaving {
            if response.status() == StatusCode::SWITCHING_PROTOCOLS {
                watched.tunnel.store(true, Relaxed);
                tunnel::begin(&mut response, &tunnels);
            } else {
                // Framing is not judged behind such a request, so nothing may follow it.
                response
                    .headers_mut()
                    .insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
        }
        Ok(response.map(|body| CountedBody::new(body, under_way)))
    }
}
