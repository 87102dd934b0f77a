//! The guard: whether a request was sent by our own page, or by one that is listed (R36–R40, R42, R43).
//!
//! A cookie goes along with requests that other pages send; so a request with a session counts only if
//! our own page sent it. The decision, in order:
//!
//! 1. `Sec-Fetch-Site` must come at most once. `same-origin` goes on. `none` (typed, bookmarked) goes
//!    on for a navigation with a safe method. `same-site` and `cross-site` do not: a sibling subdomain
//!    is not us (R38). Neither does anything unknown or empty.
//! 2. An `Origin` header must come at most once and be our origin, byte for byte; `null` is not (R39).
//!    It is compared with the configuration, never with `Host` (F7). Both headers must agree. Where one
//!    gateway serves several origins, ours is the one that the request is for: `admin.example.com` is
//!    as foreign to `shop.example.com` as any other.
//! 3. A WebSocket handshake, like anything that asks for an upgrade, must carry `Origin`, whatever
//!    else it says: it is a GET that can do anything (R43).
//! 4. Where `Sec-Fetch-Site` is absent (an old browser, no browser), an unsafe method must carry
//!    `Origin`. Safe are GET, HEAD and OPTIONS alone.
//! 5. Where a header is required, an unsafe method must carry it, not empty (R37): no form can.
//!
//! Pages of other origins may be let in by a fixed list (R42). For them `Sec-Fetch-Site` is absent,
//! `same-site` or `cross-site`, and the one `Origin` is an entry of the list, byte for byte; that takes
//! the place of 1 to 4. So a listed page is known by its `Origin` alone: its followed links and its
//! images, which have none, stay those of another site.
//!
//! It does not look at the cookie: `SameSite` is another layer, in the browser. It does not stop a
//! script in our own page. It refuses a preflight from elsewhere like any other request; one from a
//! listed page is answered before it comes here.
//!
//! **Mind in deployment:** under `Referrer-Policy: no-referrer` a browser sends a page's own form POST
//! with `Origin: null`, so that this guard refuses it; fetches are not affected. And a proxy in front
//! must leave `Origin` and `Sec-Fetch-*` as they are.
//!
//! ```
//! use cloakroom_core::{guard::{Guard, GuardRefusal}, origin::PublicOrigin};
//! use http::{HeaderMap, HeaderValue, Method};
//!
//! let public = PublicOrigin::new(&"https://shop.example.com".parse().unwrap()).unwrap();
//! let guard = Guard::new(None, Vec::new());
//! let mut headers = HeaderMap::new();
//! headers.insert("sec-fetch-site", HeaderValue::from_static("same-origin"));
//! headers.insert("origin", HeaderValue::from_static("https://shop.example.com"));
//! assert!(guard.check(&Method::POST, &headers, &public).is_ok());
//!
//! headers.insert("sec-fetch-site", HeaderValue::from_static("same-site"));
//! headers.insert("origin", HeaderValue::from_static("https://evil.shop.example.com"));
//! assert_eq!(guard.check(&Method::POST, &headers, &public).unwrap_err(), GuardRefusal::CrossSite);
//! ```

#[cfg(test)]
mod tests;

use http::{
    HeaderMap, HeaderName, HeaderValue, Method,
    header::{ACCEPT, CONNECTION, ORIGIN, UPGRADE},
};

use crate::origin::PublicOrigin;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// The rules of the guard.
#[derive(Clone, Debug)]
pub struct Guard {
    required_header: Option<HeaderName>,
    listed: Vec<PublicOrigin>,
}

/// The proof that a request was sent by our own page, by a listed one that counts as if it were, or by
/// the user directly. Only [`Guard::check`] makes one.
///
/// ```compile_fail
/// let forged = cloakroom_core::guard::SameOrigin(());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SameOrigin(());

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GuardRefusal {
    /// `Sec-Fetch-Site` says that another site or a sibling subdomain sent it, or says nothing known.
    #[error("sent by another site")]
    CrossSite,
    /// `Origin` is neither the public origin nor listed.
    #[error("sent by another origin")]
    ForeignOrigin,
    /// It changes something, or opens a WebSocket, and does not say which page sent it.
    #[error("no Origin")]
    OriginMissing,
    /// It lacks the required header.
    #[error("the required header is missing")]
    HeaderRequired,
}

impl Guard {
    /// Unsafe methods must carry `required_header` where there is one. Pages of the origins in `listed`
    /// are let in like our own (R42).
    pub fn new(required_header: Option<HeaderName>, listed: Vec<PublicOrigin>) -> Self {
        Self { required_header, listed }
    }

