//! The listener: accepts connections, serves HTTP/1.1 on them, and ends in good order.

mod door;
mod socket;

use std::{convert::Infallible, future::Future, net::SocketAddr, sync::Arc, time::Duration};

use cloakroom::{Cloakroom, MatchedRoute, ReplyBody};
use http::{
    HeaderValue, Request, Response,
    header::{CONNECTION, UPGRADE},
};
use http_body::Body as _;
use http_body_util::Either;
use hyper::{
    body::Incoming,
    server::conn::http1,
    service::{HttpService, service_fn},
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpListener, sync::watch};

use self::{
    door::Door,
    socket::{Socket, Talk},
};
use crate::{
    proxy::{Proxy, Upstream},
    site::{Site, SiteBody},
};

/// How long a client may take over a connection's first head (R71).
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long it may take over a further head, and idle before it; hyper has one clock for both. Longer
/// than load balancers and TLS terminators keep an unused connection (a minute): whoever closes first
/// should be the one that would send the next request.
const IDLE_TIMEOUT: Duration = Duration::from_secs(75);
/// Read buffer: a head beyond it is answered 431 (R71), by hyper and without the header that clears
/// cookies. So it has room for all that a browser keeps for one host, 180 cookies of 4096 bytes: a
/// cookie bomb of any size meets the gate's 431, which has the way back.
const MAX_HEAD_BYTES: usize = 768 * 1024;
/// Bytes of header values after which a connection takes no further request: hyper keeps the buffer
/// that the largest head needed for as long as the connection lives.
const LARGE_HEAD_BYTES: usize = 64 * 1024;
/// How long open requests may take to end at shutdown.
const SHUTDOWN: Duration = Duration::from_secs(10);

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
            .header_read_timeout(IDLE_TIMEOUT)
            .max_buf_size(MAX_HEAD_BYTES)
            .max_headers(128);
        let mut door = Door::open(listener);
        tokio::pin!(shutdown);
        loop {
            let (socket, peer) = tokio::select! {
                () = &mut shutdown => break,
                accepted = door.accept() => accepted,
            };
            let (gateway, talk) = (Arc::clone(&self), socket.talk());
            let service = service_fn({
                let talk = Arc::clone(&talk);
                move |request: Request<Incoming>| {
                    let upgrades = request.headers().contains_key(UPGRADE);
                    talk.asked(!request.body().is_end_stream() && !upgrades);
                    let gateway = Arc::clone(&gateway);
                    async move { gateway.answer(request, peer).await }
                }
            });
            let connection = http.serve_connection(TokioIo::new(socket), service).with_upgrades();
            tokio::spawn(end_gracefully(connection, talk, open.clone()));
        }
        drop((door, open));
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
        let head: usize = request.headers().values().map(HeaderValue::len).sum();
        let mut answer = self.conduct(request, peer).await?;
        if head > LARGE_HEAD_BYTES {
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(answer)
    }

    async fn conduct(
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

type Connection<S> = http1::UpgradeableConnection<TokioIo<Socket>, S>;

/// Serves a connection; at shutdown the request under way is its last.
async fn end_gracefully<S>(
    connection: Connection<S>,
    talk: Arc<Talk>,
    mut ending: watch::Receiver<bool>,
) where
    S: HttpService<Incoming, ResBody = ReplyBody<InnerBody>, Error = Infallible>,
{
    tokio::pin!(connection);
    let told = async { ending.wait_for(|ending| *ending).await.is_ok() };
    let ended = tokio::select! {
        ended = &mut connection => Some(ended),
        _ = told => None,
        () = talk.stays_silent(HEAD_TIMEOUT) => return,
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
