//! A public origin: a scheme, host and port that a browser sees.

#[cfg(test)]
mod tests;

use url::Url;

/// Scheme, host and port of the public URL, serialised as a browser writes an `Origin` header
/// (RFC 6454 §6.2): no default port, no path, lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicOrigin {
    serialised: String,
    authority: String,
    url: Url,
}

/// Why a URL cannot be the public one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublicOriginError {
    /// Plain http is for localhost only: elsewhere the session cookie would travel in clear.
    #[error("plain http is for localhost only")]
    NotHttps,
    /// Only scheme, host and port: Cloakroom serves a whole origin.
    #[error("a public URL is scheme, host and port, nothing more")]
    MoreThanOrigin,
    /// Neither http nor https.
    #[error("a public URL is https, or http on localhost")]
    NotHttp,
}

impl PublicOrigin {
    /// The origin of `url`.
    ///
    /// # Errors
    /// When it is not https (http is taken for loopback names, which browsers treat as secure: F6),
    /// or has a path, query, fragment, user or password.
    pub fn new(url: &Url) -> Result<Self, PublicOriginError> {
        match url.scheme() {
            "https" => {}
            "http" if is_loopback_to_browsers(url) => {}
            "http" => return Err(PublicOriginError::NotHttps),
            _ => return Err(PublicOriginError::NotHttp),
        }
        let bare = matches!(url.path(), "" | "/")
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        if !bare {
            return Err(PublicOriginError::MoreThanOrigin);
        }
        let serialised = url.origin().ascii_serialization();
        let authority = serialised.split_once("://").map_or("", |(_, rest)| rest).to_owned();
        Ok(Self { serialised, authority, url: url.clone() })
    }

    /// As in an `Origin` header: `https://shop.example.com`.
    pub fn as_str(&self) -> &str {
        &self.serialised
    }

    /// Host and non-default port, as in a `Host` header.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Whether a `Host` header of this value means this origin: in any case, with or without the
    /// scheme's own port (R67).
    pub fn is_host(&self, host: &str) -> bool {
        let own_port = match (self.url.port(), self.is_https()) {
            (Some(_), _) => None,
            (None, true) => host.strip_suffix(":443"),
            (None, false) => host.strip_suffix(":80"),
        };
        own_port.unwrap_or(host).eq_ignore_ascii_case(&self.authority)
    }

    /// Whether the browser speaks TLS to it.
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// `path` (which starts with `/`) as an absolute URL on this origin.
    pub fn absolute(&self, path: &str) -> String {
        format!("{}{path}", self.serialised)
    }

    /// The origin as a base for WHATWG URL parsing.
    pub fn as_url(&self) -> &Url {
        &self.url
    }
}

/// Whether a browser takes `url`'s host for this machine (F6): as [`is_loopback`], and `*.localhost`.
pub fn is_loopback_to_browsers(url: &Url) -> bool {
    let below_localhost = |name: &str| {
        let mut labels = name.rsplit('.');
        labels.next() == Some("localhost") && labels.all(|label| !label.is_empty())
    };
    is_loopback(url) || url.domain().is_some_and(below_localhost)
}

/// Whether `url`'s host is this machine to everybody: `localhost`, `127/8`, `[::1]`.
///
/// Names below `localhost` are not among them: browsers keep those on the machine, but a system's
/// resolver may ask the network, and a token would follow (R69).
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
