//! The listener: accepts connections, serves HTTP on them, and ends in good order.

pub(crate) mod certificate;
mod connection;
mod door;
mod forwarded;
mod plain;
mod socket;
mod streams;
pub(crate) mod tls;

use std::{convert::Infallible, future::Future, net::SocketAddr, sync::Arc, time::Duration};

use cloakroom::{ClientAddress, Cloakroom, MatchedRoute, ReplyBody};
use http::{HeaderValue, Request, Response, header::CONNECTION};
use http_body_util::Either;
use hyper::body::Incoming;
use tokio::{net::TcpListener, sync::watch};

use self::{connection::Connections, door::Door, tls::Tls};
pub(crate) use self::{
    forwarded::{Arrival, TrustedProxies},
    plain::Plain,
};
use crate::{
    holder::Held,
    proxy::{Proxy, Upstream},
    site::{Site, SiteBody},
};

/// Bytes of header values, more than the gate takes, after which an HTTP/1.1 connection takes no further
/// request: hyper keeps the buffer that the largest head needed for as long as the connection lives.
const LARGE_HEAD_BYTES: usize = 64 * 1024;
/// How long open requests may take to end at shutdown.
const SHUTDOWN: Duration = Duration::from_secs(10);

/// Everything that serves a request.
#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) cloakroom: Cloakroom,
    /// As whom it holds leases; nothing where sessions are not in a store.
    pub(crate) held: Option<Held>,
    pub(crate) proxy: Proxy,
    /// In the order of the route table.
    pub(crate) destinations: Vec<Destination>,
    pub(crate) proxies: TrustedProxies,
    /// What answers who came by plain HTTP; nothing where the public URL is plain itself.
    pub(crate) plain: Option<Arc<Plain>>,
}

/// Where connections come in.
#[derive(Debug)]
pub(crate) struct Listeners {
    pub(crate) main: TcpListener,
    /// What the main listener speaks; without it, it is plain.
    pub(crate) tls: Option<Tls>,
    /// Whoever comes here is led to https or refused.
    pub(crate) plain: Option<TcpListener>,
}

/// What is behind a route.
#[derive(Debug)]
pub(crate) enum Destination {
    Upstream(Upstream),
    Site(Site),
}

type InnerBody = Either<ReplyBody<Incoming>, SiteBody>;

impl Gateway {
    /// Serves until `shutdown`, then lets open requests end.
    pub(crate) async fn serve(
        self: Arc<Self>,
        listeners: Listeners,
        shutdown: impl Future<Output = ()>,
    ) {
        // Every connection holds a receiver: closed means that the last one has ended.
        let (ending, open) = watch::channel(false);
        let mut door = Door::open(listeners.main);
        let connections = Arc::new(Connections::new(listeners.tls, door.places()));
        if let (Some(plain), Some(listener)) = (&self.plain, listeners.plain) {
            let door = Door::open_beside(listener);
            tokio::spawn(Arc::clone(plain).serve(door, open.clone()));
        }
        tokio::pin!(shutdown);
        loop {
            let (socket, peer) = tokio::select! {
                () = &mut shutdown => break,
                accepted = door.accept() => accepted,
            };
            let (gateway, connections) = (Arc::clone(&self), Arc::clone(&connections));
            let open = open.clone();
            tokio::spawn(async move { connections.attend(gateway, socket, peer, open).await });
        }
        drop((door, open));
        self.cloakroom.end_event_streams();
        ending.send_replace(true);
        if tokio::time::timeout(SHUTDOWN, ending.closed()).await.is_err() {
            tracing::warn!("some requests were still open at shutdown");
        }
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        tls: bool,
    ) -> Result<Response<ReplyBody<InnerBody>>, Infallible> {
        let arrival = self.proxies.arrival(peer.ip(), tls, request.headers());
        if !arrival.is_secure()
            && let Some(plain) = &self.plain
        {
            return Ok(plain.answer(&request.into_parts().0, peer));
        }
        let is_last = has_large_head(&request);
        let mut answer = self.conduct(request, &arrival).await?;
        if is_last {
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(answer)
    }

    async fn conduct(
        &self,
        mut request: Request<Incoming>,
        arrival: &Arrival,
    ) -> Result<Response<ReplyBody<InnerBody>>, Infallible> {
        request.extensions_mut().insert(ClientAddress(arrival.client()));
        self.cloakroom
            .handle(request, |request| async move {
                let route = request.extensions().get::<MatchedRoute>();
                let destination = route.and_then(|route| self.destinations.get(route.0));
                Ok(match destination {
                    Some(Destination::Upstream(upstream)) => {
                        self.proxy.forward(upstream, request, arrival).await.map(Either::Left)
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

fn has_large_head(request: &Request<Incoming>) -> bool {
    request.headers().values().map(HeaderValue::len).sum::<usize>() > LARGE_HEAD_BYTES
}
