//! Keys in the form that aws-lc-rs verifies with: read once, not at every token.

use aws_lc_rs::{
    digest, hmac,
    signature::{ParsedPublicKey, RsaPublicKeyComponents},
};

use crate::jwt::algorithm::{Algorithm, Primitive};

/// Bits of the smallest RSA modulus that still counts (RFC 7518 §3.3).
const MIN_RSA_BITS: usize = 2048;
/// Bits of the largest: verifying takes time that an attacker would make us spend.
const MAX_RSA_BITS: usize = 8192;

/// A public key as it was written, not judged yet.
pub(super) enum PublicKey {
    /// Big-endian numbers.
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    /// The algorithm of the curve, and an uncompressed point or the 32 bytes of Ed25519.
    Curve(Algorithm, Vec<u8>),
}

#[derive(Clone)]
pub(super) enum Material {
    Public(ParsedPublicKey),
    Secret { key: Box<hmac::Key>, hash: digest::Digest },
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
        match (algorithm.primitive(), key) {
            (Primitive::Rsa(parameters), PublicKey::Rsa { modulus, exponent }) => {
                if !is_sound_rsa(modulus, exponent) {
                    return None;
                }
                let components = RsaPublicKeyComponents { n: modulus, e: exponent };
                components.to_parsed_public_key(parameters).ok().map(Self::Public)
            }
            (Primitive::Curve(verification), PublicKey::Curve(native, bytes))
                if *native == algorithm =>
            {
                ParsedPublicKey::new(verification, bytes).ok().map(Self::Public)
            }
            _ => None,
        }
    }

    /// `None` when `algorithm` takes no secret.
    pub(super) fn shared_secret(algorithm: Algorithm, secret: &[u8]) -> Option<Self> {
        match algorithm.primitive() {
            Primitive::Hmac(algorithm) => Some(Self::Secret {
                key: Box::new(hmac::Key::new(algorithm, secret)),
                hash: digest::digest(&digest::SHA256, secret),
            }),
            Primitive::Rsa(_) | Primitive::Curve(_) => None,
        }
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Public(key) => key.verify_sig(message, signature).is_ok(),
            // In constant time, and only the whole tag (RFC 7518 §3.2).
            Self::Secret { key, .. } => hmac::verify(key, message, signature).is_ok(),
        }
    }

    /// Bytes that only the same key has; a secret key's are its hash.
    pub(super) fn identity(&self) -> &[u8] {
        match self {
            Self::Public(key) => key.as_ref(),
            Self::Secret { hash, .. } => hash.as_ref(),
        }
    }
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
