//! An issuer's key set (RFC 7517 §5), as far as it is fit to verify with.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{DecodingKey, crypto::aws_lc::DEFAULT_PROVIDER};
use serde_json::{Map, Value};

use super::{
    Algorithm, JwtError,
    compact::{Compact, Head},
    json,
};

/// The longest key set that is looked at; the layer reads no more of an answer.
pub const MAX_KEY_SET_BYTES: usize = 256 * 1024;

/// Bits of the smallest RSA modulus that still counts (RFC 7518 §3.3).
const MIN_RSA_BITS: usize = 2048;
/// Bits of the largest: verifying takes time that an attacker would make us spend.
const MAX_RSA_BITS: usize = 8192;

/// The public keys of one issuer. Each is for one algorithm (R51).
///
/// A key without `alg` is for the algorithm of its curve; an RSA key for RS256, OpenID Connect's
/// default. Left out, as if they were not there: keys with another `use` than `sig`, with `key_ops`
/// that do not verify, of an unknown `alg`, curve or type, symmetric ones (`oct`), RSA keys below 2048
/// or above 8192 bits or with an exponent that is even or below 3, and keys that share `kid` and
/// algorithm but differ.
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    keys: Vec<Key>,
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

#[derive(Clone, Debug)]
struct Key {
    kid: Option<String>,
    algorithm: Algorithm,
    material: Material,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Material {
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
    /// An uncompressed point, or the 32 bytes of Ed25519.
    Curve(Vec<u8>),
}

impl KeySet {
    /// Reads a JWK Set.
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
        for key in listed.iter().filter_map(Value::as_object).filter_map(Key::from_jwk) {
            let known = |other: &Key| other.is_named_like(&key) && other.material == key.material;
            if !keys.iter().any(known) {
                keys.push(key);
            }
        }
        let names: Vec<_> = keys.iter().map(|key| (key.kid.clone(), key.algorithm)).collect();
        keys.retain(|key| {
            key.kid.is_none()
                || names.iter().filter(|name| **name == (key.kid.clone(), key.algorithm)).count()
                    == 1
        });
        if keys.is_empty() { Err(KeySetError::NoUsableKey) } else { Ok(Self { keys }) }
    }

    /// How many keys can be used.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether no key can be used.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub(super) fn check_signature(
        &self,
        compact: &Compact<'_>,
        head: &Head<'_>,
    ) -> Result<(), JwtError> {
        let mut fitting = self.keys.iter().filter(|key| {
            key.algorithm == head.algorithm
                && head.kid.is_none_or(|kid| key.kid.as_deref() == Some(kid))
        });
        let key = fitting.next().ok_or(JwtError::UnknownKey)?;
        if fitting.next().is_some() {
            return Err(JwtError::AmbiguousKey);
        }
        // The provider is named, not the process's default: that one panics where another crate of
        // the service has switched on jsonwebtoken's other backend.
        let verifier = (DEFAULT_PROVIDER.verifier_factory)(
            &key.algorithm.for_jsonwebtoken(),
            &key.material.for_jsonwebtoken(key.algorithm),
        )
        .map_err(|_| JwtError::Signature)?;
        verifier
            .verify(compact.signed.as_bytes(), &compact.signature)
            .map_err(|_| JwtError::Signature)
    }
}

impl Key {
    fn is_named_like(&self, other: &Self) -> bool {
        self.kid == other.kid && self.algorithm == other.algorithm
    }

    fn from_jwk(jwk: &Map<String, Value>) -> Option<Self> {
        if jwk.get("use").is_some_and(|usage| usage != "sig") {
            return None;
        }
        if let Some(operations) = jwk.get("key_ops")
            && !operations.as_array()?.iter().any(|operation| operation == "verify")
        {
            return None;
        }
        let kid = match jwk.get("kid") {
            None => None,
            Some(kid) => Some(kid.as_str()?.to_owned()),
        };
        let (native, material) = material(jwk)?;
        let algorithm = match jwk.get("alg") {
            None => native,
            Some(alg) => Algorithm::from_name(alg.as_str()?)?,
        };
        let fits = algorithm == native || (algorithm.is_rsa() && native.is_rsa());
        fits.then_some(Self { kid, algorithm, material })
    }
}

impl Material {
    fn for_jsonwebtoken(&self, algorithm: Algorithm) -> DecodingKey {
        match self {
            Self::Rsa { modulus, exponent } => {
                DecodingKey::from_rsa_raw_components(modulus, exponent)
            }
            Self::Curve(point) if algorithm == Algorithm::EdDsa => DecodingKey::from_ed_der(point),
            Self::Curve(point) => DecodingKey::from_ec_der(point),
        }
    }
}

/// The key itself and the algorithm it is for when it names none.
fn material(jwk: &Map<String, Value>) -> Option<(Algorithm, Material)> {
    let text = |name| jwk.get(name).and_then(Value::as_str);
    let bytes = |name| URL_SAFE_NO_PAD.decode(text(name)?).ok();
    match (text("kty")?, text("crv")) {
        ("RSA", _) => {
            let (modulus, exponent) = (bytes("n")?, bytes("e")?);
            is_sound_rsa(&modulus, &exponent)
                .then_some((Algorithm::Rs256, Material::Rsa { modulus, exponent }))
        }
        ("EC", Some("P-256")) => {
            Some((Algorithm::Es256, Material::Curve(point(&bytes("x")?, &bytes("y")?, 32)?)))
        }
        ("EC", Some("P-384")) => {
            Some((Algorithm::Es384, Material::Curve(point(&bytes("x")?, &bytes("y")?, 48)?)))
        }
        ("OKP", Some("Ed25519")) => {
            let x = bytes("x")?;
            (x.len() == 32).then_some((Algorithm::EdDsa, Material::Curve(x)))
        }
        _ => None,
    }
}

fn point(x: &[u8], y: &[u8], coordinate: usize) -> Option<Vec<u8>> {
    (x.len() == coordinate && y.len() == coordinate).then(|| [&[4], x, y].concat())
}

fn is_sound_rsa(modulus: &[u8], exponent: &[u8]) -> bool {
    let odd = |number: &[u8]| number.last().is_some_and(|byte| byte % 2 == 1);
    // RFC 7518 §6.3.1 wants no leading zero, and the largest exponent in use is 65537.
    let exponent_fits = matches!(exponent, [first, ..] if *first != 0)
        && exponent.len() <= 4
        && odd(exponent)
        && exponent != [1];
    let bits = match modulus {
        [0, ..] | [] => 0,
        [first, rest @ ..] => rest.len() * 8 + (8 - first.leading_zeros() as usize),
    };
    exponent_fits && odd(modulus) && (MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits)
}
