//! What a service decides about its Cloakroom; every default is the safe one.

use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, header::AUTHORIZATION};

use cloakroom_core::{
    cookie::{
        Attributes, CookieDomain, CookieName, CookiePath, Lifetime, Prefix, ReservedNames, SameSite,
    },
    origin::{PublicOrigin, is_loopback_to_browsers},
    session::Timeouts,
};
use cloakroom_oauth::{Client, token_api::TokenApi};

use crate::verifier::AccessTokenSettings;

/// Everything that [`crate::Cloakroom`] needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The origin that browsers see.
    pub public: PublicOrigin,
    /// Further origins served, of the same scheme. Each is foreign to the others (R38), and has logins
    /// of its own unless [`CookieSettings::domain`] covers it.
    pub also: Vec<PublicOrigin>,
    /// What browsers are told about https (R70).
    pub hsts: Hsts,
    /// Where the control endpoints live, without a trailing slash: `/auth`.
    pub control_prefix: String,
    /// The path that a logout ends at.
    pub after_logout: String,
    /// The session cookie.
    pub cookie: CookieSettings,
    /// Where sessions are kept.
    pub mode: SessionMode,
    /// How long a session lasts (R32).
    pub timeouts: Timeouts,
    /// A header that every unsafe request must carry (R37).
    pub required_header: Option<HeaderName>,
    /// Other origins whose pages may call routes that take sessions, and the control endpoints for
    /// pages, as if they were our own (R42): a script there acts as the user.
    ///
    /// The session's cookie must come along from there: with `SameSite=Lax` from the same site alone.
    pub allow_origins: Vec<PublicOrigin>,
    /// The CSRF token that every unsafe request with a session must bring (R41); `None` asks for none,
    /// unless the session cookie is `SameSite=None`: then it is asked for in `X-CSRF-Token`.
    pub csrf_token: Option<CsrfTokenSettings>,
    /// Which paths lead where; the longest matching prefix decides (R61).
    pub routes: Vec<Route>,
    /// Where tokens come from; the first is the default.
    pub providers: Vec<ProviderSettings>,
}

/// Where a session is kept, and so what its cookie holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionMode {
    /// In the store; the cookie is a ticket. The default.
    Server,
    /// In the cookies, sealed; the store keeps only what counts once.
    ///
    /// Weaker: within one process everything holds that holds for [`SessionMode::Server`], but another
    /// process, or the same after a restart, does not know which sessions have ended and which refresh
    /// tokens are spent. A session can be ended only by its own browser.
    Sealed,
    /// The access token, a JWT, as it is in a cookie that the service behind can verify too; the rest
    /// sealed in a cookie that the refresh endpoint alone gets.
    ///
    /// Weaker in what [`SessionMode::Sealed`] is, and further: whoever has the cookie has the token,
    /// until it expires; the page must ask for each refresh. Every provider needs
    /// [`ProviderSettings::access_token`].
    Jwt {
        /// The name of the access token's cookie.
        access_cookie: CookieName,
    },
}

/// `Strict-Transport-Security` (RFC 6797): for how long a browser comes by https alone. The default is a
/// year, for the host alone: what is below it may not be ours to speak for.
///
/// It is not sent where the public origin is plain http or on loopback: HSTS knows no ports, and would
/// turn every other http server of `localhost` away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hsts {
    /// How long, in whole seconds.
    pub max_age: Duration,
    /// For every host below, too.
    pub include_subdomains: bool,
    /// Asks for a place in the lists that browsers are shipped with.
    pub preload: bool,
}

impl Default for Hsts {
    fn default() -> Self {
        let max_age = Duration::from_secs(365 * 86_400);
        Self { max_age, include_subdomains: false, preload: false }
    }
}

impl Hsts {
    /// The header's value for a service at `public`, where it is to be sent.
    pub(crate) fn value(&self, public: &PublicOrigin) -> Option<HeaderValue> {
        if !public.is_https() || is_loopback_to_browsers(public.as_url()) {
            return None;
        }
        let subdomains = if self.include_subdomains { "; includeSubDomains" } else { "" };
        let preload = if self.preload { "; preload" } else { "" };
        let text = format!("max-age={}{subdomains}{preload}", self.max_age.as_secs());
        HeaderValue::try_from(text).ok()
    }
}

/// The session cookie: always `Secure`, `HttpOnly`, `Path=/` (R19).
#[derive(Clone, Debug)]
pub struct CookieSettings {
    /// Its full name.
    pub name: CookieName,
    /// When the browser sends it along.
    pub same_site: SameSite,
    /// How long the browser keeps it.
    pub lifetime: Lifetime,
    /// The domain all of whose hosts get it; `None` is this host alone (R19, R20).
    pub domain: Option<CookieDomain>,
}

impl CookieSettings {
    /// What it is set with.
    pub fn attributes(&self) -> Attributes {
        Attributes {
            same_site: self.same_site,
            lifetime: self.lifetime,
            domain: self.domain.clone(),
            path: CookiePath::ROOT,
        }
    }
}

/// Where the CSRF token travels (R41).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsrfTokenSettings {
    /// The header that brings it.
    pub header: HeaderName,
    /// A cookie from which the page's scripts read it, beside `GET session`: readable, never the
    /// session's, always for this host alone.
    pub cookie: Option<CookieName>,
}

