//! Our own pages as a service that the recorder can wrap.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use admintrail_web::App;
use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response};

use crate::serve::Never;

/// The pages and the API.
#[derive(Clone)]
pub(crate) struct Service(Router);

impl Service {
    pub(crate) fn new(app: Arc<App>) -> Self {
        Self(admintrail_web::router(app))
    }
}

impl<B> tower_service::Service<Request<B>> for Service
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    type Response = Response<Body>;
    type Error = Never;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Never>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Never>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        Box::pin(self.0.call(request.map(Body::new)))
    }
}
