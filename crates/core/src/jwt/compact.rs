//! The compact form, parsed byte for byte before any key is looked at (RFC 7515 §3.1; R54–R56).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::{Algorithm, Expectation, JwtError, TokenKind, json};

/// The longest token that is looked at: no header of a request could carry a longer one.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// A token taken apart; nothing of it is believed yet.
pub(super) struct Compact<'a> {
    header: Map<String, Value>,
    payload: Vec<u8>,
    pub(super) signed: &'a str,
    pub(super) signature: Vec<u8>,
}

/// The header, as far as it matters.
pub(super) struct Head<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) kid: Option<&'a str>,
}

impl<'a> Compact<'a> {
    pub(super) fn parse(token: &'a str) -> Result<Self, JwtError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(JwtError::TooLong);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(JwtError::NotCompact)?;
        let (header, payload) = signed.split_once('.').ok_or(JwtError::NotCompact)?;
        if header.is_empty() || payload.is_empty() || signature.is_empty() || payload.contains('.')
        {
            return Err(JwtError::NotCompact);
        }
        Ok(Self {
            header: json::parse_object(&decode(header)?)?,
            payload: decode(payload)?,
            signed,
            signature: decode(signature)?,
        })
    }

    /// Checks every parameter of the header that has a say; `jwk`, `jku`, `x5u` and `x5c` have none.
    pub(super) fn judge_header(&self, expect: &Expectation<'_>) -> Result<Head<'_>, JwtError> {
        let algorithm = text(&self.header, "alg")?
            .and_then(Algorithm::from_name)
            .filter(|algorithm| expect.algorithms.contains(algorithm))
            .ok_or(JwtError::Algorithm)?;
        if self.header.contains_key("crit") || self.header.contains_key("b64") {
            return Err(JwtError::Critical);
        }
        if let Some(typ) = text(&self.header, "typ")?
            && !fits(typ, expect.kind)
        {
            return Err(JwtError::Kind);
        }
        Ok(Head { algorithm, kid: text(&self.header, "kid")? })
    }

    /// The claims, unverified unless the signature was checked before.
    pub(super) fn claims(&self) -> Result<Map<String, Value>, JwtError> {
        Ok(json::parse_object(&self.payload)?)
    }
}

/// The member `name`, where it is there; it must be a text.
pub(super) fn text<'m>(
    members: &'m Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'m str>, JwtError> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(JwtError::WrongType(name)),
    }
}

fn fits(typ: &str, kind: TokenKind) -> bool {
    let typ = typ.to_ascii_lowercase();
    let typ = typ.strip_prefix("application/").unwrap_or(&typ);
    match kind {
        TokenKind::AccessToken => matches!(typ, "at+jwt" | "jwt"),
        TokenKind::IdToken => typ == "jwt",
        TokenKind::LogoutToken => matches!(typ, "logout+jwt" | "jwt"),
    }
}

/// Refuses padding, other alphabets, whitespace and trailing bits that are not zero.
fn decode(part: &str) -> Result<Vec<u8>, JwtError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| JwtError::Encoding)
}
