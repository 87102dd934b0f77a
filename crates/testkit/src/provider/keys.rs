//! Signing keys (ES256, RFC 7518 §3.4) and compact JWTs (RFC 7515 §3.1).

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
    UnparsedPublicKey,
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};

/// How a token is signed; everything but `Valid` is for tests of a verifier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Signature {
    /// With the provider's current key.
    #[default]
    Valid,
    /// Not at all: the third part is empty.
    Empty,
    /// With a key that the provider never published.
    ForeignKey,
    /// HMAC-SHA-256 with the bytes of the public key (the JWK's JSON) as the secret.
    HmacWithPublicKey,
    /// HMAC-SHA-256 with this secret.
    SharedSecret(&'static str),
}

/// One ES256 key.
pub(super) struct SigningKey {
    pub(super) kid: String,
    pair: EcdsaKeyPair,
}

impl SigningKey {
    pub(super) fn generate(kid: String) -> Self {
        let pair =
            EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a new P-256 key");
        Self { kid, pair }
    }

    /// The public half as a JWK (RFC 7517).
    pub(super) fn jwk(&self) -> Value {
        // An uncompressed point: 0x04, 32 bytes x, 32 bytes y.
        let (x, y) = self.pair.public_key().as_ref()[1..].split_at(32);
        json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.kid,
            "x": base64url(x), "y": base64url(y),
        })
    }

    /// The public half as PEM (RFC 7468 §13).
    pub(super) fn public_key_pem(&self) -> String {
        let der: PublicKeyX509Der<'_> = self.pair.public_key().as_der().expect("a public key");
        let base64 = STANDARD.encode(&*der);
        format!("-----BEGIN PUBLIC KEY-----\n{base64}\n-----END PUBLIC KEY-----\n")
    }

    /// The compact serialisation of `header` and `claims`.
    pub(super) fn sign(&self, header: &Value, claims: &Value, signature: Signature) -> String {
        let message = format!("{}.{}", encode(header), encode(claims));
        let signature = match signature {
            Signature::Valid => self.raw_signature(&message),
            Signature::Empty => Vec::new(),
            Signature::ForeignKey => Self::generate(String::new()).raw_signature(&message),
            Signature::HmacWithPublicKey => {
                let secret = hmac::Key::new(hmac::HMAC_SHA256, self.jwk().to_string().as_bytes());
                hmac::sign(&secret, message.as_bytes()).as_ref().to_vec()
            }
            Signature::SharedSecret(secret) => {
                let secret = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
                hmac::sign(&secret, message.as_bytes()).as_ref().to_vec()
            }
        };
        format!("{message}.{}", base64url(&signature))
    }

    /// Whether the last part of `token` signs the first two.
    pub(super) fn verifies(&self, token: &str) -> bool {
        let Some((message, signature)) = token.rsplit_once('.') else { return false };
        let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else { return false };
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, self.pair.public_key().as_ref())
            .verify(message.as_bytes(), &signature)
            .is_ok()
    }

    fn raw_signature(&self, message: &str) -> Vec<u8> {
        let signature = self.pair.sign(&SystemRandom::new(), message.as_bytes());
        signature.expect("a signature").as_ref().to_vec()
    }
}

/// The header and the claims of a compact JWT, unverified.
pub(super) fn decode(token: &str) -> Option<(Value, Value)> {
    let mut parts = token.split('.').map(|part| {
        let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
        serde_json::from_slice(&bytes).ok()
    });
    Some((parts.next()??, parts.next()??))
}

/// `at_hash` of an access token (OpenID Connect Core §3.1.3.6).
pub(super) fn at_hash(access_token: &str) -> String {
    base64url(&digest(&SHA256, access_token.as_bytes()).as_ref()[..16])
}

/// The S256 challenge of a PKCE verifier (RFC 7636 §4.2).
pub(super) fn s256(verifier: &str) -> String {
    base64url(digest(&SHA256, verifier.as_bytes()).as_ref())
}

fn encode(json: &Value) -> String {
    base64url(json.to_string().as_bytes())
}

fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
