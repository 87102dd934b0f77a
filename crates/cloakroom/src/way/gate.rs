//! The gate: is the request's shape legal (R61–R67, R71)?
//!
//! 1. Exactly one host, and it is one of ours (R67); an absolute target agrees with it. From here on that
//!    origin is the request's own.
//! 2. The path is in normal form; from here on only that string is matched and forwarded (R62).
//! 3. Cookies within bounds; past them a 431 that clears them, so that there is a way back. No
//!    transfer coding but chunked (R65).
//! 4. What the `Connection` header names is dropped now, before anything is injected (R64).
//! 5. What only a proxy may say is dropped: identity, forwarding and method-override headers, and
//!    every name with `_`, which many servers read as `-` (R63). `Authorization` is set aside: it is
//!    for a route that accepts bearers, and for nobody else.

#[cfg(test)]
mod tests;

use std::{net::IpAddr, sync::Arc};

use cloakroom_core::{
    cookie::CookieName, guard::is_websocket_upgrade, origin::PublicOrigin, path::NormalPath,
    session::Device,
};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Uri, Version,
    header::{
        AUTHORIZATION, CONNECTION, CONTENT_LENGTH, COOKIE, HOST, ORIGIN, SET_COOKIE,
        TRANSFER_ENCODING, UPGRADE, USER_AGENT,
    },
    request::Parts,
};

use super::reply::CLEAR_SITE_DATA;
use crate::{
    control::transaction,
    extensions::ClientAddress,
    reason::Reason,
    refusal::{OWN_HEADERS, Refusal},
};

/// Bytes of all `Cookie` headers together.
const MAX_COOKIE_BYTES: usize = 16 * 1024;
/// Cookies in one request; a browser keeps 180 for a host.
const MAX_COOKIES: usize = 200;
/// Bytes of all header names and values.
const MAX_HEADER_BYTES: usize = 48 * 1024;
/// Headers; HTTP/1.1 is bounded so when it is parsed, HTTP/2 is not.
pub(crate) const MAX_HEADERS: usize = 128;

/// The proof that a request came through the gate.
#[derive(Debug)]
pub(crate) struct Admitted {
    origin: Arc<PublicOrigin>,
    path: NormalPath,
    query: Option<String>,
    /// Off the request, whatever the route: only one that accepts bearers looks at it.
    authorization: Vec<HeaderValue>,
    client: Option<IpAddr>,
}

impl Admitted {
    /// Which of our origins the request is for.
    pub(crate) fn origin(&self) -> &Arc<PublicOrigin> {
        &self.origin
    }

    /// The path in normal form.
    pub(crate) fn path(&self) -> &NormalPath {
        &self.path
    }

    /// The query as it came.
    pub(crate) fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// The client's own `Authorization`, which is no longer among the headers.
    pub(crate) fn authorization(&self) -> &[HeaderValue] {
        &self.authorization
    }

    /// What a user may recognise a login by that this request completes.
    pub(crate) fn device(&self, headers: &HeaderMap) -> Device {
        Device::new(headers.get(USER_AGENT).map(HeaderValue::as_bytes), self.client)
    }

    /// Path and query, as they are forwarded.
    pub(crate) fn target(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path.as_str()),
            None => self.path.as_str().to_owned(),
        }
    }
}

/// Checks the shape of a request and cleans its headers.
pub(crate) fn admit(
    parts: &mut Parts,
    origins: &[Arc<PublicOrigin>],
    session_cookie: &CookieName,
) -> Result<Admitted, Refusal> {
    let Parts { method, uri, version, headers, extensions, .. } = parts;
    let origin = Arc::clone(find_origin(uri, *version, headers, origins)?);
    check_size(headers, session_cookie)?;
    check_framing(headers)?;
    if [Method::CONNECT, Method::TRACE].contains(method) {
        return Err(Refusal::new(Reason::MethodNotAllowed, "CONNECT and TRACE are not proxied"));
    }
    let path = NormalPath::parse(uri.path())
        .map_err(|error| Refusal::new(Reason::BadPath, error.to_string()))?;
    let websocket = is_websocket_upgrade(method, headers);
    drop_connection_headers(headers, websocket)?;
    let authorization = set_authorization_aside(headers);
    drop_proxy_claims(headers);
    let client = extensions.get::<ClientAddress>().map(|client| client.0);
    let query = uri.query().map(str::to_owned);
    Ok(Admitted { origin, path, query, authorization, client })
}

/// The origin of ours that the request's host names.
fn find_origin<'a>(
    uri: &Uri,
    version: Version,
    headers: &HeaderMap,
    origins: &'a [Arc<PublicOrigin>],
) -> Result<&'a Arc<PublicOrigin>, Refusal> {
    let mut hosts = headers.get_all(HOST).iter();
    let host = match (hosts.next(), uri.authority()) {
        (Some(host), _) if hosts.next().is_none() => host
            .to_str()
            .map_err(|_| Refusal::new(Reason::BadRequest, "the Host header is not text"))?,
        // In HTTP/2 the authority stands for it; HTTP/1.1 must say it (RFC 9112 §3.2).
        (None, Some(authority)) if version >= Version::HTTP_2 => authority.as_str(),
        (None, _) => return Err(Refusal::new(Reason::BadRequest, "no Host header")),
        (Some(_), _) => return Err(Refusal::new(Reason::BadRequest, "two Host headers")),
    };
    if uri.authority().is_some_and(|authority| !authority.as_str().eq_ignore_ascii_case(host)) {
        return Err(Refusal::new(Reason::BadRequest, "the target's authority is not the Host"));
    }
    origins.iter().find(|origin| origin.is_host(host)).ok_or_else(|| {
        let ours: Vec<_> = origins.iter().map(|origin| origin.authority()).collect();
        Refusal::new(Reason::WrongHost, format!("served are {}", ours.join(", ")))
    })
}

