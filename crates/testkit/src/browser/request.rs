//! A request, and what the browser adds to it.

use std::io;
use std::net::Ipv4Addr;

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use url::{Position, Url, form_urlencoded};

use super::relation::Relation;
use super::response::Opened;
use super::{Browser, Events, Response, WebSocket, parse, websocket};
use crate::pieces::Pieces;

/// Why a request is sent: by which page, and for what. Redirects inherit it.
#[derive(Clone)]
pub(super) struct Cause {
    /// `None` is the address bar.
    page: Option<Url>,
    /// The most foreign hop so far.
    relation: Relation,
    kind: Kind,
    every_cookie: bool,
}

/// What a request is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Fetch,
    Navigation,
    WebSocket,
}

/// A request that is being described; [`send`](Self::send) sends it.
pub struct Request {
    browser: Browser,
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) cause: Cause,
    headers: HeaderMap,
    without: Vec<HeaderName>,
    body: Body,
}

type Body = BoxBody<Bytes, std::convert::Infallible>;

async fn connect<I>(io: I) -> io::Result<http1::SendRequest<Body>>
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) =
        http1::handshake(TokioIo::new(io)).await.map_err(io::Error::other)?;
    // Its task ends when the answer is dropped: hyper hangs up then.
    tokio::spawn(connection.with_upgrades());
    Ok(sender)
}

impl Request {
    pub(super) fn new(browser: Browser, method: Method, url: Url) -> Self {
        let cause = Cause {
            page: Some(url.clone()),
            relation: Relation::SameOrigin,
            kind: Kind::Fetch,
            every_cookie: false,
        };
        Self {
            browser,
            method,
            url,
            cause,
            headers: HeaderMap::new(),
            without: Vec::new(),
            body: Full::default().boxed(),
        }
    }

    pub(super) fn following(browser: Browser, response: &Response) -> Self {
        let mut url = response.location().expect("a redirect");
        if url.fragment().is_none() {
            url.set_fragment(response.url.fragment());
        }
        let repeats = matches!(response.status.as_u16(), 307 | 308);
        let safe = matches!(response.method, Method::GET | Method::HEAD);
        assert!(
            safe || !repeats || response.without_body,
            "a {} would send the body again to {url}",
            response.status
        );
        let method = if safe || repeats { response.method.clone() } else { Method::GET };
        Self { cause: response.cause.clone(), ..Self::new(browser, method, url) }
    }

    /// As a top-level navigation instead of a fetch.
    pub fn navigation(mut self) -> Self {
        self.cause.kind = Kind::Navigation;
        self
    }

    /// From the address bar or a bookmark: no page asks for it.
    pub fn typed(mut self) -> Self {
        self.cause.page = None;
        self
    }

    /// From a page at this URL.
    pub fn from_page(mut self, page: &str) -> Self {
        self.cause.page = Some(parse(page));
        self
    }

    /// With every cookie, as from a browser that knows no SameSite.
    pub fn ignoring_same_site(mut self) -> Self {
        self.cause.every_cookie = true;
        self
    }

