//! The listener: accepts connections, serves HTTP/1.1 on them, and ends in good order.

use std::{convert::Infallible, future::Future, net::SocketAddr, sync::Arc, time::Duration};

use cloakroom::{Cloakroom, MatchedRoute, ReplyBody};
use http::{Request, Response};
use http_body_util::Either;
use hyper::{
    body::Incoming,
    server::conn::http1,
    service::{HttpService, service_fn},
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};

use crate::{
    proxy::{Proxy, Upstream},
    site::{Site, SiteBody},
};

/// How long a client may take over a request's head, and idle between two.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Read buffer: a head beyond it is answered 431 (R71), by hyper and without the header that clears
/// cookies. So it has room for all that a browser keeps for one host, 180 cookies of 4096 bytes: a
/// cookie bomb of any size meets the gate's 431, which has the way back.
const MAX_HEAD_BYTES: usize = 768 * 1024;
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
        // Every connection holds a receiver: closed means that the last one has ended.
        let (ending, open) = watch::channel(false);
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
            tokio::spawn(end_gracefully(connection, open.clone()));
        }
        drop((listener, open));
        ending.send_replace(true);
        if tokio::time::timeout(SHUTDOWN, ending.closed()).await.is_err() {
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
                        site.answer(&request.into_parts().0).await.map(Either::Right)
                    }
                    None => unreachable!("the layer passes on matched routes alone"),
                })
            })
            .await
    }
}

type Connection<S> = http1::UpgradeableConnection<TokioIo<TcpStream>, S>;

/// Serves a connection; at shutdown the request under way is its last.
async fn end_gracefully<S>(connection: Connection<S>, mut ending: watch::Receiver<bool>)
where
    S: HttpService<Incoming, ResBody = ReplyBody<InnerBody>, Error = Infallible>,
{
    tokio::pin!(connection);
    let told = async { ending.wait_for(|ending| *ending).await.is_ok() };
    let ended = tokio::select! {
        ended = &mut connection => Some(ended),
        _ = told => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended badly");
    }
}
