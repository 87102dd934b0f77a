//! The CSRF token: what a page must bring to change something, beside its cookie (R41).
//!
//! `key id (4) ‖ random (16) ‖ HMAC-SHA-256 (32)`, in base64url. The MAC is over the session's id and the
//! random bytes, each with its length before it, under a key that is derived from the keyring. So:
//!
//! 1. A token is good for its session alone: one of another session, of the session before a login or
//!    after a logout is refused. It survives a refresh, which keeps the session's id.
//! 2. It says nothing by itself and nothing is stored: each page load may get its own, and all of them
//!    stay good together, so that several tabs work.
//! 3. It counts in a header alone. A form cannot set one, and a script of another origin must ask first
//!    (a preflight), which the guard refuses unless that origin is listed. What stands in a cookie is not compared with it: a cookie
//!    that a sibling subdomain planted is worth nothing without the key.
//!
//! Against a script in our own page it is no defence: that script reads the token like any other.
//!
//! ```
//! use cloakroom_core::{csrf::{self, CsrfRule}, key::Keyring, random::OsRandom, session::RecordId};
//! use http::{HeaderMap, HeaderName, HeaderValue, Method};
//!
//! let random = OsRandom::default();
//! let keyring = Keyring::generate(&random);
//! let session = RecordId::hash(b"a session", b"1");
//! let rule = CsrfRule::Header(HeaderName::from_static("x-csrf-token"));
//! let token = csrf::token(&keyring, &session, &random);
//!
//! let mut headers = HeaderMap::new();
//! assert!(rule.check(&keyring, &Method::POST, &headers, &session).is_err());
//! headers.insert("x-csrf-token", HeaderValue::from_str(token.expose())?);
//! assert!(rule.check(&keyring, &Method::POST, &headers, &session).is_ok());
//! let other = RecordId::hash(b"a session", b"2");
//! assert!(rule.check(&keyring, &Method::POST, &headers, &other).is_err());
//! # Ok::<_, http::header::InvalidHeaderValue>(())
//! ```

#[cfg(test)]
mod tests;

use aws_lc_rs::{
    hkdf,
    hmac::{self, HMAC_SHA256},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderName, Method};

use crate::{
    guard::is_safe,
    key::{Key, KeyId, Keyring},
    random::{self, Random},
    secret::Token,
    session::RecordId,
};

const ID: usize = 4;
const RANDOM: usize = 16;
const MAC: usize = 32;
const BYTES: usize = ID + RANDOM + MAC;

/// Whether unsafe requests with a session must bring a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CsrfRule {
    /// No: that the guard saw our own origin is enough.
    NotAsked,
    /// Yes, in this header.
    Header(HeaderName),
}

/// The proof that a request with a session brought its CSRF token, or did not have to. Only
/// [`CsrfRule::check`] makes one.
///
/// ```compile_fail
/// let forged = cloakroom_core::csrf::CsrfChecked(());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct CsrfChecked(());

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CsrfRefusal {
    /// The header is absent.
    #[error("no CSRF token")]
    Missing,
    /// The header comes twice: nobody can tell which one counts.
    #[error("two CSRF tokens")]
    Several,
    /// It is not a token of this session.
    #[error("the CSRF token is not one of this session")]
    Invalid,
}

impl CsrfRule {
    /// Judges a request of `session`; safe methods need no token, for they change nothing.
    ///
    /// # Errors
    /// When an unsafe method brings no token of this session.
    pub fn check(
        &self,
        keyring: &Keyring,
        method: &Method,
        headers: &HeaderMap,
        session: &RecordId,
    ) -> Result<CsrfChecked, CsrfRefusal> {
        let Self::Header(name) = self else { return Ok(CsrfChecked(())) };
        if is_safe(method) {
            return Ok(CsrfChecked(()));
        }
        let mut values = headers.get_all(name).iter();
        let value = match (values.next(), values.next()) {
            (None, _) => return Err(CsrfRefusal::Missing),
            (Some(_), Some(_)) => return Err(CsrfRefusal::Several),
            (Some(value), None) => value,
        };
        match is_token_of(keyring, session, value.as_bytes()) {
            true => Ok(CsrfChecked(())),
            false => Err(CsrfRefusal::Invalid),
        }
    }
}

/// A new token for `session`: 70 characters of base64url. The page may see it, a log may not.
pub fn token(keyring: &Keyring, session: &RecordId, random: &dyn Random) -> Token {
    let key = keyring.newest();
    let bytes: [u8; RANDOM] = random::bytes(random);
    let mac = hmac::sign(&mac_key(key), &message(session, &bytes));
    let mut out = Vec::with_capacity(BYTES);
    out.extend_from_slice(&key.id().0);
    out.extend_from_slice(&bytes);
    out.extend_from_slice(mac.as_ref());
    Token::new(URL_SAFE_NO_PAD.encode(out))
}

/// Whether `text` is a token of `session`; compared in constant time.
pub fn is_token_of(keyring: &Keyring, session: &RecordId, text: &[u8]) -> bool {
    let mut bytes = [0; BYTES];
    // Canonical base64url alone, and not a byte more or less.
    if URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) != Ok(BYTES) {
        return false;
    }
    let (id, rest) = bytes.split_at(ID);
    let (random, mac) = rest.split_at(RANDOM);
    let key = id.try_into().ok().and_then(|id| keyring.get(KeyId(id)));
    key.is_some_and(|key| hmac::verify(&mac_key(key), &message(session, random), mac).is_ok())
}

fn mac_key(key: &Key) -> hmac::Key {
    hkdf::Salt::new(hkdf::HKDF_SHA256, b"")
        .extract(key.bytes())
        .expand(&[b"cloakroom csrf v1"], HMAC_SHA256)
        .expect("a 32-byte key is within HKDF's limit")
        .into()
}

/// Each part with its length before it, so that no two pairs give the same bytes.
fn message(session: &RecordId, random: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(2 * 8 + 32 + RANDOM);
    for part in [session.as_bytes().as_slice(), random] {
        out.extend_from_slice(&(part.len() as u64).to_be_bytes());
        out.extend_from_slice(part);
    }
    out
}
