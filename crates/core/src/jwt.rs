//! Strict verification of JWTs (R51–R59).
//!
//! jsonwebtoken checks the signature (aws-lc-rs itself that of ES512, which jsonwebtoken lacks);
//! everything around it is decided here, because a general library accepts more than a token handler
//! may. In this order, each step before the next:
//!
//! 1. The compact form, byte for byte: at most [`MAX_TOKEN_BYTES`], three non-empty parts of
//!    base64url without padding or stray trailing bits, header JSON without duplicate members
//!    ([`json`], R54, R56).
//! 2. The header: `alg` one of the [`Expectation`]'s, in exact case; `crit` and `b64` refused; `typ`
//!    one that the [`TokenKind`] allows. `jwk`, `jku`, `x5u`, `x5c` are never looked at (R51, R52,
//!    R55, R58).
//! 3. The key: only now looked up, in the issuer's [`KeySet`], by `kid` and algorithm together.
//! 4. The signature, and only then the claims: `iss` and `aud` as the
//!    [`IssuerRule`] and the [`AudienceRule`] say, `exp` required but of a
//!    [`TokenKind::LogoutToken`]; `exp`, `nbf`, `iat` finite numbers within [`MAX_LEEWAY`] of sense; claims that belong to another kind of token
//!    refused (R57–R59).
//!
//! What comes out is [`VerifiedClaims`], which nothing else can make.
//!
//! [`VerifiedTokens`] remembers what was believed, so that a token which comes with every request is
//! not checked with every request.
//!
//! Not supported: ES256K, Ed448, Ed25519 under its newer name `Ed25519` (RFC 9864), encrypted tokens
//! (R60) and detached or JSON-serialised signatures.

mod algorithm;
mod claims;
mod compact;
mod error;
mod expectation;
pub mod json;
mod keys;
mod verified;

#[cfg(test)]
mod tests;

use std::time::Duration;

use serde_json::{Map, Value};

pub use algorithm::Algorithm;
pub use compact::MAX_TOKEN_BYTES;
pub use error::JwtError;
pub use expectation::{AudienceRule, Expectation, IssuerRule, TokenKind};
pub use keys::{KeySet, KeySetError, MAX_KEY_SET_BYTES, PemError, SharedSecretError};
pub use verified::VerifiedTokens;

use crate::{
    session::{RecordId, UserKey},
    time::Timestamp,
};
use claims::Times;
use compact::Compact;

/// How far two clocks may differ, where nothing else was agreed: 30 seconds.
pub const DEFAULT_LEEWAY: Duration = Duration::from_secs(30);

/// The most leeway that [`verify`] grants, whatever it is asked for: five minutes (R57).
pub const MAX_LEEWAY: Duration = Duration::from_secs(300);

/// The claims of a token that [`verify`] believed; there is no other way to make one.
#[derive(Clone)]
pub struct VerifiedClaims {
    claims: Map<String, Value>,
    algorithm: Algorithm,
    times: Times,
}

impl VerifiedClaims {
    /// All claims, as the issuer wrote them.
    pub fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// `iss`; always present where the rule was [`IssuerRule::Is`].
    pub fn issuer(&self) -> Option<&str> {
        self.text("iss")
    }

    /// `sub`; always present in an ID Token.
    pub fn subject(&self) -> Option<&str> {
        self.text("sub")
    }

    /// `exp`, without leeway.
    pub fn expires_at(&self) -> Timestamp {
        self.times.expires_at
    }

    /// A name of the login that the token came from, for a session that has no other: see
    /// [`peek_session_name`].
    pub fn session_name(&self) -> RecordId {
        claims::session_name(&self.claims)
    }

    /// `iat`, where it is there.
    pub fn issued_at(&self) -> Option<Timestamp> {
        self.times.issued_at
    }

    /// The algorithm that the token was signed with; the hash in `at_hash` depends on it.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The audiences in `aud`; one or more, except under a rule that lets it be absent.
    pub fn audiences(&self) -> impl Iterator<Item = &str> {
        claims::audiences(&self.claims)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.claims.get(name).and_then(Value::as_str)
    }
}

/// The claims are about a person: `Debug` shows none of them.
impl std::fmt::Debug for VerifiedClaims {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VerifiedClaims").field("issuer", &self.issuer()).finish_non_exhaustive()
    }
}

