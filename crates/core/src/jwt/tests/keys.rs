//! Which keys of a set count (R51–R53).

use serde_json::{Value, json};

use super::{
    super::{Algorithm, JwtError, KeySet, KeySetError, MAX_KEY_SET_BYTES, TokenKind, verify},
    NOW, expect, id_claims,
    signer::{SECRET, Signer, encode, key_set},
    with,
};

fn parse(keys: &Value) -> Result<KeySet, KeySetError> {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes())
}

fn remove(mut value: Value, name: &str) -> Value {
    value.as_object_mut().unwrap().remove(name);
    value
}

fn rsa() -> Value {
    Signer::of(Algorithm::Rs256).jwk()
}

fn p256() -> Value {
    Signer::of(Algorithm::Es256).jwk()
}

#[test]
fn r51_keys_that_do_not_count_are_left_out() {
    let set = |base: Value, name: &str, value: Value| with(base, |jwk| jwk[name] = value);
    let modulus = |bytes: usize, first: u8, last: u8| {
        let mut modulus = vec![0x55; bytes];
        modulus[0] = first;
        modulus[bytes - 1] = last;
        encode(modulus)
    };
    let wrapped_ed25519 = json!({
        "kty": "OKP",
        "crv": "Ed25519",
        "x": encode(Signer::of(Algorithm::EdDsa).public_key_info()),
    });
    for (name, jwk) in [
        ("use: enc", set(rsa(), "use", json!("enc"))),
        ("use: SIG", set(rsa(), "use", json!("SIG"))),
        ("use: null", set(rsa(), "use", json!(null))),
        ("key_ops: encrypt", set(rsa(), "key_ops", json!(["encrypt"]))),
        ("key_ops: a text", set(rsa(), "key_ops", json!("verify"))),
        ("symmetric", json!({ "kty": "oct", "kid": "key-1", "k": encode([7; 32]) })),
        ("symmetric with RSA's alg", json!({ "kty": "oct", "alg": "RS256", "k": encode([7; 32]) })),
        ("alg: none", set(rsa(), "alg", json!("none"))),
        ("alg: HS256 on RSA", set(rsa(), "alg", json!("HS256"))),
        ("alg: ES256 on RSA", set(rsa(), "alg", json!("ES256"))),
        ("alg: RS256 on EC", set(p256(), "alg", json!("RS256"))),
        ("alg: ES384 on P-256", set(p256(), "alg", json!("ES384"))),
        ("alg: EdDSA on P-256", set(p256(), "alg", json!("EdDSA"))),
        ("alg: RSA-OAEP", set(rsa(), "alg", json!("RSA-OAEP"))),
        ("alg: a number", set(rsa(), "alg", json!(256))),
        ("kid: a number", set(rsa(), "kid", json!(1))),
        ("1024 bits", set(rsa(), "n", json!(modulus(128, 0xff, 1)))),
        ("2047 bits", set(rsa(), "n", json!(modulus(256, 0x7f, 1)))),
        ("16384 bits", set(rsa(), "n", json!(modulus(2048, 0xff, 1)))),
        ("2048 bits with a leading zero", set(rsa(), "n", json!(modulus(257, 0, 1)))),
        ("an even modulus", set(rsa(), "n", json!(modulus(256, 0xff, 2)))),
        ("e = 1", set(rsa(), "e", json!(encode([1])))),
        ("e = 0", set(rsa(), "e", json!(encode([0])))),
        ("e empty", set(rsa(), "e", json!(""))),
        ("e even", set(rsa(), "e", json!(encode([1, 0, 0])))),
        ("e = 01 with a leading zero", set(rsa(), "e", json!(encode([0, 1])))),
        ("e too long", set(rsa(), "e", json!(encode([1, 0, 0, 0, 1])))),
        ("n padded", set(rsa(), "n", json!(format!("{}==", rsa()["n"].as_str().unwrap())))),
        ("n a number", set(rsa(), "n", json!(65537))),
        ("no n", remove(rsa(), "n")),
        ("no kty", remove(rsa(), "kty")),
        ("kty: rsa", set(rsa(), "kty", json!("rsa"))),
        ("P-521", set(p256(), "crv", json!("P-521"))),
        ("secp256k1", set(p256(), "crv", json!("secp256k1"))),
        ("P-384 with P-256's coordinates", set(remove(p256(), "alg"), "crv", json!("P-384"))),
        ("a short x", set(p256(), "x", json!(encode([1; 31])))),
        ("a long y", set(p256(), "y", json!(encode([1; 33])))),
        ("Ed448", json!({ "kty": "OKP", "crv": "Ed448", "x": encode([1; 57]) })),
        ("a short Ed25519", json!({ "kty": "OKP", "crv": "Ed25519", "x": encode([1; 31]) })),
        ("a wrapped Ed25519", wrapped_ed25519),
        ("X25519", json!({ "kty": "OKP", "crv": "X25519", "x": encode([1; 32]) })),
        ("not an object", json!("key")),
    ] {
        assert_eq!(parse(&json!([jwk.clone()])).unwrap_err(), KeySetError::NoUsableKey, "{name}");
        // One bad key does not spoil the others.
        assert_eq!(parse(&json!([jwk, p256()])).unwrap().len(), 1, "{name}");
    }
}

