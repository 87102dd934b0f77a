//! Signing keys of every algorithm, made once per process.

use std::sync::OnceLock;

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    hmac,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        self, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
        ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaEncoding,
        RsaKeyPair,
    },
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};

use super::super::{Algorithm, KeySet};

pub(super) const KID: &str = "key-1";

/// Long enough for HS512.
pub(super) const SECRET: &[u8] =
    b"7mV2r0cJkq9XwLZtB4uYf8hPnGd1sEaQ6oKiTzRxM3vWbUjC5yNHlpDFgSIeAO_-";

pub(super) struct Signer {
    algorithm: Algorithm,
    pair: &'static Pair,
}

enum Pair {
    Rsa(RsaKeyPair),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Secret(Vec<u8>),
}

impl Pair {
    fn generate(algorithm: Algorithm) -> Self {
        let ecdsa = |curve| Self::Ecdsa(EcdsaKeyPair::generate(curve).unwrap());
        match algorithm {
            Algorithm::Es256 => ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING),
            Algorithm::Es384 => ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING),
            Algorithm::Es512 => ecdsa(&ECDSA_P521_SHA512_FIXED_SIGNING),
            Algorithm::EdDsa => Self::Ed25519(Ed25519KeyPair::generate().unwrap()),
            Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => Self::Secret(SECRET.to_vec()),
            _ => Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()),
        }
    }
}

impl Signer {
    pub(super) fn of(algorithm: Algorithm) -> Self {
        static RSA: OnceLock<Pair> = OnceLock::new();
        static P256: OnceLock<Pair> = OnceLock::new();
        static P384: OnceLock<Pair> = OnceLock::new();
        static P521: OnceLock<Pair> = OnceLock::new();
        static SHARED: OnceLock<Pair> = OnceLock::new();
        static ED25519: OnceLock<Pair> = OnceLock::new();
        let pair = match algorithm {
            Algorithm::Es256 => &P256,
            Algorithm::Es384 => &P384,
            Algorithm::Es512 => &P521,
            Algorithm::EdDsa => &ED25519,
            Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => &SHARED,
            _ => &RSA,
        };
        Self { algorithm, pair: pair.get_or_init(|| Pair::generate(algorithm)) }
    }

    /// With a key that no other signer has.
    pub(super) fn fresh(algorithm: Algorithm) -> Self {
        Self { algorithm, pair: Box::leak(Box::new(Pair::generate(algorithm))) }
    }

    /// With a second key, the same for every call.
    pub(super) fn other(algorithm: Algorithm) -> Self {
        static OTHERS: [OnceLock<Pair>; Algorithm::ALL.len()] =
            [const { OnceLock::new() }; Algorithm::ALL.len()];
        let index = Algorithm::ALL.iter().position(|known| *known == algorithm).unwrap();
        Self { algorithm, pair: OTHERS[index].get_or_init(|| Pair::generate(algorithm)) }
    }

    /// HMAC with this secret.
    pub(super) fn with_secret(algorithm: Algorithm, secret: &[u8]) -> Self {
        Self { algorithm, pair: Box::leak(Box::new(Pair::Secret(secret.to_vec()))) }
    }

    pub(super) fn header(&self) -> Value {
        json!({ "alg": self.algorithm.name(), "kid": KID, "typ": "JWT" })
    }

    pub(super) fn sign(&self, claims: &Value) -> String {
        self.sign_with(&self.header(), claims)
    }

    pub(super) fn sign_with(&self, header: &Value, claims: &Value) -> String {
        self.sign_raw(header.to_string().as_bytes(), claims.to_string().as_bytes())
    }

    pub(super) fn sign_raw(&self, header: &[u8], payload: &[u8]) -> String {
        let signed = format!("{}.{}", encode(header), encode(payload));
        let signature = self.signature(&signed);
        format!("{signed}.{}", encode(signature))
    }

