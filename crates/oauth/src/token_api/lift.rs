//! Takes tokens out of a JSON text and leaves every other byte as it is.

use std::{ops::Range, time::Duration};

use cloakroom_core::{
    jwt::{json, peek_expiry, peek_subject},
    secret::Token,
    session::{TokenSet, UserKey},
    time::Timestamp,
};
use serde_json::{Map, Value};

use super::{
    MAX_LOGIN_ANSWER_BYTES, Pointer, TokenPointers,
    scan::{self, Place},
    shape::unescaped,
};
use crate::token::lifetime;

/// A shorter token could stand in an answer by chance; so short a text is no secret either.
const MIN_SEARCHED: usize = 16;

/// What the answer to a login is.
#[derive(Debug)]
pub enum LoginAnswer {
    /// It has no token: another step of the login, or a refusal that the service calls a success.
    WithoutToken,
    /// It had these.
    Tokens(Lifted),
}

/// The tokens of an answer, and the answer without them. Its `Debug` shows neither.
pub struct Lifted {
    /// The access token: visible ASCII.
    pub access_token: Token,
    /// The refresh token, where one came.
    pub refresh_token: Option<Token>,
    /// The access token's lifetime, where the answer says one above zero.
    pub expires_in: Option<Duration>,
    /// The answer's bytes without the tokens.
    pub remainder: Vec<u8>,
    /// The tokens that nobody needs.
    others: Vec<Token>,
    document: Value,
}

/// Why an answer is refused. Nothing of the answer is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LiftError {
    /// Not strict JSON: a page might find a token where we do not.
    #[error("the answer is not JSON, has a member twice, or nests too deep")]
    NotStrictJson,
    /// It is longer than [`MAX_LOGIN_ANSWER_BYTES`].
    #[error("the answer is longer than 1 MiB")]
    TooLong,
    /// A pointer leads to something that is not a text of visible ASCII.
    #[error("what `{0}` leads to is not a token")]
    NotAToken(&'static str),
    /// There is a refresh token, or another one, and no access token.
    #[error("the answer has another token and no access token")]
    NoAccessToken,
    /// A token stands in the answer a second time, where no pointer leads.
    #[error("the answer has a token a second time, where no pointer leads")]
    TokenTwice,
}

/// Takes the tokens out of an answer: their members, each with one comma, or only their texts where
/// there is a `placeholder`.
///
/// # Errors
/// See [`LiftError`]; the answer must not go to the browser then.
pub fn lift_tokens(
    answer: &[u8],
    pointers: &TokenPointers,
    placeholder: Option<&str>,
) -> Result<LoginAnswer, LiftError> {
    if answer.len() > MAX_LOGIN_ANSWER_BYTES {
        return Err(LiftError::TooLong);
    }
    json::parse(answer).map_err(|_| LiftError::NotStrictJson)?;
    let access = token(answer, Some(&pointers.access_token), "tokens.access")?;
    let refresh = token(answer, pointers.refresh_token.as_ref(), "tokens.refresh")?;
    let mut others = Vec::new();
    for pointer in &pointers.others {
        others.extend(token(answer, Some(pointer), "tokens.others")?);
    }
    let (access_place, access_token) = match access {
        Some(access) => access,
        None if refresh.is_none() && others.is_empty() => return Ok(LoginAnswer::WithoutToken),
        None => return Err(LiftError::NoAccessToken),
    };
    let (refresh_place, refresh_token) = refresh.unzip();
    let (other_places, others): (Vec<_>, Vec<_>) = others.into_iter().unzip();
    let places: Vec<_> =
        std::iter::once(access_place).chain(refresh_place).chain(other_places).collect();
    let remainder = match placeholder {
        Some(placeholder) => replace(answer, &places, &Value::from(placeholder).to_string()),
        None => remove(answer, &places),
    };
    let document = json::parse(&remainder).map_err(|_| LiftError::NotStrictJson)?;
    let expires_in = pointers.expires_in.as_ref().and_then(|place| place.read(&document));
    let expires_in = expires_in.and_then(lifetime);
    let lifted = Lifted { access_token, refresh_token, expires_in, remainder, others, document };
    if holds(&lifted.document, &|text| lifted.occurs_in(text.as_bytes())) {
        return Err(LiftError::TokenTwice);
    }
    Ok(LoginAnswer::Tokens(lifted))
}

impl Lifted {
    /// The object at `pointer` of what is left; empty where there is none.
    pub fn claims(&self, pointer: &Pointer) -> Map<String, Value> {
        pointer.read(&self.document).and_then(Value::as_object).cloned().unwrap_or_default()
    }