/// Believes `token` or says why not.
///
/// ```
/// use cloakroom_core::jwt::{
///     Algorithm, AudienceRule, DEFAULT_LEEWAY, Expectation, IssuerRule, JwtError, KeySet, TokenKind,
///     verify,
/// };
/// use cloakroom_core::time::Timestamp;
///
/// // The key and the token of RFC 7515, appendix A.3.
/// let keys = KeySet::parse(
///     br#"{"keys":[{"kty":"EC","crv":"P-256",
///         "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
///         "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#,
/// )?;
/// let token = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9\
///     leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5\
///     djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
/// let expect = Expectation {
///     issuer: IssuerRule::Is("joe"),
///     audience: AudienceRule::Includes("shop-web"),
///     algorithms: &[Algorithm::Es256],
///     kind: TokenKind::AccessToken,
///     leeway: DEFAULT_LEEWAY,
/// };
/// // Signed by joe, but for nobody in particular (R59).
/// let error = verify(token, &keys, &expect, Timestamp::from_unix_seconds(1_300_819_000));
/// assert_eq!(error.unwrap_err(), JwtError::Missing("aud"));
/// # Ok::<(), cloakroom_core::jwt::KeySetError>(())
/// ```
///
/// # Errors
/// The first rule that the token breaks, in the order of the module's documentation. After an error
/// whose [`JwtError::refetch_may_help`] is true, fetch the issuer's key set again (at most once a
/// minute) and call again.
pub fn verify(
    token: &str,
    keys: &KeySet,
    expect: &Expectation<'_>,
    now: Timestamp,
) -> Result<VerifiedClaims, JwtError> {
    let compact = Compact::parse(token)?;
    let head = compact.judge_header(expect)?;
    keys.check_signature(&compact, &head)?;
    claims::judge(compact.claims()?, head.algorithm, expect, now)
}

/// When an access token dies by its own account, for scheduling a refresh and for nothing else.
///
/// Nothing is verified: not the signature, not the issuer. `None` for an opaque token and for every
/// form of `exp` that [`verify`] would refuse.
///
/// ```
/// // {"alg":"none"} . {"exp":1800000000} . a signature that nobody looks at
/// let token = "eyJhbGciOiJub25lIn0.eyJleHAiOjE4MDAwMDAwMDB9.AAAA";
/// let expiry = cloakroom_core::jwt::peek_expiry(token).unwrap();
/// assert_eq!(expiry.as_unix_seconds(), 1_800_000_000);
/// assert_eq!(cloakroom_core::jwt::peek_expiry("an opaque token"), None);
/// ```
pub fn peek_expiry(token: &str) -> Option<Timestamp> {
    let claims = Compact::parse(token).ok()?.claims().ok()?;
    claims::numeric_date(&claims, "exp").ok()?
}

/// Which issuer a token names, to choose the keys and rules that [`verify`] judges it by.
///
/// Nothing is verified, as with [`peek_expiry`].
pub fn peek_issuer(token: &str) -> Option<String> {
    let claims = Compact::parse(token).ok()?.claims().ok()?;
    claims.get("iss")?.as_str().map(str::to_owned)
}

/// Whom a token says it is about, within whatever issued it.
///
/// Nothing is verified, as with [`peek_expiry`].
pub fn peek_subject(token: &str) -> Option<String> {
    let claims = Compact::parse(token).ok()?.claims().ok()?;
    claims.get("sub")?.as_str().map(str::to_owned)
}

/// Whom a token says it is about, `iss` and `sub`, for a comparison that can only refuse.
///
/// Nothing is verified, as with [`peek_expiry`].
pub fn peek_user(token: &str) -> Option<UserKey> {
    let claims = Compact::parse(token).ok()?.claims().ok()?;
    let text = |name: &str| claims.get(name)?.as_str().map(str::to_owned);
    Some(UserKey { iss: text("iss")?, sub: text("sub")? })
}

/// The name of a session of which nothing is known but its access token: the hash of `iss`, `sub` and
/// `sid`, as far as they are there, and so the same for every token of one login. Without `sub` and `sid`
/// it is the hash of all claims that are not about the one token (`exp`, `iat`, `nbf`, `jti`).
///
/// Nothing is verified, as with [`peek_expiry`].
pub fn peek_session_name(token: &str) -> Option<RecordId> {
    Some(claims::session_name(&Compact::parse(token).ok()?.claims().ok()?))
}
