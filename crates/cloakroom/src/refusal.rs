//! Refusals: short outward, with a stable reason (RFC 9457); the why goes to the log.

use std::time::Duration;

use cloakroom_core::guard::GuardRefusal;
use http::{
    HeaderName, HeaderValue, Response, StatusCode,
    header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER},
};

use crate::{RequestId, body::ReplyBody, pages};

/// Tells a client why a 401 is not the API's own: `expired` (refresh and repeat) or
/// `login-required`. Reserved: an upstream cannot send it.
pub const SESSION_HEADER: HeaderName = HeaderName::from_static("cloakroom-session");

/// Why a request went no further. [`Reason::as_str`] is stable: clients may match on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Another site or a sibling subdomain sent it (R38).
    CrossSite,
    /// Its `Origin` is not ours (R39).
    ForeignOrigin,
    /// It has neither `Sec-Fetch-Site` nor `Origin` and changes something (R38).
    OriginMissing,
    /// It lacks the required header (R37).
    HeaderRequired,
    /// It needs a session and there is none.
    LoginRequired,
    /// The provider does not answer.
    ProviderUnavailable,
    /// The store does not answer.
    StoreUnavailable,
    /// The login did not come to an end.
    LoginFailed,
    /// The provider's name in the request is not configured.
    UnknownProvider,
    /// It must be a navigation, not a fetch.
    NavigationRequired,
    /// No route for the path.
    NoRoute,
    /// The route does not take the method.
    MethodNotAllowed,
    /// The path is not in normal form (R62).
    BadPath,
    /// The request is not well formed.
    BadRequest,
    /// It is for another host (R67).
    WrongHost,
    /// Its headers or cookies are too large (R71).
    HeadersTooLarge,
    /// The upstream cannot be reached, or broke off before an answer.
    UpstreamUnreachable,
    /// The upstream did not answer in time.
    UpstreamTimeout,
}

impl Reason {
    /// The last part of the problem's `type`.
    pub fn as_str(self) -> &'static str {
        self.row().1
    }

    /// The status that it is sent with.
    pub fn status(self) -> StatusCode {
        self.row().0
    }

    /// For people; may change.
    pub fn title(self) -> &'static str {
        self.row().2
    }

    fn row(self) -> (StatusCode, &'static str, &'static str) {
        use StatusCode as S;
        match self {
            Self::CrossSite => (S::FORBIDDEN, "cross-site", "The request was sent by another site"),
            Self::ForeignOrigin => {
                (S::FORBIDDEN, "foreign-origin", "The request was sent by another origin")
            }
            Self::OriginMissing => {
                (S::FORBIDDEN, "origin-missing", "The request does not say which page sent it")
            }
            Self::HeaderRequired => {
                (S::FORBIDDEN, "header-required", "The request lacks a required header")
            }
            Self::LoginRequired => (S::UNAUTHORIZED, "login-required", "Log in first"),
            Self::ProviderUnavailable => (
                S::SERVICE_UNAVAILABLE,
                "provider-unavailable",
                "The login service does not answer at the moment",
            ),
            Self::StoreUnavailable => (
                S::SERVICE_UNAVAILABLE,
                "store-unavailable",
                "Sessions cannot be read at the moment",
            ),
            Self::LoginFailed => (S::BAD_REQUEST, "login-failed", "The login was not completed"),
            Self::UnknownProvider => {
                (S::NOT_FOUND, "unknown-provider", "There is no such login service")
            }
            Self::NavigationRequired => (
                S::BAD_REQUEST,
                "navigation-required",
                "A login is a navigation of the page, not a fetch",
            ),
            Self::NoRoute => (S::NOT_FOUND, "no-route", "Nothing is served at this path"),
            Self::MethodNotAllowed => (
                S::METHOD_NOT_ALLOWED,
                "method-not-allowed",
                "The method is not allowed at this path",
            ),
            Self::BadPath => (S::BAD_REQUEST, "bad-path", "The path is not in normal form"),
            Self::BadRequest => (S::BAD_REQUEST, "bad-request", "The request is not well formed"),
            Self::WrongHost => {
                (S::MISDIRECTED_REQUEST, "wrong-host", "This host is not served here")
            }
            Self::HeadersTooLarge => (
                S::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "headers-too-large",
                "The request's headers or cookies are too large",
            ),
            Self::UpstreamUnreachable => {
                (S::BAD_GATEWAY, "upstream-unreachable", "The service behind does not answer")
            }
            Self::UpstreamTimeout => (
                S::GATEWAY_TIMEOUT,
                "upstream-timeout",
                "The service behind did not answer in time",
            ),
        }
    }
}

/// What the log says of a refusal, in the extensions of its answer.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    pub(crate) reason: Reason,
    pub(crate) detail: String,
}

/// A request's end before its destination.
#[derive(Debug)]
pub struct Refusal {
    reason: Reason,
    detail: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    continue_to: Option<String>,
}

impl Refusal {
    /// Refuses for `reason`; `detail` goes to the log alone and holds no secret.
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into(), headers: Vec::new(), continue_to: None }
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Says when to try again.
    #[must_use]
    pub fn retry_after(self, after: Duration) -> Self {
        self.with_header(RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)))
    }

    /// Says which methods are taken.
    #[must_use]
    pub fn allow(self, methods: &str) -> Self {
        let value = HeaderValue::from_str(methods).unwrap_or(HeaderValue::from_static("GET"));
        self.with_header(ALLOW, value)
    }

    /// Gives a person who came by a navigation a link to go on with.
    #[must_use]
    pub(crate) fn continue_to(mut self, path: impl Into<String>) -> Self {
        self.continue_to = Some(path.into());
        self
    }

    /// The reason.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// What the log says.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The answer: a problem document (RFC 9457), or a small page for a navigation.
    pub fn into_response<B>(
        self,
        request_id: &RequestId,
        navigation: bool,
    ) -> Response<ReplyBody<B>> {
        let (content_type, body) = if navigation {
            let page =
                pages::refusal(self.reason, request_id.as_str(), self.continue_to.as_deref());
            ("text/html; charset=utf-8", page)
        } else {
            let reason = self.reason.as_str();
            let problem = serde_json::json!({
                "type": format!("urn:cloakroom:problem:{reason}"),
                "title": self.reason.title(),
                "status": self.reason.status().as_u16(),
                "reason": reason,
                "requestId": request_id.as_str(),
            });
            ("application/problem+json", problem.to_string())
        };
        let mut response = Response::new(ReplyBody::own(body));
        *response.status_mut() = self.reason.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if navigation {
            pages::protect(headers);
        }
        if self.reason == Reason::LoginRequired {
            headers.insert(SESSION_HEADER, HeaderValue::from_static("login-required"));
        }
        for (name, value) in self.headers {
            headers.append(name, value);
        }
        let refused = Refused { reason: self.reason, detail: self.detail };
        response.extensions_mut().insert(refused);
        response
    }
}

impl From<GuardRefusal> for Refusal {
    fn from(refusal: GuardRefusal) -> Self {
        let reason = match refusal {
            GuardRefusal::CrossSite => Reason::CrossSite,
            GuardRefusal::ForeignOrigin => Reason::ForeignOrigin,
            GuardRefusal::OriginMissing => Reason::OriginMissing,
            GuardRefusal::HeaderRequired => Reason::HeaderRequired,
        };
        Self::new(reason, "refused by the guard")
    }
}