    /// Whether any origin is listed: then answers depend on `Origin`.
    pub fn lists_origins(&self) -> bool {
        !self.listed.is_empty()
    }

    /// The listed origin whose page sent a request to `ours`; `None` where it was our own page, or
    /// anybody else.
    pub fn listed(&self, headers: &HeaderMap, ours: &PublicOrigin) -> Option<&PublicOrigin> {
        match only(headers, &SEC_FETCH_SITE) {
            Only::Absent => {}
            Only::One(site) if site == "same-site" || site == "cross-site" => {}
            Only::One(_) | Only::Several => return None,
        }
        let Only::One(origin) = only(headers, &ORIGIN) else { return None };
        self.listed
            .iter()
            .find(|listed| origin == listed.as_str() && listed.as_str() != ours.as_str())
    }

    /// Judges a request to `ours`, the public origin that it is for, by its method and headers.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check(
        &self,
        method: &Method,
        headers: &HeaderMap,
        ours: &PublicOrigin,
    ) -> Result<SameOrigin, GuardRefusal> {
        let safe = is_safe(method);
        if self.listed(headers, ours).is_none() {
            is_ours(method, headers, ours)?;
        }
        if let Some(name) = &self.required_header
            && !safe
            && headers.get(name).is_none_or(|value| value.as_bytes().trim_ascii().is_empty())
        {
            return Err(GuardRefusal::HeaderRequired);
        }
        Ok(SameOrigin(()))
    }
}

/// Rules 1 to 4: that our own page sent it, or the user.
fn is_ours(method: &Method, headers: &HeaderMap, ours: &PublicOrigin) -> Result<(), GuardRefusal> {
    let safe = is_safe(method);
    let has_site = match only(headers, &SEC_FETCH_SITE) {
        Only::Absent => false,
        Only::One(site) if site == "same-origin" => true,
        Only::One(site) if site == "none" && safe && says_navigate(headers) => true,
        Only::One(_) | Only::Several => return Err(GuardRefusal::CrossSite),
    };
    let has_origin = match only(headers, &ORIGIN) {
        Only::Absent => false,
        Only::One(origin) if origin == ours.as_str() => true,
        Only::One(_) | Only::Several => return Err(GuardRefusal::ForeignOrigin),
    };
    let must_say_origin = headers.contains_key(UPGRADE) || (!has_site && !safe);
    if must_say_origin && !has_origin {
        return Err(GuardRefusal::OriginMissing);
    }
    Ok(())
}

impl GuardRefusal {
    /// The stable name of the reason.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::CrossSite => "cross-site",
            Self::ForeignOrigin => "foreign-origin",
            Self::OriginMissing => "origin-missing",
            Self::HeaderRequired => "header-required",
        }
    }
}

/// Whether a person sees the answer: `Sec-Fetch-Mode: navigate`, or in a browser without Fetch
/// Metadata an `Accept` that asks for HTML.
pub fn is_navigation(headers: &HeaderMap) -> bool {
    match only(headers, &SEC_FETCH_MODE) {
        Only::One(mode) => mode == "navigate",
        Only::Several => false,
        Only::Absent => headers
            .get(ACCEPT)
            .and_then(|accept| accept.to_str().ok())
            .is_some_and(|accept| accept.contains("text/html")),
    }
}

/// Whether a request asks for a WebSocket and nothing else (RFC 6455 §4.1).
///
/// Not for `h2c` or a choice of protocols: behind a switch to HTTP/2 further requests would pass
/// unseen. Who relays drops the `Upgrade` header where this says no.
pub fn is_websocket_upgrade(method: &Method, headers: &HeaderMap) -> bool {
    let upgrades = headers.get_all(CONNECTION).iter().any(|value| {
        let mut tokens = value.as_bytes().split(|byte| *byte == b',');
        tokens.any(|token| token.trim_ascii().eq_ignore_ascii_case(b"upgrade"))
    });
    let to_websocket = match only(headers, &UPGRADE) {
        Only::One(protocol) => protocol.as_bytes().eq_ignore_ascii_case(b"websocket"),
        Only::Absent | Only::Several => false,
    };
    *method == Method::GET && upgrades && to_websocket
}

enum Only<'a> {
    Absent,
    One(&'a HeaderValue),
    Several,
}

fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Only<'a> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Only::Absent,
        (Some(value), None) => Only::One(value),
        (Some(_), Some(_)) => Only::Several,
    }
}

fn says_navigate(headers: &HeaderMap) -> bool {
    matches!(only(headers, &SEC_FETCH_MODE), Only::One(mode) if mode == "navigate")
}

/// Methods that change nothing by themselves (RFC 9110 §9.2.1), as far as they are proxied.
pub(crate) fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}
