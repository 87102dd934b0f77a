//! Keys in the form that the check of a signature takes: judged and built once, when they are read.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED,
    EcdsaVerificationAlgorithm, ParsedPublicKey,
};
use jsonwebtoken::{DecodingKey, DecodingKeyKind, crypto::aws_lc::DEFAULT_PROVIDER};

use crate::jwt::{Algorithm, compact::Compact};

/// Bits of the smallest RSA modulus that still counts (RFC 7518 §3.3).
const MIN_RSA_BITS: usize = 2048;
/// Bits of the largest: verifying takes time that an attacker would make us spend.
const MAX_RSA_BITS: usize = 8192;

/// Bytes of a public key of Ed25519 (RFC 8032 §5.1.5).
const ED25519_BYTES: usize = 32;

/// A public key as it was written, not judged yet.
pub(super) enum PublicKey {
    /// Big-endian numbers.
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    /// The algorithm of the curve, and a point (SEC 1 §2.3.3) or the 32 bytes of Ed25519.
    Curve(Algorithm, Vec<u8>),
}

#[derive(Clone)]
pub(super) enum Material {
    Jsonwebtoken(jsonwebtoken::Algorithm, DecodingKey),
    /// For ES512, which jsonwebtoken 11 lacks; it alone is checked by aws-lc-rs directly.
    P521(ParsedPublicKey),
}

impl PublicKey {
    /// What the key is for when it names no algorithm.
    pub(super) fn native_algorithm(&self) -> Algorithm {
        match self {
            Self::Rsa { .. } => Algorithm::Rs256,
            Self::Curve(algorithm, _) => *algorithm,
        }
    }
}

impl Material {
    /// `None` when the key is unfit or not for `algorithm`.
    pub(super) fn public(algorithm: Algorithm, key: &PublicKey) -> Option<Self> {
        match key {
            PublicKey::Rsa { modulus, exponent }
                if algorithm.is_rsa() && is_sound_rsa(modulus, exponent) =>
            {
                let key = DecodingKey::from_rsa_raw_components(modulus, exponent);
                Self::for_jsonwebtoken(algorithm, key)
            }
            PublicKey::Curve(native, bytes) if *native == algorithm => {
                Self::on_curve(algorithm, bytes)
            }
            _ => None,
        }
    }

    /// `None` when `algorithm` takes no secret.
    pub(super) fn shared_secret(algorithm: Algorithm, secret: &[u8]) -> Option<Self> {
        let key = algorithm.is_symmetric().then(|| DecodingKey::from_secret(secret))?;
        Self::for_jsonwebtoken(algorithm, key)
    }

    pub(super) fn verifies(&self, compact: &Compact<'_>) -> bool {
        let (message, signature) = (compact.signed.as_bytes(), &compact.signature);
        match self {
            // The provider is named, not the process's default: that one panics where another crate
            // of the service has switched on jsonwebtoken's other backend.
            Self::Jsonwebtoken(algorithm, key) => {
                (DEFAULT_PROVIDER.verifier_factory)(algorithm, key)
                    .is_ok_and(|verifier| verifier.verify(message, signature).is_ok())
            }
            Self::P521(key) => key.verify_sig(message, signature).is_ok(),
        }
    }

    /// Bytes that only the same key has, to compare and to hash; a secret key's are the secret.
    pub(super) fn identity(&self) -> [&[u8]; 2] {
        match self {
            Self::Jsonwebtoken(_, key) => match key.kind() {
                DecodingKeyKind::SecretOrDer(bytes) => [bytes, &[]],
                DecodingKeyKind::RsaModulusExponent { n, e } => [n, e],
            },
            Self::P521(key) => [key.as_ref(), &[]],
        }
    }

    fn for_jsonwebtoken(algorithm: Algorithm, key: DecodingKey) -> Option<Self> {
        algorithm.for_jsonwebtoken().map(|algorithm| Self::Jsonwebtoken(algorithm, key))
    }

    fn on_curve(algorithm: Algorithm, bytes: &[u8]) -> Option<Self> {
        let key = match algorithm {
            Algorithm::Es256 => {
                point(&ECDSA_P256_SHA256_FIXED, bytes)?;
                DecodingKey::from_ec_der(bytes)
            }
            Algorithm::Es384 => {
                point(&ECDSA_P384_SHA384_FIXED, bytes)?;
                DecodingKey::from_ec_der(bytes)
            }
            Algorithm::Es512 => return point(&ECDSA_P521_SHA512_FIXED, bytes).map(Self::P521),
            Algorithm::EdDsa if bytes.len() == ED25519_BYTES => DecodingKey::from_ed_der(bytes),
            _ => return None,
        };
        Self::for_jsonwebtoken(algorithm, key)
    }
}

/// jsonwebtoken would only notice at the first token that a point is not on its curve.
fn point(curve: &'static EcdsaVerificationAlgorithm, bytes: &[u8]) -> Option<ParsedPublicKey> {
    // aws-lc-rs reads a whole `SubjectPublicKeyInfo` here too; a point is one without such wrapping.
    if !matches!(bytes, [2..=4, ..]) {
        return None;
    }
    ParsedPublicKey::new(curve, bytes).ok()
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