    pub(super) fn signature(&self, signed: &str) -> Vec<u8> {
        let random = SystemRandom::new();
        match self.pair {
            Pair::Rsa(pair) => {
                let encoding: &'static dyn RsaEncoding = match self.algorithm {
                    Algorithm::Rs256 => &signature::RSA_PKCS1_SHA256,
                    Algorithm::Rs384 => &signature::RSA_PKCS1_SHA384,
                    Algorithm::Rs512 => &signature::RSA_PKCS1_SHA512,
                    Algorithm::Ps256 => &signature::RSA_PSS_SHA256,
                    Algorithm::Ps384 => &signature::RSA_PSS_SHA384,
                    _ => &signature::RSA_PSS_SHA512,
                };
                let mut out = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &random, signed.as_bytes(), &mut out).unwrap();
                out
            }
            Pair::Ecdsa(pair) => pair.sign(&random, signed.as_bytes()).unwrap().as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.sign(signed.as_bytes()).as_ref().to_vec(),
            Pair::Secret(secret) => {
                let algorithm = match self.algorithm {
                    Algorithm::Hs256 => hmac::HMAC_SHA256,
                    Algorithm::Hs384 => hmac::HMAC_SHA384,
                    _ => hmac::HMAC_SHA512,
                };
                let key = hmac::Key::new(algorithm, secret);
                hmac::sign(&key, signed.as_bytes()).as_ref().to_vec()
            }
        }
    }

    pub(super) fn jwk(&self) -> Value {
        let mut jwk = match self.pair {
            Pair::Rsa(pair) => {
                let (modulus, exponent) = rsa_numbers(pair.public_key().as_ref());
                json!({ "kty": "RSA", "n": encode(modulus), "e": encode(exponent) })
            }
            Pair::Ecdsa(pair) => {
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                let curve = match self.algorithm {
                    Algorithm::Es256 => "P-256",
                    Algorithm::Es384 => "P-384",
                    _ => "P-521",
                };
                json!({ "kty": "EC", "crv": curve, "x": encode(x), "y": encode(y) })
            }
            Pair::Ed25519(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key()) })
            }
            Pair::Secret(secret) => json!({ "kty": "oct", "k": encode(secret) }),
        };
        jwk["kid"] = json!(KID);
        jwk["use"] = json!("sig");
        jwk["alg"] = json!(self.algorithm.name());
        jwk
    }

    /// `SubjectPublicKeyInfo`, as aws-lc writes it.
    pub(super) fn public_key_info(&self) -> Vec<u8> {
        let der: Result<PublicKeyX509Der<'_>, _> = match self.pair {
            Pair::Rsa(pair) => pair.public_key().as_der(),
            Pair::Ecdsa(pair) => pair.public_key().as_der(),
            Pair::Ed25519(pair) => pair.public_key().as_der(),
            Pair::Secret(_) => panic!("a secret has no public key"),
        };
        der.unwrap().as_ref().to_vec()
    }

    /// The same in PEM, on one line.
    pub(super) fn public_key_pem(&self) -> String {
        let base64 = STANDARD.encode(self.public_key_info());
        format!("-----BEGIN PUBLIC KEY-----\n{base64}\n-----END PUBLIC KEY-----\n")
    }

    /// `RSAPublicKey`.
    pub(super) fn rsa_public_key(&self) -> Vec<u8> {
        let Pair::Rsa(pair) = self.pair else { panic!("not RSA") };
        pair.public_key().as_ref().to_vec()
    }

    pub(super) fn key_set(&self) -> KeySet {
        match self.pair {
            Pair::Secret(secret) => KeySet::from_shared_secret(secret, self.algorithm).unwrap(),
            _ => key_set(&[self.jwk()]),
        }
    }
}

/// The modulus and the exponent of an `RSAPublicKey` of 2048 bits with the exponent 65537.
fn rsa_numbers(der: &[u8]) -> (&[u8], &[u8]) {
    let (modulus, exponent) = der.split_at(der.len() - 5);
    assert_eq!(exponent, [2, 3, 1, 0, 1]);
    (&modulus[modulus.len() - 256..], &exponent[2..])
}

pub(super) fn key_set(keys: &[Value]) -> KeySet {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

pub(super) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
