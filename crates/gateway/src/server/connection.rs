//! What happens on a connection: HTTP/1.1, plain or inside TLS.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use cloakroom::ReplyBody;
use http::{Request, header::UPGRADE};
use http_body::Body as _;
use hyper::{
    body::Incoming,
    server::conn::http1,
    service::{HttpService, service_fn},
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
};

use super::{
    Gateway, InnerBody,
    socket::{Socket, Talk},
    tls::Tls,
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

/// How connections are served; the same for all.
#[derive(Debug)]
pub(super) struct Connections {
    tls: Option<Tls>,
    http1: http1::Builder,
}

impl Connections {
    pub(super) fn new(tls: Option<Tls>) -> Self {
        let mut http1 = http1::Builder::new();
        http1
            .timer(TokioTimer::new())
            .header_read_timeout(IDLE_TIMEOUT)
            .max_buf_size(MAX_HEAD_BYTES)
            .max_headers(128);
        Self { tls, http1 }
    }

    /// Serves a connection to its end; once `ending` says so, the request under way is its last.
    pub(super) async fn attend(
        &self,
        gateway: Arc<Gateway>,
        socket: Socket,
        peer: SocketAddr,
        mut ending: watch::Receiver<bool>,
    ) {
        let talk = socket.talk();
        let Some(tls) = &self.tls else {
            return self.http1(gateway, socket, talk, peer, ending).await;
        };
        let shaken = tokio::select! {
            shaken = tls.handshake(socket) => shaken,
            _ = ending.wait_for(|ending| *ending) => return,
        };
        match shaken {
            Ok(stream) => self.http1(gateway, stream, talk, peer, ending).await,
            Err(error) => tracing::debug!(%error, %peer, "no TLS handshake"),
        }
    }

    async fn http1<I: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
        &self,
        gateway: Arc<Gateway>,
        io: I,
        talk: Arc<Talk>,
        peer: SocketAddr,
        ending: watch::Receiver<bool>,
    ) {
        let tls = self.tls.is_some();
        let service = service_fn({
            let talk = Arc::clone(&talk);
            move |request: Request<Incoming>| {
                let upgrades = request.headers().contains_key(UPGRADE);
                talk.asked(!request.body().is_end_stream() && !upgrades);
                let gateway = Arc::clone(&gateway);
                async move { gateway.answer(request, peer, tls).await }
            }
        });
        let connection = self.http1.serve_connection(TokioIo::new(io), service).with_upgrades();
        end_gracefully(connection, talk, ending).await;
    }
}

/// Serves a connection; at shutdown the request under way is its last.
async fn end_gracefully<I, S>(
    connection: http1::UpgradeableConnection<TokioIo<I>, S>,
    talk: Arc<Talk>,
    mut ending: watch::Receiver<bool>,
) where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
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
