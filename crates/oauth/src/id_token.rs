//! Who logged in (OpenID Connect Core §3.1.3.7, §12.2; R5, R9, R10).

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use cloakroom_core::{
    jwt::{
        self, Algorithm, AudienceRule, DEFAULT_LEEWAY, Expectation, IssuerRule, JwtError, KeySet,
        TokenKind, VerifiedClaims,
    },
    secret::Token,
    session::UserKey,
    time::Timestamp,
};
use serde_json::{Map, Value};

use crate::{Client, Metadata, Transaction};

/// Claims that are between the provider and us: they never reach the page.
///
/// `iss`, `aud`, `azp` and the times speak of the token, `nonce` and the hashes of this login, `sid`
/// and Keycloak's `session_state` of the provider's session, `typ` is Keycloak's kind of token. What
/// is left is about the user and the way of logging in: `sub`, `name`, `email`, …, `auth_time`,
/// `acr`, `amr`.
const PROTOCOL_CLAIMS: [&str; 15] = [
    "iss",
    "aud",
    "azp",
    "exp",
    "iat",
    "nbf",
    "jti",
    "nonce",
    "at_hash",
    "c_hash",
    "s_hash",
    "rt_hash",
    "sid",
    "session_state",
    "typ",
];

/// The claims of an ID Token that passed every check; only this module makes them.
#[derive(Clone, Debug)]
pub struct IdClaims {
    verified: VerifiedClaims,
    user: UserKey,
}

/// Why an ID Token is refused. No part of it is in the error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenError {
    /// It is not a good JWT of this issuer for this client.
    #[error("the ID Token is refused: {0}")]
    Jwt(#[from] JwtError),
    /// `nonce` is absent or another login's (R5): a replayed token.
    #[error("the ID Token belongs to another login")]
    Nonce,
    /// `azp` names another client, or is absent although `aud` names several.
    #[error("the ID Token was issued to another client")]
    AuthorizedParty,
    /// `at_hash` is not that of the access token: one of the two was swapped.
    #[error("the ID Token does not belong to the access token")]
    AccessTokenHash,
    /// The user of a refreshed ID Token is another (R10).
    #[error("the refreshed ID Token is about another user")]
    OtherUser,
}

impl IdTokenError {
    /// Whether the provider may have changed its keys; see [`JwtError::refetch_may_help`].
    pub fn refetch_may_help(self) -> bool {
        matches!(self, Self::Jwt(error) if error.refetch_may_help())
    }

    /// Whether the token is good but about another user: the session must end (R10).
    pub fn is_other_user(self) -> bool {
        self == Self::OtherUser
    }
}

/// Checks the ID Token that came with the code's tokens.
///
/// # Errors
/// See [`IdTokenError`]; after any of them there is no login.
pub fn verify_id_token(
    client: &Client,
    metadata: &Metadata,
    keys: &KeySet,
    transaction: &Transaction,
    id_token: &Token,
    access_token: &Token,
    now: Timestamp,
) -> Result<IdClaims, IdTokenError> {
    let claims = verify(client, metadata, keys, id_token, access_token, now)?;
    match claims.text("nonce") {
        Some(nonce) if transaction.has_nonce(nonce) => Ok(claims),
        _ => Err(IdTokenError::Nonce),
    }
}

/// Checks an ID Token that came with a refresh: the same rules, the same user (R10).
///
/// `nonce` and `auth_time` are not compared with the first token's, which is not kept in the clear.
///
/// # Errors
/// See [`IdTokenError`]. [`IdTokenError::OtherUser`] must end the session.
pub fn verify_refreshed_id_token(
    client: &Client,
    metadata: &Metadata,
    keys: &KeySet,
    user: &UserKey,
    id_token: &Token,
    access_token: &Token,
    now: Timestamp,
) -> Result<IdClaims, IdTokenError> {
    let claims = verify(client, metadata, keys, id_token, access_token, now)?;
    if claims.user == *user { Ok(claims) } else { Err(IdTokenError::OtherUser) }
}

/// Whether `id_token` says, verified or not, that it is about somebody else than `user`.
///
/// For a refreshed ID Token that cannot be verified now: enough to refuse it, never to believe it.
pub fn names_other_user(id_token: &Token, user: &UserKey) -> bool {
    jwt::peek_user(id_token.expose()).is_some_and(|named| named != *user)
}

impl IdClaims {
    /// Issuer and subject (R10).
    pub fn user(&self) -> UserKey {
        self.user.clone()
    }

    /// The claims that the page may see: all but those of the protocol, and but for tokens that some
    /// providers put among them.
    pub fn public_claims(&self) -> Map<String, Value> {
        let claims = self.verified.claims().iter();
        claims
            .filter(|(name, value)| !PROTOCOL_CLAIMS.contains(&name.as_str()) && !holds_jwt(value))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }

    /// The provider's name for its session, for logout over the back channel.
    pub fn sid(&self) -> Option<&str> {
        self.text("sid")
    }

    /// The proof itself.
    pub fn verified(&self) -> &VerifiedClaims {
        &self.verified
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.verified.claims().get(name).and_then(Value::as_str)
    }
}

/// Whether a text at any depth looks like a JWT: three parts, the first the base64url of `{"`.
fn holds_jwt(value: &Value) -> bool {
    match value {
        Value::String(text) => {
            text.starts_with("eyJ") && text.split('.').filter(|part| !part.is_empty()).count() >= 2
        }
        Value::Array(values) => values.iter().any(holds_jwt),
        Value::Object(values) => values.values().any(holds_jwt),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn verify(
    client: &Client,
    metadata: &Metadata,
    keys: &KeySet,
    id_token: &Token,
    access_token: &Token,
    now: Timestamp,
) -> Result<IdClaims, IdTokenError> {
    let expect = Expectation {
        issuer: IssuerRule::Is(&client.issuer),
        audience: AudienceRule::Includes(&client.client_id),
        algorithms: &metadata.id_token_algorithms,
        kind: TokenKind::IdToken,
        leeway: DEFAULT_LEEWAY,
    };
    let verified = jwt::verify(id_token.expose(), keys, &expect, now)?;
    let claims = verified.claims();
    let for_us = match claims.get("azp") {
        Some(azp) => *azp == client.client_id.as_str(),
        None => verified.audiences().count() == 1,
    };
    if !for_us {
        return Err(IdTokenError::AuthorizedParty);
    }
    if let Some(at_hash) = claims.get("at_hash")
        && *at_hash != half_hash(verified.algorithm(), access_token).as_str()
    {
        return Err(IdTokenError::AccessTokenHash);
    }
    let sub = verified.subject().ok_or(JwtError::Missing("sub"))?;
    let user = UserKey { iss: client.issuer.clone(), sub: sub.to_owned() };
    Ok(IdClaims { verified, user })
}

/// The left half of the token's hash, with the hash of the signature's algorithm (Core §3.1.3.6).
fn half_hash(algorithm: Algorithm, token: &Token) -> String {
    let hash = digest::digest(algorithm.digest(), token.expose().as_bytes());
    URL_SAFE_NO_PAD.encode(&hash.as_ref()[..hash.as_ref().len() / 2])
}
