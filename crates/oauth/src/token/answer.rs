//! Judging the token endpoint's answer (RFC 6749 §5).

use std::time::Duration;

use cloakroom_core::{
    jwt::{json, peek_expiry},
    secret::Token,
    session::TokenSet,
    time::Timestamp,
};
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

use super::{TokenError, TokenErrorKind};
use crate::MAX_ANSWER_BYTES;

/// A longer lifetime counts as this: ten years.
const MAX_LIFETIME: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// Tokens, as the provider gave them; the ID Token is not verified yet.
#[derive(Clone, Debug)]
pub struct TokenAnswer {
    /// A bearer token.
    pub access_token: Token,
    /// Absent where the provider gives none or, at a refresh, keeps the old one.
    pub refresh_token: Option<Token>,
    /// Absent at most refreshes.
    pub id_token: Option<Token>,
    /// The access token's lifetime, where the provider says one above zero.
    pub expires_in: Option<Duration>,
    /// The scope, where it differs from the one asked for.
    pub scope: Option<String>,
}

impl TokenAnswer {
    /// The token set to keep. Refresh token and ID Token stay `previous`'s where none came (R15).
    ///
    /// The access token dies `expires_in` after `received_at` or, where that is not said, at the `exp`
    /// that it carries itself. Give the moment *before* the request as `received_at` and the life is
    /// never overestimated.
    pub fn into_token_set(self, previous: Option<&TokenSet>, received_at: Timestamp) -> TokenSet {
        let expires_at = match self.expires_in {
            Some(lifetime) => Some(received_at.plus(lifetime)),
            None => peek_expiry(self.access_token.expose()),
        };
        TokenSet {
            access_token: self.access_token,
            refresh_token: self
                .refresh_token
                .or_else(|| previous.and_then(|set| set.refresh_token.clone())),
            id_token: self.id_token.or_else(|| previous.and_then(|set| set.id_token.clone())),
            obtained_at: received_at,
            expires_at,
        }
    }
}

/// Judges an answer to [`crate::code_request`] or [`crate::refresh_request`].
///
/// A 200 is good only as a strict JSON object with a printable `access_token` and `token_type` bearer,
/// in any case. Everything else is one of three [`TokenErrorKind`]s:
///
/// | answer | kind |
/// |---|---|
/// | 4xx with `invalid_grant` | `InvalidGrant` |
/// | 400 with an empty body | `InvalidGrant`, see below |
/// | 4xx with another registered or unknown `error`; 401 and 403 in any form; a token type other than bearer | `ClientRefused` |
/// | 408, 429, 5xx in any form; `temporarily_unavailable`, `server_error`, `slow_down`; redirects; a 200 that makes no sense; any other 4xx without a readable `error` | `Outage` |
///
/// The last row is for pages that a proxy or firewall writes in the provider's name: they say nothing
/// about the grant.
///
/// An empty 400 is how Glewlwyd refuses a refresh token that is expired, revoked or used twice. It says
/// the same to a wrong client secret, so one of the two must be taken for the other. Taken for an
/// outage, every dead session there would live on as a zombie that answers 503; taken for
/// `invalid_grant`, a wrong secret logs people out who could not log in again anyway. No proxy in
/// front of a provider refuses with an empty 400.
///
/// ```
/// use cloakroom_oauth::{TokenErrorKind, judge_token_answer};
/// use http::{HeaderMap, StatusCode};
///
/// let judge = |status, body: &str| judge_token_answer(status, &HeaderMap::new(), body.as_bytes());
/// let good = r#"{"access_token":"2YotnFZFEjr1zCsicMWpAA","token_type":"Bearer"}"#;
/// assert!(judge(StatusCode::OK, good).is_ok());
/// let error = judge(StatusCode::BAD_REQUEST, r#"{"error":"invalid_grant"}"#).unwrap_err();
/// assert_eq!(error.kind(), TokenErrorKind::InvalidGrant);
/// let error = judge(StatusCode::BAD_GATEWAY, "<html>").unwrap_err();
/// assert_eq!(error.kind(), TokenErrorKind::Outage);
/// ```
///
/// # Errors
/// See [`TokenError::kind`].
pub fn judge_token_answer(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<TokenAnswer, TokenError> {
    let fail = |kind, reason| Err(TokenError::new(kind, reason, status, headers));
    let outage = |reason| fail(TokenErrorKind::Outage, reason);
    if body.len() > MAX_ANSWER_BYTES {
        return outage("the answer is too long");
    }
    if status == StatusCode::OK {
        let Ok(members) = json::parse_object(body) else {
            return outage("the answer is not a JSON object");
        };
        return match TokenAnswer::from_members(&members) {
            Ok(answer) => Ok(answer),
            Err(Unfit::Senseless) => outage("the answer has no usable tokens"),
            Err(Unfit::NotBearer) => {
                fail(TokenErrorKind::ClientRefused, "the token type is not bearer")
            }
        };
    }
    let retry = matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
    if retry || !status.is_client_error() {
        return outage("the provider cannot answer now");
    }
    if status == StatusCode::BAD_REQUEST && body.is_empty() {
        return fail(TokenErrorKind::InvalidGrant, "an empty refusal");
    }
    let members = json::parse_object(body).unwrap_or_default();
    match members.get("error").and_then(Value::as_str) {
        Some(error) => {
            let (kind, reason) = registered(error);
            fail(kind, reason)
        }
        None if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            fail(TokenErrorKind::ClientRefused, "the client is refused")
        }
        None => outage("a refusal that is not the provider's"),
    }
}

