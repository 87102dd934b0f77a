//! Cloakroom as a tower layer: the browser holds a cookie, the tokens stay here.
//!
//! [`Cloakroom`] takes a request through its rooms (gate, route, guard, session, relay), hands it to
//! the service behind with the session's access token as the bearer, and cleans the answer (reply).
//! Its control endpoints log in, out, and tell the page who it is. The gateway is this layer with a
//! reverse proxy as the service behind.
//!
//! ```no_run
//! use std::{sync::Arc, time::Duration};
//!
//! use axum::{Extension, Router, routing::get};
//! use cloakroom::{
//!     Cloakroom, CookieSettings, CurrentSession, Hsts, ProviderKind, ProviderSettings, Route,
//!     SessionMode, SessionRule, Settings, SystemClock, TokenHeader, Unauthenticated,
//!     cloakroom_core::{
//!         cookie::{CookieName, Lifetime, SameSite}, key::Keyring, origin::PublicOrigin,
//!         random::OsRandom, secret::Token, session::Timeouts,
//!     },
//!     cloakroom_oauth::{Client, ClientAuth},
//!     cloakroom_store::EmbeddedStore,
//! };
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let public = PublicOrigin::new(&"https://shop.example.com".parse()?)?;
//! let timeouts = Timeouts {
//!     idle: Duration::from_secs(24 * 3600),
//!     absolute: Duration::from_secs(7 * 24 * 3600),
//! };
//! let client = Client {
//!     issuer: "https://login.example.org/realms/shop".into(),
//!     client_id: "shop-web".into(),
//!     auth: ClientAuth::Basic(Token::new(std::env::var("OIDC_CLIENT_SECRET")?)),
//!     scopes: vec!["openid".into(), "profile".into(), "offline_access".into()],
//!     resource: None,
//!     authorize_params: vec![],
//!     allow_missing_pkce_metadata: false,
//! };
//! let settings = Settings {
//!     control_prefix: "/auth".into(),
//!     after_logout: "/".into(),
//!     cookie: CookieSettings {
//!         name: CookieName::host("session")?,
//!         same_site: SameSite::Lax,
//!         lifetime: Lifetime::MaxAge(timeouts.absolute),
//!         domain: None,
//!     },
//!     mode: SessionMode::Server,
//!     timeouts,
//!     hsts: Hsts::default(),
//!     required_header: None,
//!     allow_origins: Vec::new(),
//!     csrf_token: None,
//!     routes: vec![Route {
//!         path: "/api".into(),
//!         session: SessionRule::Required,
//!         unauthenticated: Unauthenticated::Auto,
//!         methods: None,
//!         token: TokenHeader::default(),
//!         accept_bearer: false,
//!     }],
//!     providers: vec![ProviderSettings {
//!         name: "default".into(),
//!         kind: ProviderKind::Oidc(client),
//!         access_token: None,
//!     }],
//!     public,
//!     also: Vec::new(),
//! };
//! let store = EmbeddedStore::open("cloakroom-data/sessions.redb")?;
//! // `Keyring::parse` what a file holds: a generated one ends all sessions at the next start.
//! let keyring = Keyring::parse(&std::fs::read_to_string("cloakroom-data/keyring")?)?;
//! let (clock, random) = (Arc::new(SystemClock), Arc::new(OsRandom::default()));
//! let cloakroom = Cloakroom::new(settings, Arc::new(store), keyring, clock, random)?;
//! cloakroom.probe_providers().await?;
//!
//! async fn hello(Extension(session): Extension<CurrentSession>) -> String {
//!     format!("hello {}", session.user().sub)
//! }
//! let app: Router = Router::new().route("/api/hello", get(hello)).layer(cloakroom.layer());
//! # Ok(()) }
//! ```
//!
//! What it does not do: it terminates no TLS and rewrites no bodies, but for the answers to the logins of
//! [`ProviderKind::TokenApi`]. Expired sessions are removed only while [`Cloakroom::keep_house`] is
//! polled. Keys rotate when the service says so ([`Cloakroom::replace_keyring`]). A service that ends lets
//! go of the pages that listen ([`Cloakroom::end_event_streams`]) and waits for what is under way
//! ([`Cloakroom::drain`]).

mod body;
mod claims;
mod cloakroom;
mod clock;
mod coding;
mod control;
mod corridor;
mod csrf;
mod extensions;
mod keyring;
mod layer;
mod pages;
mod passing;
mod provider;
mod reason;
mod refusal;
mod request_log;
mod sessions;
mod settings;
mod upkeep;
mod verifier;
mod way;

pub use body::ReplyBody;
#[cfg(feature = "axum")]
pub use claims::ClaimsRejection;
pub use claims::{Claims, CookieGuard, TokenReader};
pub use cloakroom::{Cloakroom, SetupError};
pub use clock::{Clock, SystemClock};
pub use extensions::{
    ClientAddress, CurrentBearer, CurrentSession, MatchedRoute, RequestId, ServedOrigin,
};
pub use layer::{CloakroomLayer, CloakroomService};
pub use reason::Reason;
pub use refusal::{EXPIRES_IN_HEADER, Refusal, SESSION_HEADER};
pub use sessions::RefreshCounts;
pub use settings::{
    CookieSettings, CsrfTokenSettings, Hsts, ProviderKind, ProviderSettings, Route, SessionMode,
    SessionRule, Settings, TokenHeader, Unauthenticated,
};
pub use upkeep::StartProblem;
pub use verifier::{AccessTokenSettings, KeySource, Named, Outage, Verifier, VerifyError};

// What the settings are made of.
pub use {cloakroom_core, cloakroom_oauth, cloakroom_store};

use cloakroom::Shared;
