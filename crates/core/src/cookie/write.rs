//! Writing `Set-Cookie` headers, and keeping others from writing ours.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, header::SET_COOKIE};

use super::{
    Attributes, CookieName, CookiePath, Lifetime, MAX_LIFETIME, Prefix, read::readable_name,
};

/// Name and value together; what is larger a browser drops without a word (R23).
pub const MAX_COOKIE_BYTES: usize = 4096;

/// Why a cookie is not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetCookieError {
    /// The value has characters beside base64url's and the dot of a JWT (R26).
    #[error("a cookie's value is base64url")]
    Value,
    /// The name's prefix promises this host alone and all its paths; the attributes say otherwise.
    #[error("a browser takes a cookie of this prefix only without Domain and with Path=/")]
    Prefix,
    /// Name and value are over [`MAX_COOKIE_BYTES`].
    #[error("the cookie has {0} bytes; browsers keep no more than 4096")]
    TooLarge(usize),
}

/// A `Set-Cookie` value for `name` that scripts do not see: `Secure`, `HttpOnly` (R19).
///
/// # Errors
/// When the value is not base64url (with dots) or too large for a browser, or the name's prefix forbids
/// the attributes.
pub fn set(
    name: &CookieName,
    value: &str,
    attributes: &Attributes,
) -> Result<HeaderValue, SetCookieError> {
    checked(name, value, attributes, Audience::ServerOnly)
}

/// As [`set`], but readable by the page's scripts: for what is no secret to them.
///
/// # Errors
/// As [`set`].
pub fn set_readable(
    name: &CookieName,
    value: &str,
    attributes: &Attributes,
) -> Result<HeaderValue, SetCookieError> {
    checked(name, value, attributes, Audience::Scripts)
}

/// A `Set-Cookie` value that deletes `name`; domain and path must be those that it was set with.
pub fn expire(name: &CookieName, attributes: &Attributes) -> HeaderValue {
    header(name, "", attributes, Some(Duration::ZERO), Audience::ServerOnly)
}

/// Takes every `Set-Cookie` out of an upstream's answer that would set a name of ours (R35).
///
/// Also the nameless ones that a browser would send back as if they had our name.
pub fn drop_reserved_set_cookies(headers: &mut HeaderMap, is_ours: impl Fn(&[u8]) -> bool) {
    let ours = |value: &HeaderValue| {
        let pair = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
        is_ours(readable_name(pair))
    };
    if !headers.get_all(SET_COOKIE).iter().any(&ours) {
        return;
    }
    let kept: Vec<HeaderValue> =
        headers.get_all(SET_COOKIE).iter().filter(|value| !ours(value)).cloned().collect();
    headers.remove(SET_COOKIE);
    for value in kept {
        headers.append(SET_COOKIE, value);
    }
}

/// Who sees the cookie in the browser.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Audience {
    ServerOnly,
    Scripts,
}

pub(super) fn check_value(value: &str) -> Result<(), SetCookieError> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if value.bytes().all(legal) { Ok(()) } else { Err(SetCookieError::Value) }
}

fn checked(
    name: &CookieName,
    value: &str,
    attributes: &Attributes,
    audience: Audience,
) -> Result<HeaderValue, SetCookieError> {
    check_value(value)?;
    let bound = attributes.domain.is_none() && attributes.path == CookiePath::ROOT;
    let hidden_by_name = name.prefix() == Prefix::HostHttp && audience == Audience::Scripts;
    if (name.prefix().binds_to_host() && !bound) || hidden_by_name {
        return Err(SetCookieError::Prefix);
    }
    let size = name.as_str().len() + value.len();
    if size > MAX_COOKIE_BYTES {
        return Err(SetCookieError::TooLarge(size));
    }
    let max_age = match attributes.lifetime {
        Lifetime::BrowserSession => None,
        Lifetime::MaxAge(age) => Some(age.min(MAX_LIFETIME)),
    };
    Ok(header(name, value, attributes, max_age, audience))
}

fn header(
    name: &CookieName,
    value: &str,
    attributes: &Attributes,
    max_age: Option<Duration>,
    audience: Audience,
) -> HeaderValue {
    let Attributes { same_site, domain, path, .. } = attributes;
    let mut text = format!("{name}={value}; Path={}; Secure", path.as_str());
    if audience == Audience::ServerOnly {
        text.push_str("; HttpOnly");
    }
    text.push_str(&format!("; SameSite={}", same_site.as_str()));
    if let Some(domain) = domain {
        text.push_str(&format!("; Domain={domain}"));
    }
    if let Some(age) = max_age {
        text.push_str(&format!("; Max-Age={}", age.as_secs()));
    }
    let mut header = HeaderValue::try_from(text)
        .expect("a checked name, value and attributes are visible ASCII");
    header.set_sensitive(true);
    header
}
