//! Cloakroom as a tower layer.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower::{Layer, Service};

use crate::{Cloakroom, ReplyBody};

/// Wraps a service in a [`Cloakroom`].
#[derive(Clone, Debug)]
pub struct CloakroomLayer(Cloakroom);

impl CloakroomLayer {
    pub(crate) fn new(cloakroom: Cloakroom) -> Self {
        Self(cloakroom)
    }
}

impl<S> Layer<S> for CloakroomLayer {
    type Service = CloakroomService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CloakroomService { cloakroom: self.0.clone(), inner }
    }
}

/// A service that only requests reach which came the whole way.
#[derive(Clone, Debug)]
pub struct CloakroomService<S> {
    cloakroom: Cloakroom,
    inner: S,
}

impl<S, B, R> Service<Request<B>> for CloakroomService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
    B: Send + 'static,
    R: Body<Data = Bytes> + Send + 'static,
{
    type Response = Response<ReplyBody<R>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The service that was ready serves this request; its clone waits for the next.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let cloakroom = self.cloakroom.clone();
        Box::pin(async move { cloakroom.handle(request, |request| inner.call(request)).await })
    }
}
