//! The reply: what an upstream's answer may say to the browser (R35, R44, R45, R70).

#[cfg(test)]
mod tests;

use cloakroom_core::cookie::{self, ReservedNames};
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, SET_COOKIE,
        STRICT_TRANSPORT_SECURITY, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
    },
};

use crate::refusal::OWN_HEADERS;

/// The name under which the browser and the upstream get the request's id.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Deletes what a site stored in the browser; our logout uses it (R48).
pub(crate) const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

/// Takes off an inner service's answer what only we may say.
pub(crate) fn clean(headers: &mut HeaderMap, reserved: &ReservedNames) {
    cookie::drop_reserved_set_cookies(headers, |name| reserved.contains(name));
    for name in OWN_HEADERS {
        headers.remove(name);
    }
    // To clear all cookies is to clear ours: a logout that we would not know of.
    let clears_cookies = |value: &HeaderValue| {
        let value = value.to_str().unwrap_or_default().to_ascii_lowercase();
        value.contains("\"cookies\"") || value.contains("\"*\"")
    };
    if headers.get_all(CLEAR_SITE_DATA).iter().any(clears_cookies) {
        headers.remove(CLEAR_SITE_DATA);
    }
}

/// Whether the upstream says that the bearer token itself is no longer good (RFC 6750 §3.1).
pub(crate) fn token_rejected(status: StatusCode, headers: &HeaderMap) -> bool {
    status == StatusCode::UNAUTHORIZED
        && headers.get_all(WWW_AUTHENTICATE).iter().any(|value| {
            let value = value.to_str().unwrap_or_default().to_ascii_lowercase();
            value.contains("bearer") && value.contains("invalid_token")
        })
}

/// Keeps an answer that was made with a token out of shared caches.
///
/// A cache in front of us does not see the `Authorization` that would tell it so (RFC 9111 §3.5).
pub(crate) fn keep_private(headers: &mut HeaderMap) {
    const DECIDED: [&str; 5] = ["private", "no-store", "public", "s-maxage", "must-revalidate"];
    let decided = headers.get_all(CACHE_CONTROL).iter().any(|value| {
        let value = value.to_str().unwrap_or_default().to_ascii_lowercase();
        DECIDED.iter().any(|word| value.contains(word))
    });
    if !decided {
        headers.append(CACHE_CONTROL, HeaderValue::from_static("private"));
    }
}

/// Sets cookies of ours on an inner service's answer, which no cache may then keep.
///
/// Also none that has a header of its own for that, which it follows rather than `Cache-Control` (RFC
/// 9213).
pub(crate) fn set_cookies(headers: &mut HeaderMap, cookies: Vec<HeaderValue>) {
    const TARGETED: [&str; 3] = ["edge-control", "surrogate-control", "x-accel-expires"];
    if !cookies.is_empty() {
        let targeted = |name: &&HeaderName| {
            name.as_str().ends_with("-cache-control") || TARGETED.contains(&name.as_str())
        };
        let targeted: Vec<_> = headers.keys().filter(targeted).cloned().collect();
        for name in targeted {
            headers.remove(name);
        }
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    for cookie in cookies {
        headers.append(SET_COOKIE, cookie);
    }
}

/// Adds the headers that an answer of any kind carries, where the service behind set none (R45).
///
/// `strict_transport` is what it says of https (R70), where https is all there is: then a page's http
/// addresses, left over from before, are asked for by https too.
pub(crate) fn secure(headers: &mut HeaderMap, strict_transport: Option<&HeaderValue>) {
    const PLAIN: &str = "frame-ancestors 'none'; base-uri 'self'; object-src 'none'";
    const UPGRADING: &str = "frame-ancestors 'none'; base-uri 'self'; object-src 'none'; \
                             upgrade-insecure-requests";
    let policy = if strict_transport.is_some() { UPGRADING } else { PLAIN };
    let defaults: [(HeaderName, &'static str); 5] = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CONTENT_SECURITY_POLICY, policy),
        (REFERRER_POLICY, "strict-origin-when-cross-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    for (name, value) in defaults {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if let Some(strict_transport) = strict_transport {
        // Not the upstream's to weaken.
        headers.insert(STRICT_TRANSPORT_SECURITY, strict_transport.clone());
    }
}
