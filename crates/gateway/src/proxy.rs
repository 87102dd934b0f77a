//! The reverse proxy behind the layer: streams both ways, buffers nothing, retries nothing that was sent.
//!
//! It sees only requests that came the whole way; it chooses the upstream by the route that was
//! matched and never by anything that a client sent (R61). Redirects of an upstream go to the browser
//! and are never followed with a token (R69).

mod headers;
mod progress;
mod tunnel;

use std::time::Duration;

use cloakroom::{Reason, Refusal, ReplyBody, RequestId, ServedOrigin};
use http::{
    Request, Response, StatusCode, Uri, Version,
    uri::{Authority, PathAndQuery, Scheme},
};
use hyper::body::Incoming;
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};

use self::progress::{Progress, Watched};
use crate::server::Arrival;

/// How long an unused connection is kept: below the five seconds after which Node closes its own, so
/// that a request rarely meets a connection that is just being closed.
const IDLE: Duration = Duration::from_secs(4);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const IDLE_PER_UPSTREAM: usize = 256;
/// A tunnel may be silent for hours. After so long the system asks whether the other end is still there,
/// so that one that vanished does not hold two sockets for ever.
pub(crate) const KEEPALIVE_AFTER: Duration = Duration::from_secs(60);
pub(crate) const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);
/// How often it asks in vain.
pub(crate) const KEEPALIVE_RETRIES: u32 = 4;

/// One upstream of the route table.
#[derive(Clone, Debug)]
pub(crate) struct Upstream {
    pub(crate) scheme: Scheme,
    pub(crate) authority: Authority,
    /// From the last byte of the request to the head of the answer.
    pub(crate) response_timeout: Duration,
}

/// The pool of connections to all upstreams.
#[derive(Clone, Debug)]
pub(crate) struct Proxy {
    client: Client<HttpsConnector<HttpConnector>, Watched>,
}

impl Proxy {
    /// Nothing is connected yet.
    ///
    /// # Errors
    /// When the platform's certificates cannot be used.
    pub(crate) fn new() -> Result<Self, rustls::Error> {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let tls = rustls::ClientConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()?
            .try_with_platform_verifier()?
            .with_no_client_auth();
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        tcp.set_keepalive(Some(KEEPALIVE_AFTER));
        tcp.set_keepalive_interval(Some(KEEPALIVE_INTERVAL));
        tcp.set_keepalive_retries(Some(KEEPALIVE_RETRIES));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        // A request that finds its pooled connection closed before a byte was sent goes to another
        // one; hyper repeats nothing of which the upstream may have seen a part.
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(IDLE_PER_UPSTREAM)
            .build(connector);
        Ok(Self { client })
    }

    /// Sends a request on and answers with what comes back.
    pub(crate) async fn forward(
        &self,
        upstream: &Upstream,
        mut request: Request<Incoming>,
        arrival: &Arrival,
    ) -> Response<ReplyBody<Incoming>> {
        let id = request.extensions().get::<RequestId>().cloned();
        let upgrade = tunnel::prepare(&mut request);
        let answer = match self.exchange(upstream, request, arrival).await {
            Ok(answer) => answer,
            Err(refusal) => {
                let id = id.unwrap_or_default();
                return refusal.into_response(&id, false);
            }
        };
        let mut answer = match (answer.status(), upgrade) {
            (StatusCode::SWITCHING_PROTOCOLS, Some(browser)) => tunnel::open(browser, answer),
            // An upgrade that nobody asked for would leave a connection that means two things.
            (StatusCode::SWITCHING_PROTOCOLS, None) => {
                let refusal =
                    Refusal::new(Reason::UpstreamUnreachable, "an upgrade out of nowhere");
                return refusal.into_response(&id.unwrap_or_default(), false);
            }
            _ => {
                let mut answer = answer;
                headers::clean_answer(answer.headers_mut());
                answer
            }
        };
        *answer.version_mut() = Version::HTTP_11;
        answer.map(ReplyBody::inner)
    }

    async fn exchange(
        &self,
        upstream: &Upstream,
        request: Request<Incoming>,
        arrival: &Arrival,
    ) -> Result<Response<Incoming>, Refusal> {
        let (mut parts, body) = request.into_parts();
        parts.uri = target(upstream, &parts.uri)?;
        parts.version = Version::HTTP_11;
        let origin = parts.extensions.remove::<ServedOrigin>();
        // What rode along for the rooms is of no use to the client.
        parts.extensions.clear();
        let origin = origin.as_ref().map(|origin| &*origin.0);
        headers::prepare_request(&mut parts.headers, origin, arrival);
        let progress = Progress::new(&body);
        let body = Watched::new(body, progress.clone());
        let exchange = self.client.request(Request::from_parts(parts, body));
        tokio::select! {
            answer = exchange => answer.map_err(|error| {
                if progress.is_broken() {
                    return Refusal::new(Reason::BadRequest, "the request's body broke off");
                }
                let what = if error.is_connect() { "no connection" } else { "connection lost" };
                Refusal::new(Reason::UpstreamUnreachable, format!("{what}: {}", innermost(&error)))
            }),
            () = progress.stalled(upstream.response_timeout) => Err(Refusal::new(
                Reason::UpstreamTimeout,
                format!("no answer within {:?}", upstream.response_timeout),
            )),
        }
    }
}

fn target(upstream: &Upstream, uri: &Uri) -> Result<Uri, Refusal> {
    let path = uri.path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));
    Uri::builder()
        .scheme(upstream.scheme.clone())
        .authority(upstream.authority.clone())
        .path_and_query(path)
        .build()
        .map_err(|error| Refusal::new(Reason::BadPath, error.to_string()))
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
