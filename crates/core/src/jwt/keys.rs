//! The keys that verify an issuer's tokens, as far as they are fit for it.

mod der;
mod jwk;
mod material;
mod pem;
mod shared_secret;

use std::fmt;

use aws_lc_rs::digest;
use serde_json::Value;

use super::{
    Algorithm, JwtError,
    compact::{Compact, Head},
    json,
};
use material::Material;
pub use pem::PemError;
pub use shared_secret::SharedSecretError;

/// The longest key set that is looked at; the layer reads no more of an answer.
pub const MAX_KEY_SET_BYTES: usize = 256 * 1024;

/// The keys of one issuer: public ones, or one shared secret. Each is for one algorithm (R51).
#[derive(Clone)]
pub struct KeySet {
    keys: Vec<Key>,
    /// A hash of all that the answers depend on.
    fingerprint: [u8; digest::SHA256_OUTPUT_LEN],
}

/// Why a document is no key set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    /// Longer than [`MAX_KEY_SET_BYTES`].
    #[error("the key set is too long")]
    TooLong,
    /// Not strict JSON with a list `keys`.
    #[error("the key set is not a JSON object with a list `keys`")]
    Malformed,
    /// No key in it can be used.
    #[error("the key set holds no key that could verify a signature")]
    NoUsableKey,
}

#[derive(Clone)]
struct Key {
    name: Name,
    algorithm: Algorithm,
    material: Material,
}

/// Which tokens a key may verify, by their `kid`.
#[derive(Clone, PartialEq, Eq)]
enum Name {
    /// Those that name it, and those that name none.
    Kid(String),
    /// Only those that name none.
    Nameless,
    /// All: the one key that the operator gave.
    OnlyKey,
}

impl KeySet {
    /// Reads a JWK Set (RFC 7517 §5): public keys only.
    ///
    /// A key without `alg` is for the algorithm of its curve; an RSA key for RS256, OpenID Connect's
    /// default. Left out, as if they were not there: keys with another `use` than `sig`, with `key_ops`
    /// that do not verify, of an unknown `alg`, curve or type, symmetric ones (`oct`), points off their
    /// curve, RSA keys below 2048 or above 8192 bits or with an exponent that is even or below 3, and
    /// keys that share `kid` and algorithm but differ.
    ///
    /// # Errors
    /// When it is too long, malformed, or holds no usable key: keep the last good set then (R53).
    pub fn parse(jwks: &[u8]) -> Result<Self, KeySetError> {
        if jwks.len() > MAX_KEY_SET_BYTES {
            return Err(KeySetError::TooLong);
        }
        let document = json::parse_object(jwks).map_err(|_| KeySetError::Malformed)?;
        let listed =
            document.get("keys").and_then(Value::as_array).ok_or(KeySetError::Malformed)?;
        let mut keys: Vec<Key> = Vec::new();
        for key in listed.iter().filter_map(Value::as_object).filter_map(jwk::read) {
            let known = |other: &Key| {
                other.is_named_like(&key) && other.material.identity() == key.material.identity()
            };
            if !keys.iter().any(known) {
                keys.push(key);
            }
        }
        let listed = keys.clone();
        keys.retain(|key| {
            key.name == Name::Nameless
                || listed.iter().filter(|other| other.is_named_like(key)).count() == 1
        });
        if keys.is_empty() { Err(KeySetError::NoUsableKey) } else { Ok(Self::of(keys)) }
    }

    /// Reads one public key in PEM: `PUBLIC KEY`, `RSA PUBLIC KEY` or `CERTIFICATE`, whose dates and
    /// issuer are not looked at. It fits every `kid`.
    ///
    /// `algorithm` is what it signs; `None` means its curve's, and RS256 for an RSA key.
    ///
    /// # Errors
    /// When there is not exactly one key, it is private, unfit or not for this algorithm.
    pub fn from_pem(pem: &[u8], algorithm: Option<Algorithm>) -> Result<Self, PemError> {
        let (algorithm, material) = pem::read(pem, algorithm)?;
        Ok(Self::of(vec![Key { name: Name::OnlyKey, algorithm, material }]))
    }

    /// The secret that a service shares with us, byte for byte as the service uses it. It fits every
    /// `kid`.
    ///
    /// # Errors
    /// When `algorithm` takes no secret, and for secrets that could be guessed: shorter than the
    /// algorithm's hash (RFC 7518 §3.2), a well-known example, a repetition, or a public key.
    pub fn from_shared_secret(
        secret: &[u8],
        algorithm: Algorithm,
    ) -> Result<Self, SharedSecretError> {
        shared_secret::judge(secret, algorithm)?;
        let material = Material::shared_secret(algorithm, secret)
            .ok_or(SharedSecretError::NotForSecrets(algorithm.name()))?;
        Ok(Self::of(vec![Key { name: Name::OnlyKey, algorithm, material }]))
    }

    /// For published test vectors, whose secrets are refused otherwise.
    #[cfg(test)]
    pub(super) fn from_published_secret(secret: &[u8], algorithm: Algorithm) -> Self {
        let material = Material::shared_secret(algorithm, secret).unwrap();
        Self::of(vec![Key { name: Name::OnlyKey, algorithm, material }])
    }

    /// The algorithms of its keys, one for each key.
    pub fn algorithms(&self) -> impl Iterator<Item = Algorithm> {
        self.keys.iter().map(|key| key.algorithm)
    }

    /// How many keys can be used.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether no key can be used.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub(super) fn fingerprint(&self) -> [u8; digest::SHA256_OUTPUT_LEN] {
        self.fingerprint
    }

    pub(super) fn check_signature(
        &self,
        compact: &Compact<'_>,
        head: &Head<'_>,
    ) -> Result<(), JwtError> {
        let mut fitting = self.keys.iter().filter(|key| key.fits(head));
        let key = fitting.next().ok_or(JwtError::UnknownKey)?;
        if fitting.next().is_some() {
            return Err(JwtError::AmbiguousKey);
        }
        if key.material.verifies(compact) { Ok(()) } else { Err(JwtError::Signature) }
    }

    fn of(keys: Vec<Key>) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        let mut update = |bytes: &[u8]| {
            context.update(&(bytes.len() as u64).to_be_bytes());
            context.update(bytes);
        };
        for key in &keys {
            update(key.algorithm.name().as_bytes());
            match &key.name {
                Name::Kid(kid) => update(&[b"=", kid.as_bytes()].concat()),
                Name::Nameless => update(b""),
                Name::OnlyKey => update(b"*"),
            }
            key.material.identity().into_iter().for_each(&mut update);
        }
        let mut fingerprint = [0; digest::SHA256_OUTPUT_LEN];
        fingerprint.copy_from_slice(context.finish().as_ref());
        Self { keys, fingerprint }
    }
}

impl Default for KeySet {
    /// No keys: no token is believed.
    fn default() -> Self {
        Self::of(Vec::new())
    }
}

/// Shows no key: one may be secret.
impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeySet({} keys)", self.keys.len())
    }
}

impl Key {
    fn is_named_like(&self, other: &Self) -> bool {
        self.name == other.name && self.algorithm == other.algorithm
    }

    fn fits(&self, head: &Head<'_>) -> bool {
        let named = match (&self.name, head.kid) {
            (Name::OnlyKey, _) | (_, None) => true,
            (Name::Kid(name), Some(kid)) => name == kid,
            (Name::Nameless, Some(_)) => false,
        };
        named && self.algorithm == head.algorithm
    }
}
