//! [`RecordLayer`] and the service it makes.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_layer::Layer;
use tower_service::Service;

use super::{RecordBody, call};
use crate::Recorder;

/// Wraps a service so that every request through it is recorded.
#[derive(Clone)]
pub struct RecordLayer {
    recorder: Recorder,
}

impl RecordLayer {
    /// Records for this panel.
    #[must_use]
    pub const fn new(recorder: Recorder) -> Self {
        Self { recorder }
    }
}

impl<S> Layer<S> for RecordLayer {
    type Service = RecordService<S>;

    fn layer(&self, inner: S) -> RecordService<S> {
        RecordService {
            inner,
            recorder: self.recorder.clone(),
        }
    }
}

/// The wrapped service. `S: Service<Request<RecordBody<B>>, Response = Response<RB>>`; it answers
/// with `Response<RecordBody<RB>>`. Both bodies carry [`Bytes`].
#[derive(Clone)]
pub struct RecordService<S> {
    inner: S,
    recorder: Recorder,
}

impl<S, B, RB> Service<Request<B>> for RecordService<S>
where
    S: Service<Request<RecordBody<B>>, Response = Response<RB>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
    B: Body<Data = Bytes> + Send + 'static,
    RB: Body<Data = Bytes> + Send + 'static,
{
    type Response = Response<RecordBody<RB>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The service that was polled ready is the one to call; its clone waits for the next.
        let clone = self.inner.clone();
        let ready = std::mem::replace(&mut self.inner, clone);
        Box::pin(call::record(self.recorder.clone(), ready, request))
    }
}
