//! What happens on a connection: HTTP/1.1, plain or inside TLS, or HTTP/2 inside TLS.

use std::{convert::Infallible, net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use cloakroom::ReplyBody;
use http::{
    HeaderMap, HeaderValue, Request,
    header::{CONNECTION, COOKIE, UPGRADE},
};
use http_body::Body as _;
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
    service::{HttpService, service_fn},
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{Semaphore, watch},
};
use tokio_rustls::server::TlsStream;

use super::{
    Gateway, InnerBody, has_large_head,
    socket::{Socket, Talk},
    streams::Streams,
    tls::{H2, Tls},
};

/// How long a client may take over a connection's first head (R71).
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long it may take over a further head, and idle before it; hyper has one clock for both. Longer
/// than load balancers and TLS terminators keep an unused connection (a minute): whoever closes first
/// should be the one that would send the next request.
const IDLE_TIMEOUT: Duration = Duration::from_secs(75);
/// How long a client may take over the end of a connection that we have had enough of.
const CLOSING: Duration = Duration::from_secs(5);
/// Read buffer: a head beyond it is answered 431 (R71), by hyper and without the header that clears
/// cookies. So it has room for all that a browser keeps for one host, 180 cookies of 4096 bytes: a
/// cookie bomb of any size meets the gate's 431, which has the way back. In HTTP/2 it bounds, by way of
/// the frames that so much may come in, also CONTINUATION frames without end (CVE-2024-27316).
const MAX_HEAD_BYTES: u32 = 768 * 1024;
/// Requests at once on one connection, as many as RFC 9113 §6.5.2 recommends at least.
const MAX_STREAMS: u32 = 100;
/// Streams that were cancelled before we looked at them, or that broke the protocol; more of them end
/// the connection (CVE-2023-44487, CVE-2025-8671). As many as may be open: a page that is left.
const MAX_RESET_STREAMS: usize = 100;
/// What a connection may have sent us that nobody has read: all its streams together, and each.
const RECEIVE_WINDOW: u32 = 1024 * 1024;
/// What waits in each stream for a client that does not read.
const SEND_BUFFER: usize = 64 * 1024;

/// How connections are served; the same for all.
#[derive(Debug)]
pub(super) struct Connections {
    tls: Option<Tls>,
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
    /// For the streams of HTTP/2.
    places: Arc<Semaphore>,
}

impl Connections {
    pub(super) fn new(tls: Option<Tls>, places: Arc<Semaphore>) -> Self {
        let mut http1 = http1::Builder::new();
        http1
            .timer(TokioTimer::new())
            .header_read_timeout(IDLE_TIMEOUT)
            .max_buf_size(MAX_HEAD_BYTES as usize)
            .max_headers(128);
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .max_header_list_size(MAX_HEAD_BYTES)
            .max_pending_accept_reset_streams(MAX_RESET_STREAMS)
            .max_local_error_reset_streams(MAX_RESET_STREAMS)
            .initial_connection_window_size(RECEIVE_WINDOW)
            .initial_stream_window_size(RECEIVE_WINDOW)
            .max_send_buf_size(SEND_BUFFER);
        Self { tls, http1, http2, places }
    }

    /// Serves a connection to its end; once `ending` says so, the requests under way are its last.
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
            Ok(stream) if stream.get_ref().1.alpn_protocol() == Some(H2) => {
                self.http2(gateway, stream, talk, peer, ending).await;
            }
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
        // Its own clock ends it when it is idle.
        end_gracefully(connection, &talk, std::future::pending(), ending).await;
    }

    async fn http2(
        &self,
        gateway: Arc<Gateway>,
        io: TlsStream<Socket>,
        talk: Arc<Talk>,
        peer: SocketAddr,
        ending: watch::Receiver<bool>,
    ) {
        let streams = Streams::new(Arc::clone(&self.places));
        let service = service_fn({
            let (talk, streams) = (Arc::clone(&talk), Arc::clone(&streams));
            move |mut request: Request<Incoming>| {
                let mut stream = streams.begin();
                talk.asked(true);
                join_cookies(request.headers_mut());
                let gateway = Arc::clone(&gateway);
                async move {
                    // The gate refuses it in any case: it must not wait here with all that it holds.
                    if !has_large_head(&request) {
                        stream.take_place().await;
                    }
                    let mut answer = gateway.answer(request, peer, true).await?;
                    // Means nothing here (RFC 9113 §8.2.2).
                    answer.headers_mut().remove(CONNECTION);
                    Ok::<_, Infallible>(answer.map(|body| stream.ride(body)))
                }
            }
        });
        let connection = self.http2.serve_connection(TokioIo::new(io), service);
        end_gracefully(connection, &talk, streams.come_to_an_end(IDLE_TIMEOUT), ending).await;
    }
}

/// Browsers send each cookie in a field of its own; together they are what HTTP/1.1 knows as the one
/// header (RFC 9113 §8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let fields: Vec<_> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if fields.len() > 1
        && let Ok(joined) = HeaderValue::from_bytes(&fields.join(&b"; "[..]))
    {
        headers.insert(COOKIE, joined);
    }
}

/// A connection of either protocol.
trait Connection: Future<Output = hyper::Result<()>> {
    /// What has begun is the last.
    fn finish(self: Pin<&mut Self>);
}

impl<I, S> Connection for http1::UpgradeableConnection<TokioIo<I>, S>
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: HttpService<Incoming, ResBody = ReplyBody<InnerBody>, Error = Infallible>,
{
    fn finish(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl<I, S, B> Connection for http2::Connection<TokioIo<I>, S, TokioExecutor>
where
    I: AsyncRead + AsyncWrite + Unpin,
    S: HttpService<Incoming, ResBody = B, Error = Infallible>,
    S::Future: Send + 'static,
    B: http_body::Body<Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
    B::Data: Send,
{
    fn finish(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

/// Serves a connection. At shutdown and after `over` the requests under way are its last.
async fn end_gracefully(
    connection: impl Connection,
    talk: &Talk,
    over: impl Future<Output = ()>,
    mut ending: watch::Receiver<bool>,
) {
    tokio::pin!(connection);
    let told = async { ending.wait_for(|ending| *ending).await.is_ok() };
    let ended = tokio::select! {
        ended = &mut connection => ended,
        _ = told => {
            connection.as_mut().finish();
            connection.await
        }
        () = over => {
            connection.as_mut().finish();
            let Ok(ended) = tokio::time::timeout(CLOSING, connection).await else { return };
            ended
        }
        () = talk.stays_silent(HEAD_TIMEOUT) => return,
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended badly");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_cookie_fields_are_one_header() {
        let joined = |fields: &[&'static [u8]]| {
            let mut headers = HeaderMap::new();
            for field in fields {
                headers.append(COOKIE, HeaderValue::from_bytes(field).expect("a value"));
            }
            join_cookies(&mut headers);
            let values: Vec<_> =
                headers.get_all(COOKIE).iter().map(|value| value.as_bytes().to_vec()).collect();
            values
        };
        assert!(joined(&[]).is_empty());
        assert_eq!(joined(&[b"a=1; b=2"]), [b"a=1; b=2"]);
        assert_eq!(joined(&[b"a=1", b"b=\xff", b"", b"c"]), [b"a=1; b=\xff; ; c"]);
    }
}
