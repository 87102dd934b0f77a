//! Writing `Set-Cookie` headers, and keeping others from writing ours.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, header::SET_COOKIE};

use super::{CookieName, read::readable_name};

/// Name and value together; what is larger a browser drops without a word (R23).
pub const MAX_COOKIE_BYTES: usize = 4096;

/// 400 days; browsers clamp what is longer (R24).
pub const MAX_LIFETIME: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// When a browser sends a cookie along with requests that other sites began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// With top-level navigations alone.
    Lax,
    /// Never.
    Strict,
}

/// How long a browser keeps a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// Until the browser ends its session.
    BrowserSession,
    /// This long, over restarts; in whole seconds, rounded down, at most [`MAX_LIFETIME`].
    MaxAge(Duration),
}

/// Why a cookie is not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetCookieError {
    /// The value has characters beside base64url's (R26).
    #[error("a cookie's value is base64url")]
    Value,
    /// Name and value are over [`MAX_COOKIE_BYTES`].
    #[error("the cookie has {0} bytes; browsers keep no more than 4096")]
    TooLarge(usize),
}

/// A `Set-Cookie` value for `name`: `Secure`, `HttpOnly`, `Path=/`, no `Domain` (R19).
///
/// # Errors
/// When the value is not base64url or too large for a browser.
pub fn set(
    name: &CookieName,
    value: &str,
    same_site: SameSite,
    lifetime: Lifetime,
) -> Result<HeaderValue, SetCookieError> {
    if !value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_') {
        return Err(SetCookieError::Value);
    }
    let size = name.as_str().len() + value.len();
    if size > MAX_COOKIE_BYTES {
        return Err(SetCookieError::TooLarge(size));
    }
    let max_age = match lifetime {
        Lifetime::BrowserSession => None,
        Lifetime::MaxAge(age) => Some(age.min(MAX_LIFETIME)),
    };
    Ok(header(name, value, same_site, max_age))
}

/// A `Set-Cookie` value that deletes `name`.
pub fn expire(name: &CookieName, same_site: SameSite) -> HeaderValue {
    header(name, "", same_site, Some(Duration::ZERO))
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

fn header(
    name: &CookieName,
    value: &str,
    same_site: SameSite,
    max_age: Option<Duration>,
) -> HeaderValue {
    let same_site = match same_site {
        SameSite::Lax => "Lax",
        SameSite::Strict => "Strict",
    };
    let mut text = format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite={same_site}");
    if let Some(age) = max_age {
        text.push_str(&format!("; Max-Age={}", age.as_secs()));
    }
    let mut header =
        HeaderValue::try_from(text).expect("a checked name and value are visible ASCII");
    header.set_sensitive(true);
    header
}
