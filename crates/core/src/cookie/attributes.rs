//! What a cookie says beside its name and value.

use std::{borrow::Cow, fmt, time::Duration};

/// 400 days; browsers clamp what is longer (R24).
pub const MAX_LIFETIME: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// Longest value of an attribute in bytes; browsers ignore what is longer (R23).
const MAX_VALUE_BYTES: usize = 1024;

/// When a browser sends a cookie along with requests that other sites began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// With top-level navigations alone.
    Lax,
    /// Never.
    Strict,
    /// Always: whatever another site has the browser send here brings the cookie.
    None,
}

impl SameSite {
    /// As it stands in `Set-Cookie`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lax => "Lax",
            Self::Strict => "Strict",
            Self::None => "None",
        }
    }
}

/// How long a browser keeps a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// Until the browser ends its session.
    BrowserSession,
    /// This long, over restarts; in whole seconds, rounded down, at most [`MAX_LIFETIME`].
    MaxAge(Duration),
}

/// A domain all of whose hosts get a cookie (R20): two labels at least, no address.
///
/// Whether it is one under which strangers register names (`co.uk`) a browser knows, and drops the
/// cookie; we do not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieDomain(String);

/// The text cannot be the domain of a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a cookie's domain is a host name of two labels at least, such as example.com")]
pub struct CookieDomainError;

impl CookieDomain {
    /// Reads a host name; it is kept in the form that a browser compares, lower case and punycode.
    ///
    /// # Errors
    /// When it is no host name, an address, or one label.
    pub fn parse(text: &str) -> Result<Self, CookieDomainError> {
        let Ok(url::Host::Domain(name)) = url::Host::parse(text) else {
            return Err(CookieDomainError);
        };
        let mut labels = name.split('.');
        // `url::Host` takes underscores and other characters that no host name has.
        let legal = |label: &str| {
            !label.is_empty()
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        if labels.clone().count() < 2 || name.len() > 253 || !labels.all(legal) {
            return Err(CookieDomainError);
        }
        Ok(Self(name))
    }

    /// The name, without a leading dot.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a browser lets `host` set a cookie for this domain, and sends it there (RFC 6265bis
    /// §5.1.3).
    pub fn covers(&self, host: &str) -> bool {
        match host.len().checked_sub(self.0.len()) {
            Some(0) => host.eq_ignore_ascii_case(&self.0),
            Some(at) => {
                host.is_char_boundary(at)
                    && host[at..].eq_ignore_ascii_case(&self.0)
                    && host[..at].ends_with('.')
            }
            None => false,
        }
    }
}

impl fmt::Display for CookieDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The path at and below which a browser sends a cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookiePath(Cow<'static, str>);

/// The text cannot be the path of a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a cookie's path begins with `/` and is visible ASCII without `;`, at most 1024 bytes")]
pub struct CookiePathError;

impl CookiePath {
    /// All paths of the host.
    pub const ROOT: Self = Self(Cow::Borrowed("/"));

    /// This path and what is below it.
    ///
    /// # Errors
    /// When it does not begin with a slash or has characters that would end the attribute.
    pub fn parse(path: &str) -> Result<Self, CookiePathError> {
        let legal = |byte: u8| byte.is_ascii_graphic() && byte != b';';
        let fits = path.starts_with('/') && path.len() <= MAX_VALUE_BYTES;
        match fits && path.bytes().all(legal) {
            true => Ok(Self(Cow::Owned(path.to_owned()))),
            false => Err(CookiePathError),
        }
    }

    /// As it stands in `Set-Cookie`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where, when and for how long a browser sends a cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// Whether requests of other sites bring it.
    pub same_site: SameSite,
    /// How long it is kept.
    pub lifetime: Lifetime,
    /// `None` is this host alone.
    pub domain: Option<CookieDomain>,
    /// Where it is sent.
    pub path: CookiePath,
}

impl Attributes {
    /// For this host alone and all its paths (R19).
    pub fn host(same_site: SameSite, lifetime: Lifetime) -> Self {
        Self { same_site, lifetime, domain: None, path: CookiePath::ROOT }
    }
}
