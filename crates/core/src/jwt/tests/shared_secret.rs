//! Tokens signed with a shared secret, and the secrets that are refused (R51; RFC 7518 §3.2).

use proptest::prelude::*;
use serde_json::json;

use super::{
    super::{Algorithm, Expectation, JwtError, KeySet, SharedSecretError, TokenKind, verify},
    NOW, expect, id_claims,
    signer::{SECRET, Signer, encode},
    with,
};

const SYMMETRIC: [Algorithm; 3] = [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512];

fn refuse(secret: &[u8]) -> SharedSecretError {
    KeySet::from_shared_secret(secret, Algorithm::Hs256).unwrap_err()
}

#[test]
fn a_secret_is_for_one_algorithm_and_every_kid() {
    for listed in SYMMETRIC {
        let keys = KeySet::from_shared_secret(SECRET, listed).unwrap();
        let all = Expectation { algorithms: &SYMMETRIC, ..expect(TokenKind::IdToken) };
        for signed in SYMMETRIC {
            let signer = Signer::of(signed);
            for kid in ["key-1", "another"] {
                let header = with(signer.header(), |header| header["kid"] = json!(kid));
                let verdict = verify(&signer.sign_with(&header, &id_claims()), &keys, &all, NOW);
                let expected = if signed == listed { Ok(()) } else { Err(JwtError::UnknownKey) };
                assert_eq!(verdict.map(|_| ()), expected, "{signed:?} {listed:?}");
            }
        }
    }
}

#[test]
fn r51_a_secret_counts_only_where_hmac_is_expected() {
    let signer = Signer::of(Algorithm::Hs256);
    let token = signer.sign(&id_claims());
    let verdict = verify(&token, &signer.key_set(), &expect(TokenKind::IdToken), NOW);
    assert_eq!(verdict.unwrap_err(), JwtError::Algorithm);
}

#[test]
fn r51_only_the_whole_tag_counts() {
    let signer = Signer::of(Algorithm::Hs256);
    let hs256 = Expectation { algorithms: &[Algorithm::Hs256], ..expect(TokenKind::IdToken) };
    let token = signer.sign(&id_claims());
    let (signed, _) = token.rsplit_once('.').unwrap();
    let tag = signer.signature(signed);
    for odd in [&tag[..16], &tag[..31], &[&tag[..], &[0]].concat(), &[0; 32], &[0; 64]] {
        let token = format!("{signed}.{}", encode(odd));
        let verdict = verify(&token, &signer.key_set(), &hs256, NOW);
        assert_eq!(verdict.unwrap_err(), JwtError::Signature, "{}", odd.len());
    }
    let foreign = Signer::with_secret(Algorithm::Hs256, &SECRET[1..]).sign(&id_claims());
    let verdict = verify(&foreign, &signer.key_set(), &hs256, NOW);
    assert_eq!(verdict.unwrap_err(), JwtError::Signature);
}

#[test]
fn r51_a_secret_in_a_fetched_key_set_never_counts() {
    let signer = Signer::of(Algorithm::Hs256);
    let jwks = json!({ "keys": [signer.jwk(), Signer::of(Algorithm::Es256).jwk()] });
    let keys = KeySet::parse(jwks.to_string().as_bytes()).unwrap();
    assert_eq!(keys.len(), 1);
    let all = Expectation { algorithms: &Algorithm::ALL, ..expect(TokenKind::IdToken) };
    let verdict = verify(&signer.sign(&id_claims()), &keys, &all, NOW);
    assert_eq!(verdict.unwrap_err(), JwtError::UnknownKey);
}

