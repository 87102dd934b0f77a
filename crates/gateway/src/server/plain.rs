//! Plain HTTP where https is the only way in (F3).
//!
//! 1. The host is one of ours; another gets 421.
//! 2. A person who opens a page (GET or HEAD) is led to the same page by https. So is whoever asks
//!    below `/.well-known/` or says nothing about what is wanted: authorities that renew certificates,
//!    and those who keep the browsers' HSTS lists.
//! 3. Everything else is refused with 403: a redirect would hide that its body, and whatever proves who
//!    sent it, have already been read by everybody on the way. Nothing goes to an upstream, and
//!    nothing is read but the head.

#[cfg(test)]
mod tests;

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use cloakroom::{Reason, Refusal, ReplyBody, RequestId};
use cloakroom_core::{guard::is_navigation, origin::PublicOrigin, path::NormalPath};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri,
    header::{
        ACCEPT, AUTHORIZATION, CONNECTION, CONTENT_SECURITY_POLICY, HOST, LOCATION, UPGRADE,
        X_CONTENT_TYPE_OPTIONS,
    },
    request::Parts,
};
use http_body::Body as _;
use http_body_util::Empty;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::watch;

use super::{door::Door, socket::Socket};

const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Nobody is logged in here: there is no cookie of ours to make room for.
const MAX_HEAD_BYTES: usize = 32 * 1024;
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

type Answer<B> = Response<ReplyBody<B>>;

/// Leads to https.
#[derive(Debug)]
pub(crate) struct Plain {
    origins: Vec<PublicOrigin>,
}

impl Plain {
    /// Leads to one of these origins, by the host that was asked for.
    pub(crate) fn new(origins: Vec<PublicOrigin>) -> Self {
        Self { origins }
    }

    /// Serves the plain port until `ending` says so.
    pub(super) async fn serve(self: Arc<Self>, mut door: Door, mut ending: watch::Receiver<bool>) {
        let open = ending.clone();
        loop {
            let (socket, peer) = tokio::select! {
                _ = ending.wait_for(|ending| *ending) => return,
                accepted = door.accept() => accepted,
            };
            let (plain, open) = (Arc::clone(&self), open.clone());
            tokio::spawn(async move { plain.attend(socket, peer, open).await });
        }
    }

    async fn attend(&self, socket: Socket, peer: SocketAddr, mut ending: watch::Receiver<bool>) {
        let talk = socket.talk();
        let service = service_fn(|request: Request<Incoming>| {
            talk.asked(!request.body().is_end_stream());
            let answer = self.answer::<Empty<bytes::Bytes>>(&request.into_parts().0, peer);
            std::future::ready(Ok::<_, Infallible>(answer))
        });
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(MAX_HEAD_BYTES)
            .keep_alive(false);
        let connection = http.serve_connection(TokioIo::new(socket), service);
        let ended = tokio::select! {
            ended = connection => ended,
            () = talk.stays_silent(HEAD_TIMEOUT) => return,
            _ = ending.wait_for(|ending| *ending) => return,
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a plain connection ended badly");
        }
    }

    /// The answer to a request that came by plain HTTP.
    pub(super) fn answer<B>(&self, request: &Parts, peer: SocketAddr) -> Answer<B> {
        let mut answer = match self.target(request) {
            Ok(location) => {
                let mut answer = Response::new(ReplyBody::empty());
                *answer.status_mut() = StatusCode::PERMANENT_REDIRECT;
                answer.headers_mut().insert(LOCATION, location);
                answer
            }
            Err(refusal) => {
                let page = request.method == Method::GET && is_navigation(&request.headers);
                refusal.into_response(&RequestId::default(), page)
            }
        };
        let headers = answer.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers
            .entry(CONTENT_SECURITY_POLICY)
            .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
        let (method, status) = (request.method.as_str(), answer.status().as_u16());
        tracing::info!(method, status, %peer, "plain request");
        answer
    }

    /// Where a request is led to.
    fn target(&self, request: &Parts) -> Result<HeaderValue, Refusal> {
        let origin = self.origin(&request.uri, &request.headers)?;
        if !leads_on(request) {
            return Err(Refusal::new(Reason::HttpsRequired, "by plain http"));
        }
        let path = NormalPath::parse(request.uri.path())
            .map_err(|error| Refusal::new(Reason::BadPath, error.to_string()))?;
        let query = request.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        HeaderValue::try_from(origin.absolute(&format!("{}{query}", path.as_str())))
            .map_err(|error| Refusal::new(Reason::BadRequest, error.to_string()))
    }

    /// The origin that is meant: its host, on whatever port (R67).
    fn origin(&self, uri: &Uri, headers: &HeaderMap) -> Result<&PublicOrigin, Refusal> {
        let bad = |why| Refusal::new(Reason::BadRequest, why);
        let mut hosts = headers.get_all(HOST).iter();
        let host = match (hosts.next(), hosts.next()) {
            (Some(host), None) => host.to_str().map_err(|_| bad("the Host header is not text"))?,
            (Some(_), Some(_)) => return Err(bad("two Host headers")),
            (None, _) => uri.authority().ok_or_else(|| bad("no Host header"))?.as_str(),
        };
        if uri.authority().is_some_and(|authority| !authority.as_str().eq_ignore_ascii_case(host)) {
            return Err(bad("the target's authority is not the Host"));
        }
        let name = without_port(host);
        let meant = |origin: &&PublicOrigin| {
            origin.as_url().host_str().is_some_and(|own| own.eq_ignore_ascii_case(name))
        };
        self.origins
            .iter()
            .find(meant)
            .ok_or_else(|| Refusal::new(Reason::WrongHost, "not a host of ours"))
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

fn leads_on(request: &Parts) -> bool {
    let Parts { method, uri, headers, .. } = request;
    let reads = *method == Method::GET || *method == Method::HEAD;
    if !reads || headers.contains_key(AUTHORIZATION) || headers.contains_key(UPGRADE) {
        return false;
    }
    let silent = !headers.contains_key(ACCEPT) && !headers.contains_key(SEC_FETCH_MODE);
    silent || is_navigation(headers) || uri.path().starts_with("/.well-known/")
}