impl CsrfTokenSettings {
    /// The token that is asked for, given what is configured. With `SameSite=None` one always is: every
    /// other site's requests bring the cookie then.
    pub fn asked(configured: Option<Self>, same_site: SameSite) -> Option<Self> {
        configured.or_else(|| (same_site == SameSite::None).then(Self::default))
    }
}

impl Default for CsrfTokenSettings {
    fn default() -> Self {
        Self { header: HeaderName::from_static("x-csrf-token"), cookie: None }
    }
}

/// A provider under the name that its callback path carries (R7).
#[derive(Clone, Debug)]
pub struct ProviderSettings {
    /// Letters, digits, `-` and `_`.
    pub name: String,
    /// What kind of provider it is, and what there is to know of it.
    pub kind: ProviderKind,
    /// How its access tokens are verified where they come from outside; `None` where none do.
    pub access_token: Option<AccessTokenSettings>,
}

/// The kinds of providers.
#[derive(Clone, Debug)]
pub enum ProviderKind {
    /// An OpenID provider, with what it knows of us.
    Oidc(Client),
    /// The application's own JSON login service.
    TokenApi(Box<TokenApi>),
}

impl ProviderKind {
    /// What front ends are given in place of a token, where anything: it opens nothing.
    pub(crate) fn placeholder(&self) -> Option<&str> {
        match self {
            Self::Oidc(_) => None,
            Self::TokenApi(api) => api.placeholder.as_deref(),
        }
    }
}

/// One line of the route table.
#[derive(Clone, Debug)]
pub struct Route {
    /// A path prefix of whole segments, without a trailing slash unless it is `/`.
    pub path: String,
    /// Whether a request needs a session.
    pub session: SessionRule,
    /// What a request without one gets.
    pub unauthenticated: Unauthenticated,
    /// The methods taken; `None` takes all.
    pub methods: Option<Vec<Method>>,
    /// How the access token goes to the service behind.
    pub token: TokenHeader,
    /// Whether clients that keep their own tokens are let through: a request with a good bearer token of
    /// a provider whose [`ProviderSettings::access_token`] is set, and without a session cookie. Such a
    /// request needs no session, and the guard is not asked.
    pub accept_bearer: bool,
}

impl Route {
    /// Whether a session's token can go along.
    pub(crate) fn takes_sessions(&self) -> bool {
        self.session != SessionRule::None
    }
}

/// The header that carries the access token, by default `Authorization: Bearer`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenHeader {
    /// Its name; what a client sends under it never goes on.
    pub name: HeaderName,
    /// What stands before the token, with a space between; empty for the token alone.
    pub scheme: String,
}

impl Default for TokenHeader {
    fn default() -> Self {
        Self { name: AUTHORIZATION, scheme: "Bearer".to_owned() }
    }
}

/// Whether requests on a route carry the session's token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionRule {
    /// Only with a session.
    Required,
    /// With the session where there is one.
    Optional,
    /// Never: no token goes along, so that the guard has nothing to protect and lets all pass.
    None,
}

/// What a request gets that needs a session and has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unauthenticated {
    /// A navigation is led to the login, anything else gets a 401.
    Auto,
    /// Always a 401 problem.
    Status401,
    /// Always led to the login.
    Login,
}

impl Settings {
    /// All origins served, the public one first.
    pub(crate) fn origins(&self) -> impl Iterator<Item = &PublicOrigin> {
        std::iter::once(&self.public).chain(&self.also)
    }

    /// The names that no upstream receives or sets (R35).
    pub(crate) fn reserved_names(&self) -> ReservedNames {
        let companion = self.csrf_token().and_then(|token| token.cookie);
        let jwt = match &self.mode {
            SessionMode::Jwt { access_cookie } => {
                vec![access_cookie.clone(), self.refresh_cookie()]
            }
            SessionMode::Server | SessionMode::Sealed => Vec::new(),
        };
        ReservedNames::new([self.cookie.name.clone()].into_iter().chain(companion).chain(jwt))
    }

    /// The cookie that the refresh endpoint alone gets in mode `jwt`: its path forbids it a prefix that
    /// binds to the host.
    pub(crate) fn refresh_cookie(&self) -> CookieName {
        let session = &self.cookie.name;
        let name = session.with_suffix("-refresh").unwrap_or_else(|_| session.clone());
        if name.prefix().binds_to_host() { name.with_prefix(Prefix::Secure) } else { name }
    }

    /// The CSRF token that is asked for.
    pub(crate) fn csrf_token(&self) -> Option<CsrfTokenSettings> {
        CsrfTokenSettings::asked(self.csrf_token.clone(), self.cookie.same_site)
    }

    /// The redirect URI of the provider `name` on an origin of ours (R7): distinct for each, and to be
    /// registered with the provider.
    pub fn redirect_uri(origin: &PublicOrigin, control_prefix: &str, name: &str) -> String {
        origin.absolute(&format!("{control_prefix}/callback/{name}"))
    }

    /// Where the provider leads back to after its own logout (R47); to be registered like the other.
    pub fn post_logout_redirect_uri(origin: &PublicOrigin, control_prefix: &str) -> String {
        origin.absolute(&format!("{control_prefix}/logged-out"))
    }
}
