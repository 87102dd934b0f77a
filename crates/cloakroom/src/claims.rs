//! The claims of a request's access token, for an API: from the bearer header or from a cookie.
//!
//! An API behind a Cloakroom gateway, or one that shares a cookie with its login service, takes a
//! [`TokenReader`] into its state and asks for [`Claims`] in its handlers (feature `axum`), or calls
//! [`TokenReader::read`] from whatever it is built on.
//!
//! 1. `Authorization: Bearer` comes at most once. Other schemes count as absent.
//! 2. The cookie, where one is named, comes at most once; twice counts as absent (R27). Its value is
//!    the token as it is (R26).
//! 3. Both may come, if they are the same token: so a gateway of mode `jwt` sends them.
//! 4. A token that came in the cookie alone proves nothing about who sent the request, for browsers add
//!    cookies by themselves: the guard is asked, here or in front ([`CookieGuard`], R36).
//! 5. The token is verified ([`Verifier`], R51–R59).
//!
//! A refusal is a problem document (RFC 9457) with the challenge that RFC 6750 §3 asks for:
//!
//! | status | reason | `WWW-Authenticate` |
//! |---|---|---|
//! | 400 | `two-credentials`, `bad-request` | `Bearer error="invalid_request"` |
//! | 401 | `token-required` | `Bearer` |
//! | 401 | `invalid-token` | `Bearer error="invalid_token"` |
//! | 403 | `cross-site`, `foreign-origin`, `origin-missing` | – |
//! | 403 | `claims-unfit`: a good token that lacks what the handler asks for | – |
//! | 503 | `provider-unavailable`: nobody can say, the issuer's keys cannot be had | – |

#[cfg(feature = "axum")]
mod extract;

#[cfg(feature = "axum")]
pub use extract::ClaimsRejection;

use std::{fmt, sync::Arc};

use cloakroom_core::{
    cookie::{self, CookieName, CookieNameError, Found},
    guard::Guard,
    jwt::VerifiedClaims,
    origin::PublicOrigin,
    secret::Token,
};
use http::{
    HeaderMap, HeaderValue, Method,
    header::{AUTHORIZATION, WWW_AUTHENTICATE},
};
use serde::de::DeserializeOwned;

use crate::{Clock, Reason, Refusal, Verifier, way::bearer};

/// The verified claims of a request's access token, as a type of the handler's: what is not in `T` is
/// left out, what `T` needs and the token lacks is a 403.
///
/// With feature `axum` it is an extractor; the state holds the [`TokenReader`]. As `Option<Claims<T>>`
/// it is `None` where there is no token, and a bad token is still refused.
///
/// ```
/// # #[cfg(feature = "axum")] {
/// use axum::{Router, routing::get};
/// use cloakroom::{Claims, TokenReader};
///
/// #[derive(serde::Deserialize)]
/// struct User {
///     sub: String,
///     #[serde(default)]
///     scope: String,
/// }
///
/// async fn hello(Claims(user): Claims<User>) -> String {
///     format!("hello {}, you may {}", user.sub, user.scope)
/// }
///
/// fn app(tokens: TokenReader) -> Router {
///     Router::new().route("/api/hello", get(hello)).with_state(tokens)
/// }
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claims<T>(pub T);

/// Finds the access token in requests and verifies it. Clones share what they have learnt.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use cloakroom::{
///     AccessTokenSettings, CookieGuard, KeySource, Named, SystemClock, TokenReader, Verifier,
///     cloakroom_core::{jwt::Algorithm, origin::PublicOrigin},
/// };
///
/// # fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let issuer = "https://login.example.org/realms/shop";
/// let clock = Arc::new(SystemClock);
/// let verifier = Verifier::new(
///     AccessTokenSettings {
///         issuer: Named::Is(issuer.to_owned()),
///         audience: Named::Is("https://api.example.com".to_owned()),
///         algorithms: Algorithm::ASYMMETRIC.to_vec(),
///         keys: KeySource::IssuerMetadata(issuer.to_owned()),
///     },
///     clock.clone(),
/// )?;
/// let shop = PublicOrigin::new(&"https://shop.example.com".parse()?)?;
/// let tokens = TokenReader::new(Arc::new(verifier), clock)
///     .with_cookie("__Host-access_token", CookieGuard::Here(shop))?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct TokenReader {
    verifier: Arc<Verifier>,
    clock: Arc<dyn Clock>,
    cookie: Option<(CookieName, CookieGuard)>,
}