enum Unfit {
    Senseless,
    NotBearer,
}

impl TokenAnswer {
    fn from_members(members: &Map<String, Value>) -> Result<Self, Unfit> {
        let access_token = token(members, "access_token")?.ok_or(Unfit::Senseless)?;
        match members.get("token_type") {
            Some(Value::String(kind)) if kind.eq_ignore_ascii_case("bearer") => {}
            Some(Value::String(_)) => return Err(Unfit::NotBearer),
            _ => return Err(Unfit::Senseless),
        }
        Ok(Self {
            access_token,
            refresh_token: token(members, "refresh_token")?,
            id_token: token(members, "id_token")?,
            expires_in: members.get("expires_in").and_then(lifetime),
            scope: members.get("scope").and_then(Value::as_str).map(str::to_owned),
        })
    }
}

/// A token that fits into a header and a form: visible ASCII (RFC 6749 appendix A.12, A.17).
fn token(members: &Map<String, Value>, name: &str) -> Result<Option<Token>, Unfit> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) if text.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Ok(Some(Token::new(text.as_str())))
        }
        Some(_) => Err(Unfit::Senseless),
    }
}

/// Seconds, as a number or, as some providers write it, as digits in a text. Zero says nothing: taken
/// at its word it would be refreshed before every request.
pub(crate) fn lifetime(value: &Value) -> Option<Duration> {
    let seconds = match value {
        Value::String(digits) => digits.parse::<u32>().ok().map(f64::from)?,
        number => number.as_f64()?,
    };
    let lifetime = Duration::try_from_secs_f64(seconds.min(MAX_LIFETIME.as_secs_f64())).ok()?;
    (!lifetime.is_zero()).then_some(lifetime)
}

/// The registered error codes, as texts of our own: what the provider wrote goes into no log.
fn registered(error: &str) -> (TokenErrorKind, &'static str) {
    use TokenErrorKind::{ClientRefused, InvalidGrant, Outage};
    match error {
        "invalid_grant" => (InvalidGrant, "invalid_grant"),
        "invalid_client" => (ClientRefused, "invalid_client"),
        "unauthorized_client" => (ClientRefused, "unauthorized_client"),
        "unsupported_grant_type" => (ClientRefused, "unsupported_grant_type"),
        "invalid_request" => (ClientRefused, "invalid_request"),
        "invalid_scope" => (ClientRefused, "invalid_scope"),
        "invalid_target" => (ClientRefused, "invalid_target"),
        "temporarily_unavailable" => (Outage, "temporarily_unavailable"),
        "server_error" => (Outage, "server_error"),
        "slow_down" => (Outage, "slow_down"),
        _ => (ClientRefused, "an error code that is not registered"),
    }
}
