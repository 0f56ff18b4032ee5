//! Connections to a panel.
//!
//! A connection is driven by whoever uses it: the future that waits for the response head polls
//! it, then the body does, then it lies in the pool untouched. No task of its own means no
//! hand-over between tasks for every request, and a client that goes away takes the request to
//! the panel with it.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::socket::Socket;
use crate::config::Upstream;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Idle connections to a panel that each worker keeps.
const MAX_IDLE: usize = 256;

/// A connection that lay idle for longer is closed rather than used.
const IDLE: Duration = Duration::from_secs(30);

/// A request that must not be sent twice only goes over a connection that was in use this
/// recently: servers close idle ones (the shortest usual time is 2 s), and when that crosses a
/// request nobody can tell whether it was carried out.
const FRESH: Duration = Duration::from_secs(1);

/// A connection that lay idle for longer may meet its closing; only then is a copy of the
/// request's head worth its price.
const SURE: Duration = Duration::from_millis(100);

/// One connection to the panel. It is kept boxed: it changes hands with every request, and is
/// more than a kilobyte.
pub(crate) struct Link<B: Body + 'static> {
    sender: SendRequest<B>,
    connection: Connection<TokioIo<Socket>, B>,
    ended: bool,
}

/// How a link was come by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// Made for this request.
    New,
    /// Used a moment ago.
    Warm,
    /// Used some time ago; the panel may be closing it right now.
    Stale,
}

struct Idle<B: Body + 'static> {
    link: Box<Link<B>>,
    since: Instant,
}

/// The connections of one worker to one panel.
pub(crate) struct Pool<B: Body + 'static> {
    upstream: Upstream,
    connect_timeout: Duration,
    tls_name: Option<ServerName<'static>>,
    idle: Mutex<Vec<Idle<B>>>,
}

impl<B> Link<B>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    /// Sends a request and waits for the head of its response.
    pub(crate) fn send(
        &mut self,
        request: Request<B>,
    ) -> impl Future<Output = Result<Response<Incoming>, TrySendError<Request<B>>>> + use<'_, B>
    {
        let sent = self.sender.try_send_request(request);
        async move {
            let mut sent = pin!(sent);
            std::future::poll_fn(|cx| {
                // Whatever completes `sent` happens inside `drive`, so it needs no waker.
                let mut still = Context::from_waker(Waker::noop());
                if let Poll::Ready(done) = sent.as_mut().poll(&mut still) {
                    return Poll::Ready(done);
                }
                let ended = self.drive(cx).is_ready();
                let poll = sent.as_mut().poll(&mut still);
                if poll.is_pending() && ended {
                    // A connection that has ended has answered everybody who waits.
                    cx.waker().wake_by_ref();
                }
                poll
            })
            .await
        }
    }

    /// Lets the connection do what it can. Ready when it has ended.
    pub(crate) fn drive(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.ended {
            return Poll::Ready(());
        }
        match Pin::new(&mut self.connection).poll(cx) {
            Poll::Ready(_) => {
                self.ended = true;
                Poll::Ready(())
            }
            Poll::Pending => Poll::Pending,
        }
    }

    /// Whether another request may go over it now.
    fn is_reusable(&mut self) -> bool {
        let mut still = Context::from_waker(Waker::noop());
        self.drive(&mut still).is_pending()
            && matches!(self.sender.poll_ready(&mut still), Poll::Ready(Ok(())))
    }

    /// The connection on its own, for who must drive it beside something else.
    pub(crate) fn into_connection(self) -> (Connection<TokioIo<Socket>, B>, SendRequest<B>) {
        (self.connection, self.sender)
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }
}

impl<B> Pool<B>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    pub(crate) fn new(upstream: Upstream, connect_timeout: Duration) -> Self {
        let host = upstream
            .authority
            .host()
            .trim_matches(['[', ']'])
            .to_owned();
        let tls_name = upstream
            .tls
            .as_ref()
            .and_then(|_| ServerName::try_from(host).ok());
        Self {
            upstream,
            connect_timeout,
            tls_name,
            idle: Mutex::new(Vec::new()),
        }
    }

    /// A link for a request; `repeatable` ones may use a link that lay idle for longer.
    pub(crate) async fn take(&self, repeatable: bool) -> io::Result<(Box<Link<B>>, Source)> {
        if let Some(found) = self.take_idle(repeatable) {
            return Ok(found);
        }
        self.connect().await.map(|link| (link, Source::New))
    }

    fn take_idle(&self, repeatable: bool) -> Option<(Box<Link<B>>, Source)> {
        let limit = if repeatable { IDLE } else { FRESH };
        loop {
            // The latest first: the others may grow old and be closed.
            let Idle { mut link, since } = self.idle.lock().pop()?;
            let age = since.elapsed();
            if age > IDLE {
                let stale = std::mem::take(&mut *self.idle.lock());
                drop(stale);
                return None;
            }
            if age > limit {
                self.idle.lock().push(Idle { link, since });
                return None;
            }
            if link.is_reusable() {
                return Some((
                    link,
                    if age > SURE {
                        Source::Stale
                    } else {
                        Source::Warm
                    },
                ));
            }
        }
    }

    /// Takes a link back, if it can be used again.
    pub(crate) fn give_back(&self, mut link: Box<Link<B>>) {
        if link.is_reusable() {
            let mut idle = self.idle.lock();
            if idle.len() < MAX_IDLE {
                idle.push(Idle {
                    link,
                    since: Instant::now(),
                });
            }
        }
    }

    /// Closes what has lain idle for too long.
    pub(crate) fn forget_stale(&self) {
        let stale: Vec<Idle<B>> = {
            let mut idle = self.idle.lock();
            let (keep, stale) = std::mem::take(&mut *idle)
                .into_iter()
                .partition(|one| one.since.elapsed() < IDLE);
            *idle = keep;
            stale
        };
        drop(stale);
    }

    /// A new link.
    pub(crate) async fn connect(&self) -> io::Result<Box<Link<B>>> {
        let socket = tokio::time::timeout(self.connect_timeout, self.open())
            .await
            .map_err(|_| {
                io::Error::new(io::ErrorKind::TimedOut, "no answer to the connection")
            })??;
        let (sender, connection) = Builder::new()
            .max_buf_size(256 * 1024)
            .handshake(TokioIo::new(socket))
            .await
            .map_err(io::Error::other)?;
        Ok(Box::new(Link {
            sender,
            connection,
            ended: false,
        }))
    }

    async fn open(&self) -> io::Result<Socket> {
        let host = self.upstream.authority.host().trim_matches(['[', ']']);
        let stream = TcpStream::connect((host, self.upstream.port())).await?;
        let _ = stream.set_nodelay(true);
        match (&self.upstream.tls, &self.tls_name) {
            (None, _) => Ok(Socket::plain(stream)),
            (Some(config), Some(name)) => {
                let connector = TlsConnector::from(Arc::clone(config));
                Ok(Socket::tls(connector.connect(name.clone(), stream).await?))
            }
            (Some(_), None) => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the panel's host is no name that a certificate can have",
            )),
        }
    }
}
