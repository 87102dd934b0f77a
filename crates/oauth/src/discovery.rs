//! Where a provider describes itself (OpenID Connect Discovery §4).

use bytes::Bytes;
use cloakroom_core::origin::is_loopback;
use http::{Method, Request, Uri};
use url::Url;

use crate::client::bare_request;

/// Why a text is no issuer identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssuerError {
    /// Not an absolute URL.
    #[error("an issuer is an absolute URL such as https://login.example.org/realms/shop")]
    NotAUrl,
    /// Neither https nor http on this machine: whoever is on the way could be the provider.
    #[error("an issuer is https, or http on a loopback host")]
    NotHttps,
    /// It has a query, a fragment, a user or a password (RFC 8414 §2).
    #[error("an issuer has no query, fragment, user or password")]
    MoreThanPath,
}

/// Checks that `issuer` can be an issuer identifier.
///
/// # Errors
/// See [`IssuerError`].
pub fn check_issuer(issuer: &str) -> Result<(), IssuerError> {
    parse_issuer(issuer).map(|_| ())
}

/// The request for the provider's metadata: `<issuer>/.well-known/openid-configuration`.
///
/// The answer belongs into [`crate::Metadata::parse`]. Follow no redirect to another host.
///
/// ```
/// let request = cloakroom_oauth::discovery_request("https://login.example.org/realms/shop")?;
/// let url = "https://login.example.org/realms/shop/.well-known/openid-configuration";
/// assert_eq!(request.uri(), url);
/// # Ok::<(), cloakroom_oauth::IssuerError>(())
/// ```
///
/// # Errors
/// When `issuer` is no issuer identifier.
pub fn discovery_request(issuer: &str) -> Result<Request<Bytes>, IssuerError> {
    let mut url = parse_issuer(issuer)?;
    let path = format!("{}/.well-known/openid-configuration", url.path().trim_end_matches('/'));
    url.set_path(&path);
    Ok(bare_request(Method::GET, &url, Bytes::new()))
}

/// `text` as a URL that a token may be sent to: https, or http on this machine, and nothing in it
/// that a request line cannot carry.
pub(crate) fn parse_endpoint(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    (safe && plain && url.as_str().parse::<Uri>().is_ok()).then_some(url)
}

fn parse_issuer(issuer: &str) -> Result<Url, IssuerError> {
    let url = Url::parse(issuer).map_err(|_| IssuerError::NotAUrl)?;
    if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback(&url)) {
        return Err(IssuerError::NotHttps);
    }
    if url.query().is_some() {
        return Err(IssuerError::MoreThanPath);
    }
    parse_endpoint(issuer).ok_or(IssuerError::MoreThanPath)
}