/// Who refuses what another site has a browser send; a cookie comes along with that too (R36).
#[derive(Clone, Debug)]
pub enum CookieGuard {
    /// This service, by Fetch Metadata and `Origin`: a token from the cookie counts only on requests
    /// that a page of this origin sent. Behind a gateway that is the gateway's public origin.
    Here(PublicOrigin),
    /// A Cloakroom in front; and nobody reaches this service but through it.
    InFront,
}

/// Where a token was found.
struct Presented {
    token: Token,
    by_cookie_alone: bool,
}

impl TokenReader {
    /// Reads `Authorization: Bearer`.
    pub fn new(verifier: Arc<Verifier>, clock: Arc<dyn Clock>) -> Self {
        Self { verifier, clock, cookie: None }
    }

    /// Reads the cookie `name` too, whose full name this is, with its prefix.
    ///
    /// # Errors
    /// When there can be no cookie of this name.
    pub fn with_cookie(mut self, name: &str, guard: CookieGuard) -> Result<Self, CookieNameError> {
        self.cookie = Some((CookieName::parse(name)?, guard));
        Ok(self)
    }

    /// The claims of the request's token.
    ///
    /// # Errors
    /// The table of the module's documentation, as an answer to send: [`Refusal::into_response`].
    pub async fn read(
        &self,
        method: &Method,
        headers: &HeaderMap,
    ) -> Result<Arc<VerifiedClaims>, Refusal> {
        let required = || {
            Refusal::new(Reason::TokenRequired, "no token")
                .with_header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
        };
        self.read_if_any(method, headers).await?.ok_or_else(required)
    }

    /// As [`TokenReader::read`], but `None` where the request brings no token.
    ///
    /// # Errors
    /// As [`TokenReader::read`]; a bad token is no absent one.
    pub async fn read_if_any(
        &self,
        method: &Method,
        headers: &HeaderMap,
    ) -> Result<Option<Arc<VerifiedClaims>>, Refusal> {
        let Some(presented) = self.find(headers)? else { return Ok(None) };
        if presented.by_cookie_alone
            && let Some((_, CookieGuard::Here(ours))) = &self.cookie
        {
            Guard::new(None, Vec::new()).check(method, headers, ours)?;
        }
        let token = presented.token.expose();
        Ok(Some(self.verifier.verify(token, self.clock.now()).await?))
    }

    fn find(&self, headers: &HeaderMap) -> Result<Option<Presented>, Refusal> {
        let sent: Vec<_> = headers.get_all(AUTHORIZATION).iter().cloned().collect();
        let sent = bearer::presented(&sent).map_err(malformed)?;
        match (sent, self.find_cookie(headers)) {
            (Some(sent), Some(cookie)) if sent.expose().as_bytes() != cookie => {
                Err(malformed(Refusal::new(Reason::TwoCredentials, "two different tokens")))
            }
            (Some(token), _) => Ok(Some(Presented { token, by_cookie_alone: false })),
            (None, Some(cookie)) => match std::str::from_utf8(cookie) {
                Ok(text) => Ok(Some(Presented { token: Token::new(text), by_cookie_alone: true })),
                Err(_) => Err(Refusal::invalid_token("not text")),
            },
            (None, None) => Ok(None),
        }
    }

    fn find_cookie<'a>(&self, headers: &'a HeaderMap) -> Option<&'a [u8]> {
        let (name, _) = self.cookie.as_ref()?;
        match cookie::find(headers, name) {
            Found::One(value) => Some(value),
            Found::Absent => None,
            Found::Duplicate => {
                tracing::warn!(cookie = name.as_str(), "token cookie sent twice: ignored");
                None
            }
        }
    }
}

impl<T: DeserializeOwned> Claims<T> {
    /// `claims` as a `T`.
    ///
    /// # Errors
    /// A 403 where `T` needs what is not in them.
    pub fn of(claims: &VerifiedClaims) -> Result<Self, Refusal> {
        T::deserialize(claims.claims())
            .map(Self)
            // What serde says quotes the claims, which are about a person.
            .map_err(|_| Refusal::new(Reason::ClaimsUnfit, "the claims do not fit their type"))
    }
}

impl fmt::Debug for TokenReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenReader")
            .field("verifier", &self.verifier)
            .field("cookie", &self.cookie)
            .finish_non_exhaustive()
    }
}

/// A request whose credentials are not well formed (RFC 6750 §3.1).
fn malformed(refusal: Refusal) -> Refusal {
    if refusal.reason() == Reason::InvalidToken {
        return refusal;
    }
    let challenge = HeaderValue::from_static("Bearer error=\"invalid_request\"");
    refusal.with_header(WWW_AUTHENTICATE, challenge)
}
