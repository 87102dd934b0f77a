//! The listener: accepts connections, serves HTTP/1.1 on them, and ends in good order.

use std::{convert::Infallible, future::Future, net::SocketAddr, sync::Arc, time::Duration};

use cloakroom::{Cloakroom, MatchedRoute, ReplyBody};
use http::{Request, Response};
use http_body_util::Either;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::net::TcpListener;

use crate::{
    proxy::{Proxy, Upstream},
    site::{Site, SiteBody},
};

/// How long a client may take over a request's head, and idle between two.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Read buffer: a head beyond it is answered 431 (R71).
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// How long open requests may take to end at shutdown.
const SHUTDOWN: Duration = Duration::from_secs(10);
/// A pause where the system has no more file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Everything that serves a request.
#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) cloakroom: Cloakroom,
    pub(crate) proxy: Proxy,
    /// In the order of the route table.
    pub(crate) destinations: Vec<Destination>,
}

/// What is behind a route.
#[derive(Debug)]
pub(crate) enum Destination {
    Upstream(Upstream),
    Site(Site),
}

type InnerBody = Either<ReplyBody<Incoming>, SiteBody>;

impl Gateway {
    /// Serves `listener` until `shutdown`, then lets open requests end.
    pub(crate) async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
    ) {
        let graceful = GracefulShutdown::new();
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(MAX_HEAD_BYTES)
            .max_headers(128);
        tokio::pin!(shutdown);
        loop {
            let (stream, peer) = tokio::select! {
                () = &mut shutdown => break,
                accepted = listener.accept() => match accepted {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                        continue;
                    }
                },
            };
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "TCP_NODELAY not set");
            }
            let gateway = Arc::clone(&self);
            let service = service_fn(move |request| {
                let gateway = Arc::clone(&gateway);
                async move { gateway.answer(request, peer).await }
            });
            let connection = http.serve_connection(TokioIo::new(stream), service).with_upgrades();
            let connection = graceful.watch(connection);
            tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "a connection ended badly");
                }
            });
        }
        drop(listener);
        if tokio::time::timeout(SHUTDOWN, graceful.shutdown()).await.is_err() {
            tracing::warn!("some requests were still open at shutdown");
        }
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> Result<Response<ReplyBody<InnerBody>>, Infallible> {
        self.cloakroom
            .handle(request, |request| async move {
                let route = request.extensions().get::<MatchedRoute>();
                let destination = route.and_then(|route| self.destinations.get(route.0));
                Ok(match destination {
                    Some(Destination::Upstream(upstream)) => {
                        self.proxy.forward(upstream, request, peer.ip()).await.map(Either::Left)
                    }
                    Some(Destination::Site(site)) => {
                        let (method, uri) = (request.method(), request.uri());
                        site.answer(method, uri, request.headers()).await.map(Either::Right)
                    }
                    None => unreachable!("the layer passes on matched routes alone"),
                })
            })
            .await
    }
}
