//! Answers.

use std::fmt;
use std::io;

use bytes::Bytes;
use http::{Extensions, HeaderMap, Method, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::upgrade::Upgraded;
use serde_json::Value;
use url::Url;

use super::request::Cause;

/// A whole answer.
#[derive(Clone)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers, `Set-Cookie` too.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// What was asked for, with the fragment that a browser would show.
    pub url: Url,
    pub(super) method: Method,
    pub(super) cause: Cause,
    /// Whether the request had none: only then can it be repeated.
    pub(super) without_body: bool,
}

impl Response {
    /// The first value of a header, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// All values of a header that are text.
    pub fn header_all(&self, name: &str) -> Vec<&str> {
        self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect()
    }

    /// The body as text, with a replacement for what is not UTF-8.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// If it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("JSON expected: {error}\n{self:?}"))
    }

    /// The stable `reason` of a problem (RFC 9457), if the body is one.
    pub fn problem(&self) -> Option<String> {
        let is_problem = self.header("content-type")?.starts_with("application/problem+json");
        is_problem.then(|| self.json()["reason"].as_str().map(str::to_owned))?
    }

    /// `Location`, resolved against the URL.
    pub fn location(&self) -> Option<Url> {
        self.url.join(self.header("location")?).ok()
    }

    /// Whether a browser would go elsewhere by itself.
    pub fn is_redirect(&self) -> bool {
        self.status.is_redirection() && self.headers.contains_key("location")
    }
}

/// For a failed assertion: no cookies, and no query, where codes are.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} → {}\n{}", self.method, self.url.path(), self.status, self.text())
    }
}

/// An answer whose body is still coming. Dropping it closes the connection.
pub struct Opened {
    /// The status.
    pub status: StatusCode,
    /// The headers, `Set-Cookie` too.
    pub headers: HeaderMap,
    method: Method,
    url: Url,
    cause: Cause,
    without_body: bool,
    body: Incoming,
    extensions: Extensions,
}

impl Opened {
    pub(super) fn new(
        method: Method,
        url: Url,
        cause: Cause,
        without_body: bool,
        answer: http::Response<Incoming>,
    ) -> Self {
        let (head, body) = answer.into_parts();
        Self {
            status: head.status,
            headers: head.headers,
            method,
            url,
            cause,
            without_body,
            body,
            extensions: head.extensions,
        }
    }

    /// The next piece of the body as it arrives; `None` at its end.
    pub async fn chunk(&mut self) -> io::Result<Option<Bytes>> {
        while let Some(frame) = self.body.frame().await {
            if let Ok(data) = frame.map_err(io::Error::other)?.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }

    /// The connection itself, after a 101.
    pub(super) async fn upgrade(self) -> hyper::Result<Upgraded> {
        let mut answer = http::Response::new(self.body);
        *answer.extensions_mut() = self.extensions;
        hyper::upgrade::on(answer).await
    }

    /// The rest of the body.
    pub async fn finish(self) -> io::Result<Response> {
        let body = self.body.collect().await.map_err(io::Error::other)?.to_bytes();
        Ok(Response {
            status: self.status,
            headers: self.headers,
            body,
            url: self.url,
            method: self.method,
            cause: self.cause,
            without_body: self.without_body,
        })
    }
}
