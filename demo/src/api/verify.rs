//! Which bearer tokens the API takes: the strict verification of `cloakroom-core`, as any API of a
//! Rust team can use it.

use std::time::Duration;

use cloakroom_core::jwt::{
    self, Algorithm, AudienceRule, Expectation, IssuerRule, KeySet, TokenKind,
};
use cloakroom_core::time::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::fetch;

/// The audience that the development provider writes into its access tokens.
const AUDIENCE: &str = "https://api.example.com";

/// How many characters of the token's id are shown: enough to tell two tokens apart.
const SHOWN: usize = 8;

/// A good token, described without a single character of its signature.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AccessToken {
    algorithm: &'static str,
    pub(super) subject: String,
    #[serde(skip)]
    pub(super) name: String,
    /// The beginning of the token's id.
    id: String,
    /// Seconds since 1970.
    issued_at: u64,
    /// Seconds since 1970.
    expires_at: u64,
    /// Seconds from now.
    expires_in: u64,
    /// Characters in the token.
    length: usize,
}

/// Verifies access tokens of one issuer, whose keys it has read at the start.
pub(crate) struct Verifier {
    issuer: String,
    keys: KeySet,
}

impl Verifier {
    /// Reads the issuer's keys by way of its metadata; the error in words.
    pub(crate) async fn of(issuer: &str) -> Result<Self, String> {
        let (_, metadata) =
            fetch::get(&format!("{issuer}/.well-known/openid-configuration"), None).await?;
        let metadata: Value = serde_json::from_slice(&metadata).map_err(|e| e.to_string())?;
        let location = metadata["jwks_uri"].as_str().ok_or("the metadata names no keys")?;
        let (_, keys) = fetch::get(location, None).await?;
        let keys = KeySet::parse(&keys).map_err(|error| error.to_string())?;
        Ok(Self { issuer: issuer.to_owned(), keys })
    }

    /// What a good token says.
    pub(super) fn verify(&self, token: &str, now: Timestamp) -> Option<AccessToken> {
        let expect = Expectation {
            issuer: IssuerRule::Is(&self.issuer),
            audience: AudienceRule::Includes(AUDIENCE),
            algorithms: &[Algorithm::Es256],
            kind: TokenKind::AccessToken,
            // Issuer and API read the same clock.
            leeway: Duration::ZERO,
        };
        let verified = jwt::verify(token, &self.keys, &expect, now).ok()?;
        let claim = |name: &str| verified.claims().get(name);
        let text = |name: &str| claim(name).and_then(Value::as_str).unwrap_or_default();
        Some(AccessToken {
            algorithm: verified.algorithm().name(),
            subject: verified.subject()?.to_owned(),
            name: text("name").to_owned(),
            id: text("jti").chars().take(SHOWN).collect(),
            issued_at: claim("iat").and_then(Value::as_u64).unwrap_or_default(),
            expires_at: verified.expires_at().as_unix_seconds(),
            expires_in: verified.expires_at().since(now).as_secs(),
            length: token.len(),
        })
    }
}
