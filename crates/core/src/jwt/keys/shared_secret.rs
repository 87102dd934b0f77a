//! Which shared secrets are refused: those that somebody could guess.

use serde_json::Value;

use super::der;
use crate::jwt::{Algorithm, json};

/// Why a shared secret is refused; no part of it is in the error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SharedSecretError {
    /// The algorithm verifies with a public key.
    #[error("{0} takes no shared secret; HS256, HS384 and HS512 do")]
    NotForSecrets(&'static str),
    /// Shorter than the algorithm's hash (RFC 7518 §3.2).
    #[error(
        "{algorithm} needs a secret of at least {bytes} bytes; make one with `openssl rand -base64 48`"
    )]
    TooShort {
        /// What was asked for.
        algorithm: &'static str,
        /// The least length.
        bytes: usize,
    },
    /// It is a published example, contains a placeholder's words, or repeats itself.
    #[error(
        "the secret is an example or follows a pattern, so that others can sign with it; make one \
         with `openssl rand -base64 48`"
    )]
    Guessable,
    /// It is a public key, which everybody knows.
    #[error("the secret is a public key; configure it as one, with its own algorithm")]
    PublicKey,
}

/// Words of placeholders, compared without case and without what stands between letters. A random
/// secret of 48 base64 characters contains one of them once in a million times.
const PLACEHOLDERS: [&str; 16] = [
    "secret",
    "password",
    "passphrase",
    "changeme",
    "changethis",
    "changeit",
    "replaceme",
    "replacethis",
    "example",
    "placeholder",
    "donotuse",
    "yourkey",
    "signingkey",
    "privatekey",
    "keyboardcat",
    "qwerty",
];

/// Keys that everybody can read: RFC 7515 §A.1 and RFC 7520 §3.5, as their JWKs have them.
const PUBLISHED: [&str; 2] = [
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
    "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg",
];

/// How many different bytes a secret must have, as in the keyring.
const MIN_DISTINCT_BYTES: usize = 9;

pub(super) fn judge(secret: &[u8], algorithm: Algorithm) -> Result<(), SharedSecretError> {
    if !algorithm.is_symmetric() {
        return Err(SharedSecretError::NotForSecrets(algorithm.name()));
    }
    if is_public_key(secret) {
        return Err(SharedSecretError::PublicKey);
    }
    let bytes = algorithm.digest().output_len();
    if secret.len() < bytes {
        return Err(SharedSecretError::TooShort { algorithm: algorithm.name(), bytes });
    }
    let guessable = has_few_bytes(secret)
        || is_repetition(secret)
        || is_sequence(secret)
        || is_published(secret)
        || is_placeholder(secret);
    if guessable { Err(SharedSecretError::Guessable) } else { Ok(()) }
}

/// R51: with a public key as the secret, everybody who knows the key could sign.
fn is_public_key(secret: &[u8]) -> bool {
    let is_pem = secret.windows(11).any(|window| window == b"-----BEGIN ");
    let is_jwk =
        || json::parse_object(secret).is_ok_and(|jwk| jwk.get("kty").is_some_and(Value::is_string));
    let is_der = || {
        der::public_key_info(secret)
            .or_else(|| der::rsa_public_key(secret))
            .or_else(|| der::certificate(secret))
            .is_some()
    };
    is_pem || is_jwk() || is_der()
}

fn has_few_bytes(secret: &[u8]) -> bool {
    let mut seen = [false; 256];
    for byte in secret {
        seen[usize::from(*byte)] = true;
    }
    seen.iter().filter(|seen| **seen).count() < MIN_DISTINCT_BYTES
}

/// A shorter text written again and again.
fn is_repetition(secret: &[u8]) -> bool {
    (1..=secret.len() / 2).any(|period| secret[period..] == secret[..secret.len() - period])
}

/// As `abcdefgh…`, `0123…`: most bytes follow from the one before.
fn is_sequence(secret: &[u8]) -> bool {
    let following = secret.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) <= 1).count();
    following * 2 > secret.len()
}

fn is_published(secret: &[u8]) -> bool {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let text = URL_SAFE_NO_PAD.encode(secret);
    PUBLISHED.iter().any(|known| *known == text || known.as_bytes() == secret)
}

fn is_placeholder(secret: &[u8]) -> bool {
    let letters: String = secret
        .iter()
        .filter(|byte| byte.is_ascii_alphabetic())
        .map(|byte| char::from(byte.to_ascii_lowercase()))
        .collect();
    PLACEHOLDERS.iter().any(|word| letters.contains(word))
}
