//! The reasons for which a request is refused: status, stable name, and words for people.

use http::StatusCode;

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
    /// It lacks the CSRF token of its session (R41).
    CsrfToken,
    /// It needs a session and there is none.
    LoginRequired,
    /// Its bearer token is not good (any more).
    InvalidToken,
    /// It needs a token and there is none ([`crate::TokenReader`]).
    TokenRequired,
    /// Its token is good and lacks what is needed ([`crate::Claims`]).
    ClaimsUnfit,
    /// It brings a session cookie and a bearer token.
    TwoCredentials,
    /// Its access token has expired, and the page can have it refreshed (mode `jwt`).
    TokenExpired,
    /// The provider does not answer.
    ProviderUnavailable,
    /// The store does not answer.
    StoreUnavailable,
    /// The login did not come to an end.
    LoginFailed,
    /// The login's tokens do not fit the browser's cookies (R23): the session mode does not suit them.
    TokensTooLarge,
    /// The login service's answer cannot be told to be free of tokens.
    LoginAnswerUnusable,
    /// The provider's login is a request of the application itself.
    LoginInApp,
    /// The provider's name in the request is not configured.
    UnknownProvider,
    /// The user's other sessions are not known, so that they cannot be ended (R33).
    EverywhereUnsupported,
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
    /// It came by plain http, where only https is served (F3).
    HttpsRequired,
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
            Self::CsrfToken => {
                (S::FORBIDDEN, "csrf-token", "The request lacks the CSRF token of its session")
            }
            Self::LoginRequired => (S::UNAUTHORIZED, "login-required", "Log in first"),
            Self::InvalidToken => (S::UNAUTHORIZED, "invalid-token", "The token is not good"),
            Self::TokenRequired => (S::UNAUTHORIZED, "token-required", "A token is needed"),
            Self::ClaimsUnfit => {
                (S::FORBIDDEN, "claims-unfit", "The token does not say what is needed here")
            }
            Self::TwoCredentials => (
                S::BAD_REQUEST,
                "two-credentials",
                "The request brings both a session and a token of its own",
            ),
            Self::TokenExpired => {
                (S::UNAUTHORIZED, "token-expired", "The access token has expired")
            }
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
            Self::TokensTooLarge => (
                S::INTERNAL_SERVER_ERROR,
                "tokens-too-large",
                "The login service's tokens are too large for the browser's cookies",
            ),
            Self::LoginAnswerUnusable => (
                S::BAD_GATEWAY,
                "login-answer-unusable",
                "The answer of the login service cannot be used",
            ),
            Self::LoginInApp => {
                (S::BAD_REQUEST, "login-in-app", "The application has a login form of its own")
            }
            Self::UnknownProvider => {
                (S::NOT_FOUND, "unknown-provider", "There is no such login service")
            }
            Self::EverywhereUnsupported => (
                S::BAD_REQUEST,
                "everywhere-unsupported",
                "Sessions in other browsers cannot be ended from here",
            ),
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
            Self::HttpsRequired => (S::FORBIDDEN, "https-required", "Only https is served here"),
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
