//! One client's connection: its socket with everything that is watched on it.

use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::atomic::{
    AtomicBool, AtomicU8, AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use atomic_waker::AtomicWaker;
use http_body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::framing::Framing;
use super::streams::{Stream, Streams};

/// What the register of connections knows of one. Moments are whole seconds since the server
/// began, from 1 on; 0 means "not now".
#[derive(Debug)]
pub(crate) struct Watched {
    /// The other end.
    pub(crate) peer: SocketAddr,
    /// Requests whose response has not ended.
    requests: AtomicU32,
    /// When the last request ended, or the connection began.
    pub(crate) idle_since: AtomicU32,
    /// When an unfinished head began.
    pub(crate) head_since: AtomicU32,
    /// Since when an unfinished body is waited for in vain.
    pub(crate) body_since: AtomicU32,
    /// Since when the client takes nothing of what is sent.
    pub(crate) blocked_since: AtomicU32,
    /// A request of HTTP/1.1 was refused, and with it all that could follow.
    pub(crate) refused: AtomicBool,
    /// A tunnel: neither requests nor idleness mean anything.
    pub(crate) tunnel: AtomicBool,
    /// Its streams, if it speaks HTTP/2.
    pub(crate) streams: OnceLock<Arc<Streams>>,
    /// The server's seconds.
    now: Arc<AtomicU32>,
    /// What its task is told, and how it is woken to hear it.
    told: AtomicU8,
    task: AtomicWaker,
}

const GO_ON: u8 = 0;
const FINISH: u8 = 1;
const END: u8 = 2;

impl Watched {
    pub(crate) fn new(peer: SocketAddr, now: &Arc<AtomicU32>) -> Self {
        Self {
            peer,
            requests: AtomicU32::new(0),
            idle_since: AtomicU32::new(now.load(Relaxed)),
            head_since: AtomicU32::new(0),
            body_since: AtomicU32::new(0),
            blocked_since: AtomicU32::new(0),
            refused: AtomicBool::new(false),
            tunnel: AtomicBool::new(false),
            streams: OnceLock::new(),
            now: Arc::clone(now),
            told: AtomicU8::new(GO_ON),
            task: AtomicWaker::new(),
        }
    }

    /// Lets the request under way be the last.
    pub(crate) fn finish(&self) {
        self.told.fetch_max(FINISH, Release);
        self.task.wake();
    }

    /// Ends the connection, whatever is under way.
    pub(crate) fn end(&self) {
        self.told.fetch_max(END, Release);
        self.task.wake();
    }

    /// Whether no new request is wanted.
    pub(crate) fn is_finishing(&self) -> bool {
        self.told.load(Acquire) != GO_ON
    }

    /// Runs the connection until it ends or is ended. One flag, looked at whenever the task runs,
    /// costs a request less than waiting for two notifications beside it.
    pub(crate) async fn run(&self, connection: impl Future<Output = ()>) {
        let mut connection = pin!(connection);
        poll_fn(|cx| {
            self.task.register(cx.waker());
            if self.told.load(Acquire) == END {
                return Poll::Ready(());
            }
            connection.as_mut().poll(cx)
        })
        .await;
    }

    /// Whether no request is under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.requests.load(Relaxed) == 0 && !self.tunnel.load(Relaxed)
    }

    fn seconds(&self) -> u32 {
        self.now.load(Relaxed)
    }

    fn mark(&self, moment: &AtomicU32, on: bool) {
        let value = if on { self.seconds() } else { 0 };
        if moment.load(Relaxed) == 0 || !on {
            moment.store(value, Relaxed);
        }
    }
}

/// Counts a request for as long as it lives.
pub(crate) struct UnderWay {
    watched: Arc<Watched>,
    /// Its stream, over HTTP/2.
    stream: Option<Arc<Stream>>,
}

impl UnderWay {
    pub(crate) fn new(watched: &Arc<Watched>) -> Self {
        watched.requests.fetch_add(1, Relaxed);
        Self {
            watched: Arc::clone(watched),
            stream: watched.streams.get().map(|streams| streams.take()),
        }
    }
}

impl UnderWay {
    /// The response's head is about to be sent.
    pub(crate) fn answered(&self) {
        if let Some(streams) = self.watched.streams.get() {
            streams.answered();
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let watched = &self.watched;
        watched.idle_since.store(watched.seconds(), Relaxed);
        watched.requests.fetch_sub(1, Relaxed);
    }
}

pin_project_lite::pin_project! {
    /// A response's body, which keeps its request counted.
    pub(crate) struct CountedBody<B> {
        #[pin]
        inner: B,
        under_way: UnderWay,
    }
}

impl<B> CountedBody<B> {
    pub(crate) fn new(inner: B, under_way: UnderWay) -> Self {
        Self { inner, under_way }
    }
}

impl<B: Body> Body for CountedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let poll = this.inner.poll_frame(cx);
        if let Some(stream) = &this.under_way.stream {
            match poll {
                Poll::Ready(Some(Ok(_))) => stream.gave(this.under_way.watched.seconds()),
                _ => stream.took(),
            }
        }
        poll
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// A socket whose incoming HTTP/1.1 is framed strictly and whose silence is noticed.
pub(crate) struct WatchedIo<T> {
    inner: T,
    /// `None` for HTTP/2, which frames in binary.
    framing: Option<Framing>,
    watched: Arc<Watched>,
}

impl<T> WatchedIo<T> {
    pub(crate) fn new(inner: T, strict: bool, watched: Arc<Watched>) -> Self {
        Self {
            inner,
            framing: strict.then(Framing::default),
            watched,
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for WatchedIo<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let watched = &this.watched;
        if watched.refused.load(Relaxed) {
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        let poll = Pin::new(&mut this.inner).poll_read(cx, buf);
        let awaiting_body =
            poll.is_pending() && this.framing.as_ref().is_some_and(Framing::in_body);
        watched.mark(&watched.body_since, awaiting_body);
        ready!(poll)?;
        let Some(framing) = &mut this.framing else {
            return Poll::Ready(Ok(()));
        };
        let fresh = buf.filled().get(before..).unwrap_or_default();
        if let Err((good, _)) = framing.read(fresh) {
            watched.refused.store(true, Relaxed);
            buf.set_filled(before + good);
            // NUL is allowed nowhere in a head or in chunked framing, so the parser answers 400
            // and closes, after what came before it has been served.
            buf.put_slice(b"\0");
        }
        watched.mark(&watched.head_since, framing.in_head());
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> WatchedIo<T> {
    fn noticed(
        &self,
        poll: Poll<io::Result<usize>>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.watched
            .mark(&self.watched.blocked_since, poll.is_pending());
        if let (Poll::Ready(Ok(written)), Some(streams)) = (&poll, self.watched.streams.get()) {
            let mut left = *written;
            for piece in pieces {
                let sent = piece.get(..left.min(piece.len())).unwrap_or_default();
                streams.sent(sent);
                left -= sent.len();
            }
        }
        poll
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for WatchedIo<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let poll = Pin::new(&mut this.inner).poll_write(cx, data);
        this.noticed(poll, &[IoSlice::new(data)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let poll = Pin::new(&mut this.inner).poll_write_vectored(cx, data);
        this.noticed(poll, data)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}