/// What is left of an ambiguous framing after hyper has settled on a reading (R65): a coding that it
/// took off with the chunks would be missing behind us.
fn check_framing(headers: &HeaderMap) -> Result<(), Refusal> {
    // Of several equal ones HTTP/1.1 leaves us one, HTTP/2 all.
    if headers.get_all(CONTENT_LENGTH).iter().count() > 1 {
        return Err(Refusal::new(Reason::BadRequest, "several lengths of the body"));
    }
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let chunked = |coding: &HeaderValue| coding.as_bytes().eq_ignore_ascii_case(b"chunked");
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(coding), None) if chunked(coding) => Ok(()),
        _ => Err(Refusal::new(Reason::BadRequest, "a transfer coding other than chunked")
            .with_header(CONNECTION, HeaderValue::from_static("close"))),
    }
}

fn check_size(headers: &HeaderMap, session_cookie: &CookieName) -> Result<(), Refusal> {
    let cookies = headers.get_all(COOKIE).iter();
    let (bytes, count) = cookies.fold((0, 0), |(bytes, count), value| {
        let pairs = value.as_bytes().iter().filter(|byte| **byte == b';').count() + 1;
        (bytes + value.len(), count + pairs)
    });
    if bytes > MAX_COOKIE_BYTES || count > MAX_COOKIES {
        let refusal =
            Refusal::new(Reason::HeadersTooLarge, format!("{count} cookies, {bytes} bytes"));
        let (logins, login_bytes) = transaction::clear(headers, session_cookie);
        // Tabs that all began a login at once did it: to forget those logins is enough.
        if bytes - login_bytes.min(bytes) <= MAX_COOKIE_BYTES && count - logins.len() <= MAX_COOKIES
        {
            return Err(logins
                .into_iter()
                .fold(refusal, |refusal, expired| refusal.with_header(SET_COOKIE, expired)));
        }
        let clear = HeaderValue::from_static("\"cookies\"");
        return Err(refusal.with_header(CLEAR_SITE_DATA, clear));
    }
    let total: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if headers.len() > MAX_HEADERS {
        return Err(Refusal::new(Reason::HeadersTooLarge, format!("{} headers", headers.len())));
    }
    if total > MAX_HEADER_BYTES {
        return Err(Refusal::new(Reason::HeadersTooLarge, format!("{total} bytes of headers")));
    }
    Ok(())
}

/// Drops what `Connection` names and leaves of the header itself only what an upgrade needs.
fn drop_connection_headers(headers: &mut HeaderMap, websocket: bool) -> Result<(), Refusal> {
    let mut named = Vec::new();
    for value in headers.get_all(CONNECTION) {
        let tokens = value
            .to_str()
            .map_err(|_| Refusal::new(Reason::BadRequest, "the Connection header is not text"))?;
        for token in tokens.split(',').map(str::trim) {
            // What the rooms behind judge must not be wished away by naming it here.
            if let Ok(name) = HeaderName::from_bytes(token.as_bytes())
                && ![COOKIE, HOST, ORIGIN].contains(&name)
                && !name.as_str().starts_with("sec-")
                && !(websocket && name == UPGRADE)
            {
                named.push(name);
            }
        }
    }
    for name in named {
        headers.remove(name);
    }
    headers.remove(CONNECTION);
    if websocket {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    } else {
        headers.remove(UPGRADE);
    }
    Ok(())
}

fn set_authorization_aside(headers: &mut HeaderMap) -> Vec<HeaderValue> {
    let mut values: Vec<_> = headers.get_all(AUTHORIZATION).iter().cloned().collect();
    values.iter_mut().for_each(|value| value.set_sensitive(true));
    headers.remove(AUTHORIZATION);
    values
}

fn drop_proxy_claims(headers: &mut HeaderMap) {
    let dropped: Vec<HeaderName> =
        headers.keys().filter(|name| is_proxys_to_say(name)).cloned().collect();
    for name in dropped {
        headers.remove(name);
    }
}

/// Whether a header is dropped, since only a proxy may say it.
pub(crate) fn is_proxys_to_say(name: &HeaderName) -> bool {
    const EXACT: [&str; 16] = [
        "dpop",
        "forwarded",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "remote-user",
        "true-client-ip",
        "x-client-ip",
        "x-cluster-client-ip",
        "x-http-method",
        "x-http-method-override",
        "x-method-override",
        "x-original-url",
        "x-real-ip",
        "x-request-id",
        "x-rewrite-url",
    ];
    const PREFIXES: [&str; 8] = [
        "cf-access-",
        "ssl-client-",
        "x-auth-request-",
        "x-authenticated-",
        "x-forwarded",
        "x-original-",
        "x-remote-",
        "x-webauth-",
    ];
    let text = name.as_str();
    text.contains('_')
        || OWN_HEADERS.contains(name)
        || EXACT.contains(&text)
        || PREFIXES.iter().any(|prefix| text.starts_with(prefix))
}
