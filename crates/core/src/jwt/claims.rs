//! The claims, once the signature holds (RFC 7519 §4.1; R57–R59).

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Map, Value};

use super::{
    Algorithm, AudienceRule, Expectation, IssuerRule, JwtError, MAX_LEEWAY, TokenKind,
    VerifiedClaims, compact::text,
};
use crate::{session::RecordId, time::Timestamp};

/// 9999-12-31T23:59:59Z, the last second that other implementations can read.
const LAST_SECOND: f64 = 253_402_300_799.0;

/// The member of `events` that makes a logout token one.
const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// No logout token counts longer after its `iat`, whatever its `exp`; several providers write none.
const LOGOUT_TOKEN_LIFETIME: Duration = Duration::from_secs(60 * 60);

pub(super) fn judge(
    claims: Map<String, Value>,
    algorithm: Algorithm,
    expect: &Expectation<'_>,
    now: Timestamp,
) -> Result<VerifiedClaims, JwtError> {
    judge_issuer(&claims, expect.issuer)?;
    judge_audience(&claims, expect.audience)?;
    let times = Times::read(&claims, expect.kind)?;
    times.judge(expect.leeway, now)?;
    if text(&claims, "sub")? == Some("") {
        return Err(JwtError::Missing("sub"));
    }
    judge_kind(&claims, expect.kind)?;
    Ok(VerifiedClaims { claims, algorithm, times })
}

/// What names a login among all: a JSON array keeps the three apart.
///
/// Services of one's own call the user something else than `sub`: then it is every claim but those that
/// change from token to token, so that no two users share a name.
pub(super) fn session_name(claims: &Map<String, Value>) -> RecordId {
    const OF_ONE_TOKEN: [&str; 4] = ["exp", "iat", "nbf", "jti"];
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let parts = match (text("sub"), text("sid")) {
        (None, None) => {
            let lasting = claims.iter().filter(|(name, _)| !OF_ONE_TOKEN.contains(&name.as_str()));
            // Sorted: the order of the token's members does not count.
            serde_json::json!(lasting.collect::<BTreeMap<_, _>>())
        }
        (sub, sid) => serde_json::json!([text("iss"), sub, sid]),
    };
    RecordId::hash(b"cloakroom session of an access token v1", parts.to_string().as_bytes())
}

/// From when to when a token counts.
#[derive(Clone, Copy)]
pub(super) struct Times {
    pub(super) expires_at: Timestamp,
    not_before: Option<Timestamp>,
    pub(super) issued_at: Option<Timestamp>,
}

impl Times {
    fn read(claims: &Map<String, Value>, kind: TokenKind) -> Result<Self, JwtError> {
        let exp = numeric_date(claims, "exp")?;
        let issued_at = numeric_date(claims, "iat")?;
        let expires_at = match kind {
            TokenKind::AccessToken | TokenKind::IdToken => exp.ok_or(JwtError::Missing("exp"))?,
            TokenKind::LogoutToken => {
                let latest = issued_at.ok_or(JwtError::Missing("iat"))?.plus(LOGOUT_TOKEN_LIFETIME);
                exp.map_or(latest, |exp| exp.min(latest))
            }
        };
        Ok(Self { expires_at, not_before: numeric_date(claims, "nbf")?, issued_at })
    }

    pub(super) fn judge(&self, leeway: Duration, now: Timestamp) -> Result<(), JwtError> {
        let leeway = leeway.min(MAX_LEEWAY);
        if now >= self.expires_at.plus(leeway) {
            return Err(JwtError::Expired);
        }
        let latest_start = now.plus(leeway);
        if self.not_before.is_some_and(|nbf| nbf > latest_start) {
            return Err(JwtError::NotYetValid);
        }
        if self.issued_at.is_some_and(|iat| iat > latest_start) {
            return Err(JwtError::IssuedInFuture);
        }
        Ok(())
    }
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

fn judge_issuer(claims: &Map<String, Value>, rule: IssuerRule<'_>) -> Result<(), JwtError> {
    let issuer = text(claims, "iss")?;
    match (rule, issuer) {
        (IssuerRule::Is(wanted) | IssuerRule::AbsentOrIs(wanted), Some(issuer))
            if issuer == wanted =>
        {
            Ok(())
        }
        (IssuerRule::AbsentOrIs(_) | IssuerRule::Absent, None) => Ok(()),
        (IssuerRule::Is(_), None) => Err(JwtError::Missing("iss")),
        (_, Some(_)) => Err(JwtError::Issuer),
    }
}

fn judge_audience(claims: &Map<String, Value>, rule: AudienceRule<'_>) -> Result<(), JwtError> {
    match claims.get("aud") {
        None => {
            return match rule {
                AudienceRule::AbsentOrIncludes(_) | AudienceRule::Absent => Ok(()),
                AudienceRule::Includes(_) | AudienceRule::IncludesOneOf(_) => {
                    Err(JwtError::Missing("aud"))
                }
            };
        }
        Some(Value::String(_)) => {}
        Some(Value::Array(items)) if items.iter().all(Value::is_string) => {}
        Some(_) => return Err(JwtError::WrongType("aud")),
    }
    let named = audiences(claims).any(|audience| match rule {
        AudienceRule::Includes(wanted) | AudienceRule::AbsentOrIncludes(wanted) => {
            audience == wanted
        }
        AudienceRule::IncludesOneOf(wanted) => wanted.iter().any(|wanted| audience == wanted),
        AudienceRule::Absent => false,
    });
    if named { Ok(()) } else { Err(JwtError::Audience) }
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
        TokenKind::LogoutToken => {
            has("nonce")
                || !logout.is_some_and(Value::is_object)
                || matches!(keycloak, "ID" | "Bearer" | "Refresh" | "Offline")
        }
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
    if kind == TokenKind::LogoutToken {
        // One that names a session unreadably must not end all of its user's.
        for name in ["jti", "sid"] {
            if text(claims, name)? == Some("") {
                return Err(JwtError::Missing(name));
            }
        }
        if !has("sub") && !has("sid") {
            return Err(JwtError::Missing("sub"));
        }
    }
    Ok(())
}