#[test]
fn keys_of_many_providers_count() {
    for (name, jwk) in [
        ("without use", remove(rsa(), "use")),
        ("with key_ops", with(remove(rsa(), "use"), |jwk| jwk["key_ops"] = json!(["verify"]))),
        ("without alg, as Entra's", remove(rsa(), "alg")),
        ("with a certificate", with(rsa(), |jwk| jwk["x5c"] = json!(["MIIB"]))),
        ("with e = 3", with(rsa(), |jwk| jwk["e"] = json!(encode([3])))),
        ("P-256 without alg", remove(p256(), "alg")),
        ("without kid", remove(p256(), "kid")),
    ] {
        assert_eq!(parse(&json!([jwk])).unwrap().len(), 1, "{name}");
    }
}

#[test]
fn r51_an_rsa_key_without_alg_is_for_rs256() {
    let keys = key_set(&[remove(rsa(), "alg")]);
    let judge = |algorithm| {
        let token = Signer::of(algorithm).sign(&id_claims());
        verify(&token, &keys, &expect(TokenKind::IdToken), NOW).map(|_| ())
    };
    assert_eq!(judge(Algorithm::Rs256), Ok(()));
    assert_eq!(judge(Algorithm::Ps256), Err(JwtError::UnknownKey));
    assert_eq!(judge(Algorithm::Rs512), Err(JwtError::UnknownKey));
}

#[test]
fn r51_two_keys_under_one_name_cancel_each_other() {
    let twin = Signer::fresh(Algorithm::Es256).jwk();
    assert_eq!(parse(&json!([p256(), twin])).unwrap_err(), KeySetError::NoUsableKey);
    assert_eq!(parse(&json!([p256(), twin, rsa()])).unwrap().len(), 1);
    assert_eq!(parse(&json!([p256(), p256()])).unwrap().len(), 1, "the same key twice is one");
    // RFC 7517 §4.5: one name for keys of different types is legitimate.
    let keys = parse(&json!([p256(), rsa()])).unwrap();
    for algorithm in [Algorithm::Es256, Algorithm::Rs256] {
        let token = Signer::of(algorithm).sign(&id_claims());
        assert!(verify(&token, &keys, &expect(TokenKind::IdToken), NOW).is_ok(), "{algorithm:?}");
    }
}

#[test]
fn r51_a_token_without_kid_needs_an_only_key() {
    let signer = Signer::of(Algorithm::Es256);
    let token = signer.sign_with(&remove(signer.header(), "kid"), &id_claims());
    let judge = |keys: &[Value]| {
        verify(&token, &key_set(keys), &expect(TokenKind::IdToken), NOW).map(|_| ())
    };
    assert_eq!(judge(&[p256()]), Ok(()));
    assert_eq!(judge(&[p256(), rsa()]), Ok(()), "the other is for another algorithm");
    assert_eq!(judge(&[rsa()]), Err(JwtError::UnknownKey));
    let second = with(Signer::fresh(Algorithm::Es256).jwk(), |jwk| jwk["kid"] = json!("key-2"));
    assert_eq!(judge(&[p256(), second]), Err(JwtError::AmbiguousKey));
}

#[test]
fn r53_what_is_no_key_set() {
    for text in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#, "<html>"] {
        assert_eq!(KeySet::parse(text.as_bytes()).unwrap_err(), KeySetError::Malformed, "{text}");
    }
    assert_eq!(KeySet::parse(br#"{"keys":[]}"#).unwrap_err(), KeySetError::NoUsableKey);
    let long = vec![b' '; MAX_KEY_SET_BYTES + 1];
    assert_eq!(KeySet::parse(&long).unwrap_err(), KeySetError::TooLong);
    assert!(KeySet::default().is_empty());
}

#[test]
fn r51_a_point_off_the_curve_is_no_key() {
    let off = with(p256(), |jwk| jwk["x"] = json!(encode([1; 32])));
    assert_eq!(parse(&json!([off])).unwrap_err(), KeySetError::NoUsableKey);
    assert_eq!(parse(&json!([off, rsa()])).unwrap().len(), 1);
}

/// Else what one had signed was still remembered as good when the other had taken its place.
#[test]
fn r52_keys_are_the_same_only_byte_for_byte() {
    let another_exponent = with(rsa(), |jwk| jwk["e"] = json!(encode([3])));
    let mut pairs = vec![(rsa(), another_exponent)];
    for algorithm in
        [Algorithm::Rs256, Algorithm::Es256, Algorithm::Es384, Algorithm::Es512, Algorithm::EdDsa]
    {
        pairs.push((Signer::of(algorithm).jwk(), Signer::other(algorithm).jwk()));
    }
    for (one, other) in pairs {
        let fingerprint = |jwk: &Value| key_set(std::slice::from_ref(jwk)).fingerprint();
        assert_eq!(fingerprint(&one), fingerprint(&one));
        assert_ne!(fingerprint(&one), fingerprint(&other), "{one}");
        assert_eq!(parse(&json!([one, other])).unwrap_err(), KeySetError::NoUsableKey, "{one}");
    }
    let secret = |secret| KeySet::from_shared_secret(secret, Algorithm::Hs256).unwrap();
    assert_ne!(secret(SECRET).fingerprint(), secret(&SECRET[1..]).fingerprint());
}
