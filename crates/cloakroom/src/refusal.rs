//! Refusals: short outward, with a stable reason (RFC 9457); the why goes to the log.

use std::time::Duration;

use cloakroom_core::{guard::GuardRefusal, secret::Token};
use http::{
    HeaderName, HeaderValue, Response,
    header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
};

use crate::{RequestId, body::ReplyBody, pages, reason::Reason};

/// Tells a client why a 401 is not the API's own: `expired` (refresh and repeat) or
/// `login-required`; and of an application's own login or logout that a session has `started` or `ended`.
/// Reserved: an upstream cannot send it.
pub const SESSION_HEADER: HeaderName = HeaderName::from_static("cloakroom-session");

/// Tells a client how many seconds the access token has left. Reserved like [`SESSION_HEADER`].
pub const EXPIRES_IN_HEADER: HeaderName = HeaderName::from_static("cloakroom-expires-in");

/// What only we say, in either direction.
pub(crate) const OWN_HEADERS: [HeaderName; 2] = [SESSION_HEADER, EXPIRES_IN_HEADER];

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
    csrf_token: Option<Token>,
}

impl Refusal {
    /// Refuses for `reason`; `detail` goes to the log alone and holds no secret.
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
            headers: Vec::new(),
            continue_to: None,
            csrf_token: None,
        }
    }

    /// Refuses a token that is not good (any more), with the challenge of RFC 6750 §3.1.
    pub(crate) fn invalid_token(detail: impl Into<String>) -> Self {
        let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
        Self::new(Reason::InvalidToken, detail).with_header(WWW_AUTHENTICATE, challenge)
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

    /// Hands the page the CSRF token with which it can ask for what mends this.
    #[must_use]
    pub(crate) fn with_csrf_token(mut self, token: Option<Token>) -> Self {
        self.csrf_token = token;
        self
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
            let mut problem = serde_json::json!({
                "type": format!("urn:cloakroom:problem:{reason}"),
                "title": self.reason.title(),
                "status": self.reason.status().as_u16(),
                "reason": reason,
                "requestId": request_id.as_str(),
            });
            if let Some(token) = &self.csrf_token {
                problem["csrfToken"] = token.expose().into();
            }
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
        let mark = match self.reason {
            Reason::LoginRequired => Some("login-required"),
            Reason::TokenExpired => Some("expired"),
            _ => None,
        };
        if let Some(mark) = mark {
            headers.insert(SESSION_HEADER, HeaderValue::from_static(mark));
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
