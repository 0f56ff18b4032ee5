//! Bodies on their way: the request's to the panel, the response's to the client.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use parking_lot::Mutex;
use std::time::Instant;

use super::upstream::{Link, Pool};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How a request's body is getting on, for the one who waits for the response.
#[derive(Debug)]
pub(crate) struct Progress {
    /// The whole body has been handed to the panel's connection.
    ended: AtomicBool,
    /// The client broke off.
    broken: AtomicBool,
    /// The panel asked for more than the client had sent.
    awaited: AtomicBool,
    last: Mutex<Instant>,
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self {
            ended: AtomicBool::new(false),
            broken: AtomicBool::new(false),
            awaited: AtomicBool::new(false),
            last: Mutex::new(Instant::now()),
        }
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Relaxed)
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.broken.load(Relaxed)
    }

    /// Whether it is the client that keeps the panel waiting.
    pub(crate) fn is_awaited(&self) -> bool {
        !self.has_ended() && self.awaited.load(Relaxed)
    }

    /// When the last piece was handed on.
    pub(crate) fn last(&self) -> Instant {
        *self.last.lock()
    }
}

pin_project_lite::pin_project! {
    /// A request's body. One without a body carries nothing more than the body itself.
    pub(crate) struct Outgoing<B> {
        #[pin]
        inner: Option<B>,
        progress: Option<Arc<Progress>>,
    }
}

impl<B> Outgoing<B> {
    /// No body.
    pub(crate) fn empty() -> Self {
        Self {
            inner: None,
            progress: None,
        }
    }

    /// A body whose progress is watched.
    pub(crate) fn watched(inner: B, progress: Arc<Progress>) -> Self {
        Self {
            inner: Some(inner),
            progress: Some(progress),
        }
    }
}

impl<B> Body for Outgoing<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut this = self.project();
        let Some(mut inner) = this.inner.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        let poll = inner.as_mut().poll_frame(cx);
        if let Some(progress) = this.progress {
            progress.awaited.store(poll.is_pending(), Relaxed);
        }
        if let (Poll::Ready(ready), Some(progress)) = (&poll, this.progress) {
            match ready {
                Some(Ok(_)) => {
                    *progress.last.lock() = Instant::now();
                    if inner.is_end_stream() {
                        progress.ended.store(true, Relaxed);
                    }
                }
                None => progress.ended.store(true, Relaxed),
                Some(Err(_)) => progress.broken.store(true, Relaxed),
            }
        }
        poll.map(|ready| ready.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

/// A response's body: the panel's, or a short page of our own.
pub(crate) struct Answer<B>
where
    B: Body + Send + 'static,
    Outgoing<B>: Body<Data = Bytes, Error = BoxError>,
{
    source: Source<B>,
    broken: Option<BoxError>,
}

enum Source<B>
where
    B: Body + Send + 'static,
    Outgoing<B>: Body<Data = Bytes, Error = BoxError>,
{
    /// Streams from the panel; the link is driven by whoever reads.
    Panel(PanelBody<B>),
    /// Streams from the panel over a link that is driven elsewhere.
    Driven(Incoming),
    /// A page of our own.
    Page(Option<Bytes>),
}

impl<B> Answer<B>
where
    B: Body + Send + 'static,
    Outgoing<B>: Body<Data = Bytes, Error = BoxError>,
{
    /// The panel's, over a link that goes back to the pool.
    pub(crate) fn panel(body: PanelBody<B>) -> Self {
        Self {
            source: Source::Panel(body),
            broken: None,
        }
    }

    /// The panel's, over a link that is driven elsewhere.
    pub(crate) fn driven(incoming: Incoming) -> Self {
        Self {
            source: Source::Driven(incoming),
            broken: None,
        }
    }

    /// Our own.
    pub(crate) fn page(bytes: Option<Bytes>) -> Self {
        Self {
            source: Source::Page(bytes),
            broken: None,
        }
    }
}

/// The panel's response with the link it comes over.
pub(crate) struct PanelBody<B>
where
    B: Body + Send + 'static,
    Outgoing<B>: Body<Data = Bytes, Error = BoxError>,
{
    incoming: Incoming,
    link: Option<Box<Link<Outgoing<B>>>>,
    pool: Arc<Pool<Outgoing<B>>>,
    whole: bool,
}

impl<B> PanelBody<B>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    pub(crate) fn new(
        incoming: Incoming,
        link: Box<Link<Outgoing<B>>>,
        pool: Arc<Pool<Outgoing<B>>>,
    ) -> Self {
        let mut body = Self {
            incoming,
            link: Some(link),
            pool,
            whole: false,
        };
        if body.incoming.is_end_stream() {
            // 204, 304, HEAD, or `Content-Length: 0`: the link is free before the head is sent.
            body.finish();
        }
        body
    }

    fn finish(&mut self) {
        self.whole = true;
        if let Some(link) = self.link.take() {
            self.pool.give_back(link);
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        // Frames come out of `drive` alone, so waiting for one needs no waker of its own.
        let mut still = Context::from_waker(Waker::noop());
        let mut poll = Pin::new(&mut self.incoming).poll_frame(&mut still);
        if poll.is_pending()
            && let Some(link) = &mut self.link
        {
            let ended = link.drive(cx).is_ready();
            poll = Pin::new(&mut self.incoming).poll_frame(&mut still);
            if poll.is_pending() && ended {
                cx.waker().wake_by_ref();
            }
        }
        match &poll {
            Poll::Ready(None) => self.finish(),
            // Half a message may still be on the link.
            Poll::Ready(Some(Err(_))) => self.link = None,
            _ => {}
        }
        poll
    }
}

impl<B> Drop for PanelBody<B>
where
    B: Body + Send + 'static,
    Outgoing<B>: Body<Data = Bytes, Error = BoxError>,
{
    fn drop(&mut self) {
        if !self.whole
            && self.incoming.is_end_stream()
            && let Some(link) = self.link.take()
        {
            self.pool.give_back(link);
        }
    }
}

impl<B> Body for Answer<B>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        if let Some(error) = this.broken.take() {
            return Poll::Ready(Some(Err(error)));
        }
        let poll = match &mut this.source {
            Source::Panel(body) => body.poll(cx),
            Source::Driven(incoming) => Pin::new(incoming).poll_frame(cx),
            Source::Page(bytes) => {
                return Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes))));
            }
        };
        match poll {
            Poll::Ready(Some(Err(error))) => {
                // The error makes the server drop the connection with whatever it has not sent;
                // one pause lets it send what came before.
                this.broken = Some(error.into());
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Poll::Ready(Some(Ok(frame))) => Poll::Ready(Some(Ok(frame))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.broken.is_none()
            && match &self.source {
                Source::Panel(body) => body.incoming.is_end_stream(),
                Source::Driven(incoming) => incoming.is_end_stream(),
                Source::Page(bytes) => bytes.is_none(),
            }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Panel(body) => body.incoming.size_hint(),
            Source::Driven(incoming) => incoming.size_hint(),
            Source::Page(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
        }
    }
}
