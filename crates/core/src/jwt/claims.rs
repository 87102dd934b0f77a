//! The claims, once the signature holds (RFC 7519 §4.1; R57–R59).

use serde_json::{Map, Value};

use super::{
    Algorithm, AudienceRule, Expectation, JwtError, MAX_LEEWAY, TokenKind, VerifiedClaims,
    compact::text,
};
use crate::time::Timestamp;

/// 9999-12-31T23:59:59Z, the last second that other implementations can read.
const LAST_SECOND: f64 = 253_402_300_799.0;

/// The member of `events` that makes a logout token one.
const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

pub(super) fn judge(
    claims: Map<String, Value>,
    algorithm: Algorithm,
    expect: &Expectation<'_>,
    now: Timestamp,
) -> Result<VerifiedClaims, JwtError> {
    let issuer = text(&claims, "iss")?.ok_or(JwtError::Missing("iss"))?.to_owned();
    if issuer != expect.issuer {
        return Err(JwtError::Issuer);
    }
    judge_audience(&claims, expect.audience)?;
    let expires_at = judge_times(&claims, expect, now)?;
    let subject = text(&claims, "sub")?.map(str::to_owned);
    if subject.as_deref() == Some("") {
        return Err(JwtError::Missing("sub"));
    }
    judge_kind(&claims, expect.kind)?;
    Ok(VerifiedClaims { claims, algorithm, issuer, subject, expires_at })
}

/// The texts of `aud`; those of another type are left out, [`judge`] refused them.
pub(super) fn audiences(claims: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let many = claims.get("aud").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    claims.get("aud").into_iter().chain(many).filter_map(Value::as_str)
}

/// `name` as a NumericDate: a finite number of seconds from 1970 to the year 9999 (R57).
pub(super) fn numeric_date(
    claims: &Map<String, Value>,
    name: &'static str,
) -> Result<Option<Timestamp>, JwtError> {
    let number = match claims.get(name) {
        None => return Ok(None),
        Some(Value::Number(number)) => number,
        Some(_) => return Err(JwtError::WrongType(name)),
    };
    let seconds = number.as_f64().ok_or(JwtError::TimeRange(name))?;
    if !(0.0..=LAST_SECOND).contains(&seconds) {
        return Err(JwtError::TimeRange(name));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within 0..2^48, checked above"
    )]
    Ok(Some(Timestamp::from_unix_millis((seconds * 1000.0) as u64)))
}

fn judge_audience(claims: &Map<String, Value>, rule: AudienceRule<'_>) -> Result<(), JwtError> {
    match claims.get("aud").ok_or(JwtError::Missing("aud"))? {
        Value::String(_) => {}
        Value::Array(items) if items.iter().all(Value::is_string) => {}
        _ => return Err(JwtError::WrongType("aud")),
    }
    let named = audiences(claims).any(|audience| match rule {
        AudienceRule::Includes(wanted) => audience == wanted,
        AudienceRule::IncludesOneOf(wanted) => wanted.iter().any(|wanted| audience == wanted),
    });
    if named { Ok(()) } else { Err(JwtError::Audience) }
}

fn judge_times(
    claims: &Map<String, Value>,
    expect: &Expectation<'_>,
    now: Timestamp,
) -> Result<Timestamp, JwtError> {
    let leeway = expect.leeway.min(MAX_LEEWAY);
    let exp = numeric_date(claims, "exp")?.ok_or(JwtError::Missing("exp"))?;
    if now >= exp.plus(leeway) {
        return Err(JwtError::Expired);
    }
    let latest_start = now.plus(leeway);
    if numeric_date(claims, "nbf")?.is_some_and(|nbf| nbf > latest_start) {
        return Err(JwtError::NotYetValid);
    }
    if numeric_date(claims, "iat")?.is_some_and(|iat| iat > latest_start) {
        return Err(JwtError::IssuedInFuture);
    }
    Ok(exp)
}

/// Refuses what only another kind of token has, and demands what this one must have (R58).
fn judge_kind(claims: &Map<String, Value>, kind: TokenKind) -> Result<(), JwtError> {
    let has = |name| claims.contains_key(name);
    let logout = claims.get("events").and_then(|events| events.get(LOGOUT_EVENT));
    // Keycloak names the kind in a claim, because its header says `JWT` for all of them.
    let keycloak = claims.get("typ").and_then(Value::as_str).unwrap_or_default();
    let foreign = match kind {
        TokenKind::AccessToken => {
            has("at_hash")
                || has("c_hash")
                || has("s_hash")
                || logout.is_some()
                || matches!(keycloak, "ID" | "Refresh" | "Offline" | "Logout")
        }
        TokenKind::IdToken => {
            logout.is_some() || matches!(keycloak, "Bearer" | "Refresh" | "Offline" | "Logout")
        }
        TokenKind::LogoutToken => has("nonce") || !logout.is_some_and(Value::is_object),
    };
    if foreign {
        return Err(JwtError::Kind);
    }
    let required: &[&'static str] = match kind {
        TokenKind::AccessToken => &[],
        TokenKind::IdToken => &["sub", "iat"],
        TokenKind::LogoutToken => &["iat", "jti"],
    };
    if let Some(name) = required.iter().find(|name| !has(name)) {
        return Err(JwtError::Missing(name));
    }
    if kind == TokenKind::LogoutToken && !has("sub") && text(claims, "sid")?.is_none() {
        return Err(JwtError::Missing("sub"));
    }
    Ok(())
}