    /// Sets a header, also one that the browser would set itself.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let value = HeaderValue::from_bytes(value.as_bytes()).expect("a header's value");
        self.headers.insert(name.parse::<HeaderName>().expect("a header's name"), value);
        self
    }

    /// Leaves out a header that the browser would set.
    pub fn without(mut self, name: &str) -> Self {
        self.without.push(name.parse().expect("a header's name"));
        self
    }

    /// A body with a length.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Full::new(body.into()).boxed();
        self
    }

    /// A JSON body.
    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }

    /// A form's body.
    pub fn form(self, fields: &[(&str, &str)]) -> Self {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.header("content-type", "application/x-www-form-urlencoded").body(body)
    }

    /// A body whose pieces the test sends while the request runs; dropping the sender ends it.
    pub fn streaming(mut self) -> (mpsc::Sender<Bytes>, Self) {
        let (sender, body) = Pieces::new(());
        self.body = body.boxed();
        (sender, self)
    }

    /// Sends it and reads the whole answer.
    ///
    /// # Panics
    /// If there is no whole answer.
    pub async fn send(self) -> Response {
        let url = self.url.clone();
        let answer = self.try_send().await;
        answer.unwrap_or_else(|error| panic!("{}: {error}", &url[..Position::AfterPath]))
    }

    /// Sends it and reads the whole answer; an error if the connection fails before its end.
    pub async fn try_send(self) -> io::Result<Response> {
        self.open().await?.finish().await
    }

    /// Sends it and waits for the head of the answer only.
    pub async fn open(mut self) -> io::Result<Opened> {
        self.cause.relation = self.relation();
        let without_body = hyper::body::Body::is_end_stream(&self.body);
        let headers = self.all_headers();
        let request_target = &self.url[Position::BeforePath..Position::AfterQuery];
        let mut request = http::Request::new(self.body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = request_target.parse().map_err(io::Error::other)?;
        *request.headers_mut() = headers;

        let port = self.url.port_or_known_default().expect("an http URL");
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
        stream.set_nodelay(true)?;
        let mut sender = match (self.url.scheme(), &self.browser.tls) {
            ("https", Some(tls)) => {
                let host = self.url.host_str().expect("an https URL has a host");
                let host = host.trim_matches(['[', ']']).to_owned();
                let name = ServerName::try_from(host).map_err(io::Error::other)?;
                connect(tls.connect(name, stream).await?).await?
            }
            ("https", None) => return Err(io::Error::other("a browser that trusts nobody")),
            _ => connect(stream).await?,
        };
        let answer = sender.send_request(request).await.map_err(io::Error::other)?;
        if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            self.browser.jar.take(&self.url, answer.headers());
        }
        Ok(Opened::new(self.method, self.url, self.cause, without_body, answer))
    }

    /// Opens a WebSocket; the answer of the server if it refuses.
    ///
    /// Say the page that opens it with [`from_page`](Self::from_page).
    pub async fn web_socket(mut self) -> Result<WebSocket, Response> {
        self.cause.kind = Kind::WebSocket;
        websocket::open(self).await
    }

    /// Opens a stream of Server-Sent Events; the answer of the server if it is none.
    pub async fn events(self) -> Result<Events, Response> {
        Events::open(self.header("accept", "text/event-stream")).await
    }

    /// How foreign the request is, over all redirects.
    fn relation(&self) -> Relation {
        let now = self.cause.page.as_ref().map(|page| Relation::between(page, &self.url));
        now.map_or(self.cause.relation, |now| now.max(self.cause.relation))
    }

    fn all_headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let mut set = |name: &'static str, value: &str| {
            let value = HeaderValue::from_bytes(value.as_bytes()).expect("a header's value");
            headers.insert(name, value);
        };
        set("host", &self.url[Position::BeforeHost..Position::AfterPort]);
        match self.cause.kind {
            Kind::Navigation => {
                set("sec-fetch-mode", "navigate");
                set("sec-fetch-dest", "document");
                set("sec-fetch-user", "?1");
                set("upgrade-insecure-requests", "1");
                set("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8");
            }
            Kind::Fetch => {
                set("sec-fetch-mode", "cors");
                set("sec-fetch-dest", "empty");
                set("accept", "*/*");
            }
            Kind::WebSocket => {}
        }
        // Chromium 156 sends no Fetch Metadata with a WebSocket handshake, only `Origin`.
        if self.cause.kind != Kind::WebSocket {
            let page = self.cause.page.as_ref();
            set("sec-fetch-site", page.map_or("none", |_| self.cause.relation.as_str()));
        }
        set("accept-language", "en");
        set("user-agent", "Mozilla/5.0 (cloakroom-testkit)");
        if let Some(origin) = self.origin() {
            set("origin", &origin);
        }
        if let Some(cookies) = self.cookies() {
            set("cookie", &cookies);
        }
        headers.extend(self.headers.clone());
        self.without.iter().for_each(|name| {
            headers.remove(name);
        });
        headers
    }

    /// Sent with unsafe methods, with fetches that leave the origin (Fetch §3.2), and with
    /// WebSocket handshakes.
    fn origin(&self) -> Option<String> {
        let page = self.cause.page.as_ref()?;
        let foreign = self.cause.relation != Relation::SameOrigin;
        let sent = match self.cause.kind {
            Kind::Navigation => !self.is_safe(),
            Kind::Fetch => !self.is_safe() || foreign,
            Kind::WebSocket => true,
        };
        sent.then(|| page.origin().ascii_serialization())
    }

    fn cookies(&self) -> Option<String> {
        // The page that asks decides, wherever redirects have led on the way [as Chromium does].
        let relation = match &self.cause.page {
            Some(page) if !self.cause.every_cookie => Relation::between(page, &self.url),
            _ => Relation::SameOrigin,
        };
        let lax = self.cause.kind == Kind::Navigation && self.is_safe();
        self.browser.jar.header(&self.url, relation, lax)
    }

    fn is_safe(&self) -> bool {
        matches!(self.method, Method::GET | Method::HEAD)
    }
}