    /// Whether one of the tokens stands in `bytes`, also with escapes as in a URL or a cookie.
    pub fn occurs_in(&self, bytes: &[u8]) -> bool {
        let tokens = std::iter::once(&self.access_token);
        let tokens = tokens.chain(&self.refresh_token).chain(&self.others);
        let tokens: Vec<_> = tokens.map(|token| token.expose().as_bytes()).collect();
        let holds = |bytes: &[u8]| {
            tokens.iter().any(|token| {
                token.len() >= MIN_SEARCHED
                    && bytes.windows(token.len()).any(|window| window == *token)
            })
        };
        holds(bytes) || (bytes.contains(&b'%') && holds(&unescaped(bytes)))
    }

    /// Whom the tokens are about: the subject that the access token names, where it is a JWT.
    pub fn user(&self, issuer: String) -> UserKey {
        let sub = peek_subject(self.access_token.expose()).unwrap_or_default();
        UserKey { iss: issuer, sub }
    }

    /// The token set to keep; the refresh token stays `previous`'s where none came (R15).
    ///
    /// The access token dies `expires_in` after `asked_at`, the moment before the request, or at the
    /// `exp` that it carries itself, whichever comes first.
    pub fn into_token_set(self, previous: Option<&TokenSet>, asked_at: Timestamp) -> TokenSet {
        let said = self.expires_in.map(|lifetime| asked_at.plus(lifetime));
        let carried = peek_expiry(self.access_token.expose());
        TokenSet {
            expires_at: said.into_iter().chain(carried).min(),
            access_token: self.access_token,
            refresh_token: self
                .refresh_token
                .or_else(|| previous.and_then(|set| set.refresh_token.clone())),
            id_token: None,
            obtained_at: asked_at,
        }
    }
}

impl std::fmt::Debug for Lifted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lifted").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}

/// The token at a place. Null and the empty text count as none.
fn token(
    answer: &[u8],
    pointer: Option<&Pointer>,
    key: &'static str,
) -> Result<Option<(Place, Token)>, LiftError> {
    let Some(place) = pointer.and_then(|pointer| scan::find(answer, pointer)) else {
        return Ok(None);
    };
    match serde_json::from_slice(&answer[place.entry().value.clone()]) {
        Ok(Value::Null) => Ok(None),
        Ok(Value::String(text)) if text.is_empty() => Ok(None),
        Ok(Value::String(text)) if text.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Ok(Some((place, Token::new(text))))
        }
        _ => Err(LiftError::NotAToken(key)),
    }
}

fn replace(answer: &[u8], places: &[Place], quoted: &str) -> Vec<u8> {
    let values = places.iter().map(|place| (place.entry().value.clone(), quoted.as_bytes()));
    rewrite(answer, values.collect())
}

fn remove(answer: &[u8], places: &[Place]) -> Vec<u8> {
    let removed = |whole: &Range<usize>| places.iter().any(|place| place.entry().whole == *whole);
    let mut cuts = Vec::new();
    for place in places {
        let entries = &place.entries;
        let kept_before = entries[..place.number].iter().any(|entry| !removed(&entry.whole));
        let own = &place.entry().whole;
        let next = entries.get(place.number + 1);
        // With the comma before it, or, where nothing is left before it, with the one behind.
        let cut = match next {
            _ if kept_before => entries[place.number - 1].whole.end..own.end,
            Some(next) => own.start..next.whole.start,
            None => own.clone(),
        };
        cuts.push((cut, &[][..]));
    }
    rewrite(answer, cuts)
}

/// Puts other bytes in place of some ranges, none of which overlaps another.
fn rewrite(answer: &[u8], mut cuts: Vec<(Range<usize>, &[u8])>) -> Vec<u8> {
    cuts.sort_by_key(|(range, _)| range.start);
    let mut out = Vec::with_capacity(answer.len());
    let mut from = 0;
    for (range, instead) in cuts {
        out.extend_from_slice(&answer[from..range.start]);
        out.extend_from_slice(instead);
        from = range.end;
    }
    out.extend_from_slice(&answer[from..]);
    out
}

/// Whether a text or a name at any depth satisfies `test`.
fn holds(value: &Value, test: &dyn Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => test(text),
        Value::Array(values) => values.iter().any(|value| holds(value, test)),
        Value::Object(members) => {
            members.iter().any(|(name, value)| test(name) || holds(value, test))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
