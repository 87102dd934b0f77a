//! An axum API that "just checks the cookie": every request brings an access token, in a cookie or as
//! a bearer, and the handlers get its verified claims as an argument.
//!
//! Behind a Cloakroom gateway it serves browsers (the gateway sends their token along, in every session
//! mode) and mobile apps (`accept_bearer`) alike; and nobody has to believe that the gateway is there,
//! for the API verifies every token itself.

use std::{env, error::Error, sync::Arc};

use axum::{
    Json, Router,
    routing::{get, post},
};
use cloakroom::{
    AccessTokenSettings, Claims, CookieGuard, KeySource, Named, SystemClock, TokenReader, Verifier,
    cloakroom_core::{jwt::Algorithm, origin::PublicOrigin},
};
use serde::Deserialize;
use serde_json::{Value, json};

/// What the API wants to know of a caller; the other claims it does not look at.
#[derive(Deserialize)]
struct Caller {
    sub: String,
    #[serde(default)]
    name: Option<String>,
}

/// What the API must be told.
pub struct Settings {
    /// Who issues the tokens: `iss`, and whose metadata names the keys.
    pub issuer: String,
    /// Whom the tokens are for: one of `aud`.
    pub audience: String,
    /// The cookie that holds the token, by its full name; none looks at the bearer alone.
    pub cookie: Option<String>,
    /// Where browsers find the API: the gateway's public URL. Cookies of requests that come from pages
    /// of other origins do not count.
    pub public_url: String,
}

impl Settings {
    /// From `ISSUER`, `AUDIENCE`, `COOKIE` (optional) and `PUBLIC_URL`.
    ///
    /// # Errors
    /// When one is missing.
    pub fn from_environment() -> Result<Self, Box<dyn Error>> {
        let required =
            |name: &str| env::var(name).map_err(|_| format!("set {name}, see README.md"));
        Ok(Self {
            issuer: required("ISSUER")?,
            audience: required("AUDIENCE")?,
            cookie: env::var("COOKIE").ok(),
            public_url: required("PUBLIC_URL")?,
        })
    }
}

/// The API.
///
/// # Errors
/// When the settings name no issuer, cookie or origin that there can be.
pub fn api(settings: Settings) -> Result<Router, Box<dyn Error>> {
    Ok(Router::new()
        .route("/api/me", get(me))
        .route("/api/orders", post(order))
        .with_state(token_reader(settings)?))
}

fn token_reader(settings: Settings) -> Result<TokenReader, Box<dyn Error>> {
    let clock = Arc::new(SystemClock);
    let access_token = AccessTokenSettings {
        issuer: Named::Is(settings.issuer.clone()),
        audience: Named::Is(settings.audience),
        algorithms: Algorithm::ASYMMETRIC.to_vec(),
        // Others: KeySource::Jwks(url), or Fixed(KeySet::from_pem(…)), Fixed(KeySet::from_shared_secret(…)).
        keys: KeySource::IssuerMetadata(settings.issuer),
    };
    let verifier = Arc::new(Verifier::new(access_token, clock.clone())?);
    let tokens = TokenReader::new(verifier, clock);
    let Some(cookie) = settings.cookie else { return Ok(tokens) };
    let public = PublicOrigin::new(&settings.public_url.parse()?)?;
    Ok(tokens.with_cookie(&cookie, CookieGuard::Here(public))?)
}

async fn me(Claims(caller): Claims<Caller>) -> Json<Value> {
    Json(json!({ "sub": caller.sub, "name": caller.name }))
}

async fn order(Claims(caller): Claims<Caller>) -> String {
    format!("ordered by {}", caller.sub)
}