#[test]
fn a_secret_is_as_long_as_the_hash() {
    for (algorithm, bytes) in SYMMETRIC.into_iter().zip([32, 48, 64]) {
        assert!(KeySet::from_shared_secret(&SECRET[..bytes], algorithm).is_ok());
        assert_eq!(
            KeySet::from_shared_secret(&SECRET[..bytes - 1], algorithm).unwrap_err(),
            SharedSecretError::TooShort { algorithm: algorithm.name(), bytes }
        );
    }
    for short in ["", "secret", "your-256-bit-secret", "shhhhh", "keyboard cat"] {
        assert!(matches!(refuse(short.as_bytes()), SharedSecretError::TooShort { .. }), "{short}");
    }
    for algorithm in Algorithm::ASYMMETRIC {
        assert_eq!(
            KeySet::from_shared_secret(SECRET, algorithm).unwrap_err(),
            SharedSecretError::NotForSecrets(algorithm.name())
        );
    }
}

/// From documentation, templates and word lists; all long enough.
#[test]
fn well_known_secrets_are_refused() {
    for known in [
        "a-string-secret-at-least-256-bits-long",
        "a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long",
        "your-256-bit-secret-your-256-bit-secret",
        "your_super_secret_jwt_key_change_in_production",
        "my-32-character-ultra-secure-and-ultra-long-secret",
        "super-secret-jwt-token-with-at-least-32-characters-long",
        "CHANGE_ME_CHANGE_ME_NOW_CHANGE_ME",
        "this-is-a-s-e-c-r-e-t-of-the-demo",
        "please-replace-this-by-something-random",
        "0123456789abcdef0123456789abcdef",
        "12345678901234567890123456789012",
        "abcdefghijklmnopqrstuvwxyz123456",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
        "zyxwvutsrqponmlkjihgfedcba987654",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "qwertyuiopasdfghjklzxcvbnm123456",
        "correctcorrectcorrectcorrectcorrect",
        "deadbeefdeadbeefdeadbeefdeadbeef",
        "Xk7mQ2vRt9LpXk7mQ2vRt9LpXk7mQ2vRt9Lp",
        "1961691661991696169161969911669616",
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
    ] {
        assert_eq!(refuse(known.as_bytes()), SharedSecretError::Guessable, "{known}");
    }
    let counting: Vec<u8> = (0..64).collect();
    for pattern in [&[0; 32][..], &[0xff; 64], &counting] {
        assert_eq!(refuse(pattern), SharedSecretError::Guessable);
    }
}

/// Else whoever reads the public key signs what he likes.
#[test]
fn r51_a_public_key_is_no_secret() {
    let rsa = Signer::of(Algorithm::Rs256);
    let jwk = rsa.jwk();
    let pem = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQ\n-----END PUBLIC KEY-----\n";
    for (name, secret) in [
        ("PEM", pem.as_bytes()),
        ("a private PEM", pem.replace("PUBLIC", "PRIVATE").as_bytes()),
        ("JWK", jwk.to_string().as_bytes()),
        ("DER", &rsa.public_key_info()),
        ("PKCS#1", &rsa.rsa_public_key()),
        ("P-256", &Signer::of(Algorithm::Es256).public_key_info()),
    ] {
        assert_eq!(refuse(secret), SharedSecretError::PublicKey, "{name}");
    }
}

/// R72.
#[test]
fn r72_no_error_and_no_debug_shows_a_secret() {
    let keys = KeySet::from_shared_secret(SECRET, Algorithm::Hs256).unwrap();
    assert_eq!(format!("{keys:?}"), "KeySet(1 keys)");
    let error = refuse(b"a-string-secret-at-least-256-bits-long");
    assert!(!format!("{error} {error:?}").contains("at-least-256"));
}

proptest! {
    /// What a random generator makes is taken, in every spelling.
    #[test]
    fn random_secrets_are_taken(bytes in any::<[u8; 48]>()) {
        use base64::{Engine, engine::general_purpose::STANDARD};
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        for secret in [&bytes[..], STANDARD.encode(bytes).as_bytes(), hex.as_bytes()] {
            prop_assert!(KeySet::from_shared_secret(secret, Algorithm::Hs256).is_ok());
        }
    }
}
