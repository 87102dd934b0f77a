//! The attack table's rows about tokens: what must be refused, and as what.

use aws_lc_rs::hmac;
use serde_json::{Value, json};

use super::{
    super::{
        Algorithm, Expectation, JwtError, KeySet, KeySetError, MAX_TOKEN_BYTES, TokenKind,
        json::JsonError, verify,
    },
    NOW, access_claims, expect, id_claims, logout_claims,
    signer::{Signer, encode},
    with,
};

fn refuse(token: &str, kind: TokenKind) -> JwtError {
    let keys = Signer::of(Algorithm::Es256).key_set();
    verify(token, &keys, &expect(kind), NOW).unwrap_err()
}

fn signer() -> Signer {
    Signer::of(Algorithm::Es256)
}

fn header_with(name: &str, value: Value) -> Value {
    with(signer().header(), |header| header[name] = value)
}

#[test]
fn r51_alg_none_and_its_friends() {
    let claims = encode(id_claims().to_string());
    for alg in [
        json!("none"),
        json!("None"),
        json!("nOnE"),
        json!("NONE"),
        json!(""),
        json!(null),
        json!("es256"),
        json!("ES256 "),
        json!("ES256K"),
        json!("HS256"),
        json!("ES513"),
    ] {
        let signed = format!("{}.{claims}", encode(header_with("alg", alg.clone()).to_string()));
        let expected = if alg.is_null() { JwtError::WrongType("alg") } else { JwtError::Algorithm };
        for signature in [encode("x"), encode(signer().signature(&signed))] {
            let token = format!("{signed}.{signature}");
            assert_eq!(refuse(&token, TokenKind::IdToken), expected, "{alg}");
            // No key is looked at: an empty set gives the same answer.
            let no_keys = KeySet::default();
            assert_eq!(
                verify(&token, &no_keys, &expect(TokenKind::IdToken), NOW).unwrap_err(),
                expected
            );
        }
        let unsigned = format!("{signed}.");
        assert_eq!(refuse(&unsigned, TokenKind::IdToken), JwtError::NotCompact, "{alg}");
    }
    let absent = with(signer().header(), |header| {
        header.as_object_mut().unwrap().remove("alg");
    });
    let token = signer().sign_with(&absent, &id_claims());
    assert_eq!(refuse(&token, TokenKind::IdToken), JwtError::Algorithm);
}

#[test]
fn r51_a_public_key_as_hmac_secret() {
    let rsa = Signer::of(Algorithm::Rs256);
    let jwk = rsa.jwk();
    let claims = encode(id_claims().to_string());
    let signed =
        format!("{}.{claims}", encode(json!({ "alg": "HS256", "kid": "key-1" }).to_string()));
    for secret in [jwk.to_string(), jwk["n"].as_str().unwrap().to_owned()] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let token = format!("{signed}.{}", encode(hmac::sign(&key, signed.as_bytes())));
        let verdict = verify(&token, &rsa.key_set(), &expect(TokenKind::IdToken), NOW);
        assert_eq!(verdict.unwrap_err(), JwtError::Algorithm);
        // The second wall: where HS256 is allowed by mistake, a public key still is none for it.
        let lax = Expectation { algorithms: &Algorithm::ALL, ..expect(TokenKind::IdToken) };
        let verdict = verify(&token, &rsa.key_set(), &lax, NOW);
        assert_eq!(verdict.unwrap_err(), JwtError::UnknownKey);
    }
}

#[test]
fn r51_only_the_issuers_algorithms() {
    let token = signer().sign(&id_claims());
    let keys = signer().key_set();
    let only_rsa = Expectation { algorithms: &[Algorithm::Rs256], ..expect(TokenKind::IdToken) };
    assert_eq!(verify(&token, &keys, &only_rsa, NOW).unwrap_err(), JwtError::Algorithm);
    let nothing = Expectation { algorithms: &[], ..expect(TokenKind::IdToken) };
    assert_eq!(verify(&token, &keys, &nothing, NOW).unwrap_err(), JwtError::Algorithm);
}

#[test]
fn r51_a_key_is_for_one_algorithm() {
    for (signs_as, listed_as) in
        [(Algorithm::Rs256, Algorithm::Ps256), (Algorithm::Ps256, Algorithm::Rs256)]
    {
        let token = Signer::of(signs_as).sign(&id_claims());
        let keys = Signer::of(listed_as).key_set();
        let verdict = verify(&token, &keys, &expect(TokenKind::IdToken), NOW);
        assert_eq!(verdict.unwrap_err(), JwtError::UnknownKey);
    }
}

#[test]
fn r52_keys_in_the_header_are_ignored() {
    let mallory = aws_lc_rs::signature::EcdsaKeyPair::generate(
        &aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING,
    )
    .unwrap();
    let point = aws_lc_rs::signature::KeyPair::public_key(&mallory).as_ref()[1..].to_vec();
    let jwk = json!({ "kty": "EC", "crv": "P-256", "x": encode(&point[..32]), "y": encode(&point[32..]) });
    for (name, value) in [
        ("jwk", jwk),
        ("jku", json!("https://evil.example/jwks")),
        ("x5u", json!("https://evil.example/cert")),
        ("x5c", json!(["MIIB"])),
    ] {
        let header = header_with(name, value);
        let signed = format!("{}.{}", encode(header.to_string()), encode(id_claims().to_string()));
        let signature =
            mallory.sign(&aws_lc_rs::rand::SystemRandom::new(), signed.as_bytes()).unwrap();
        let token = format!("{signed}.{}", encode(signature));
        assert_eq!(refuse(&token, TokenKind::IdToken), JwtError::Signature, "{name}");
        // Ignored, not refused: a good signature under the issuer's own key still counts.
        let token = signer().sign_with(&header, &id_claims());
        assert!(verify(&token, &signer().key_set(), &expect(TokenKind::IdToken), NOW).is_ok());
    }
}

#[test]
fn r53_kid_is_an_opaque_name() {
    for kid in [
        "../../../etc/passwd",
        "' OR 1=1 --",
        "key-1\0",
        "KEY-1",
        "",
        "key-1 ",
        "http://evil.example/",
        "key\u{2d}2",
    ] {
        let token = signer().sign_with(&header_with("kid", json!(kid)), &id_claims());
        let error = refuse(&token, TokenKind::IdToken);
        assert_eq!(error, JwtError::UnknownKey, "{kid}");
        assert!(error.refetch_may_help());
    }
    let escaped = r#"{"alg":"ES256","kid":"\u006bey-1"}"#;
    let token = signer().sign_raw(escaped.as_bytes(), id_claims().to_string().as_bytes());
    assert!(verify(&token, &signer().key_set(), &expect(TokenKind::IdToken), NOW).is_ok());
    for kid in [json!(1), json!(null), json!(["key-1"]), json!({})] {
        let token = signer().sign_with(&header_with("kid", kid), &id_claims());
        assert_eq!(refuse(&token, TokenKind::IdToken), JwtError::WrongType("kid"));
    }
    let megabyte = header_with("kid", json!("k".repeat(1 << 20)));
    let token = signer().sign_with(&megabyte, &id_claims());
    assert_eq!(refuse(&token, TokenKind::IdToken), JwtError::TooLong);
}

#[test]
fn r54_only_the_canonical_compact_form() {
    let good = signer().sign(&id_claims());
    let parts: Vec<&str> = good.split('.').collect();
    let (header, payload, signature) = (parts[0], parts[1], parts[2]);
    let standard = |text: &str| text.replace('-', "+").replace('_', "/");
    for (name, token, expected) in [
        ("empty", String::new(), JwtError::NotCompact),
        ("dots", "..".to_owned(), JwtError::NotCompact),
        ("one part", header.to_owned(), JwtError::NotCompact),
        ("two parts", format!("{header}.{payload}"), JwtError::NotCompact),
        ("four parts", format!("{good}.{signature}"), JwtError::NotCompact),
        ("five parts, as a JWE", format!("{good}.a.b"), JwtError::NotCompact),
        ("a dot after", format!("{good}."), JwtError::NotCompact),
        ("no header", format!(".{payload}.{signature}"), JwtError::NotCompact),
        ("no payload, detached", format!("{header}..{signature}"), JwtError::NotCompact),
        ("padding", format!("{good}=="), JwtError::Encoding),
        ("padded header", format!("{header}=.{payload}.{signature}"), JwtError::Encoding),
        ("a space before", format!(" {good}"), JwtError::Encoding),
        ("a newline after", format!("{good}\n"), JwtError::Encoding),
        ("a space within", format!("{header}.{payload} .{signature}"), JwtError::Encoding),
        ("not ASCII", format!("{header}.{payload}é.{signature}"), JwtError::Encoding),
        ("a length of 4n+1", format!("{header}.{payload}.{signature}AAA"), JwtError::Encoding),
        ("bearer", format!("Bearer {good}"), JwtError::Encoding),
        (
            "JSON serialisation",
            json!({ "protected": header, "payload": payload, "signature": signature }).to_string(),
            JwtError::NotCompact,
        ),
    ] {
        assert_eq!(refuse(&token, TokenKind::IdToken), expected, "{name}");
    }
    let mixed = standard(signature);
    if mixed != signature {
        let token = format!("{header}.{payload}.{mixed}");
        assert_eq!(refuse(&token, TokenKind::IdToken), JwtError::Encoding, "standard alphabet");
    }
}

/// 64 bytes in 86 characters leave four bits over: they must be zero, or one signature has sixteen
/// spellings.
#[test]
fn r54_trailing_bits_must_be_zero() {
    let good = signer().sign(&id_claims());
    let last = good.chars().next_back().unwrap();
    assert!("AQgw".contains(last), "a canonical end");
    let next = char::from(last as u8 + 1);
    let twin = format!("{}{next}", &good[..good.len() - 1]);
    assert_eq!(refuse(&twin, TokenKind::IdToken), JwtError::Encoding);
}

#[test]
fn r55_extensions_are_refused() {
    for (name, value) in [
        ("crit", json!(["exp"])),
        ("crit", json!(["b64"])),
        ("crit", json!([])),
        ("crit", json!(null)),
        ("b64", json!(false)),
        ("b64", json!(true)),
    ] {
        let token = signer().sign_with(&header_with(name, value.clone()), &id_claims());
        assert_eq!(refuse(&token, TokenKind::IdToken), JwtError::Critical, "{name} {value}");
    }
}

#[test]
fn r56_json_that_means_two_things() {
    let header = signer().header().to_string();
    let claims = id_claims().to_string();
    let open = claims.trim_end_matches('}');
    let deep = format!("{open},\"x\":{}{}}}", "[".repeat(100), "]".repeat(100));
    let deeper = format!("{open},\"x\":{}", "[{\"a\":".repeat(1000));
    for (name, payload) in [
        ("duplicate", format!("{open},\"sub\":\"mallory\"}}")),
        ("duplicate, escaped", format!("{open},\"s\\u0075b\":\"mallory\"}}")),
        ("duplicate within", format!("{open},\"x\":{{\"a\":1,\"a\":2}}}}")),
        ("duplicate in a list", format!("{open},\"x\":[{{\"a\":1,\"a\":2}}]}}")),
        ("byte order mark", format!("\u{feff}{claims}")),
        ("lone surrogate", format!("{open},\"x\":\"\\ud800\"}}")),
        ("lone surrogate as a name", format!("{open},\"\\udc00\":1}}")),
        ("deep", deep),
        ("deeper", deeper),
        ("trailing", format!("{claims}{{}}")),
        ("trailing text", format!("{claims}x")),
        ("comment", format!("{claims}//")),
        ("NaN", format!("{open},\"x\":NaN}}")),
        ("1e400", format!("{open},\"x\":1e400}}")),
        ("single quotes", claims.replace('"', "'")),
        ("a trailing comma", format!("{open},}}")),
        ("a control character", format!("{open},\"x\":\"\u{1}\"}}")),
    ] {
        let token = signer().sign_raw(header.as_bytes(), payload.as_bytes());
        let expected = JwtError::Json(JsonError::Malformed);
        assert_eq!(refuse(&token, TokenKind::IdToken), expected, "{name}");
    }
    for text in ["[]", "1", "\"x\"", "null"] {
        let token = signer().sign_raw(header.as_bytes(), text.as_bytes());
        let expected = JwtError::Json(JsonError::NotAnObject);
        assert_eq!(refuse(&token, TokenKind::IdToken), expected, "{text}");
    }
    let mut latin1 = claims.clone().into_bytes();
    latin1.insert(2, 0xe9);
    let token = signer().sign_raw(header.as_bytes(), &latin1);
    assert_eq!(refuse(&token, TokenKind::IdToken), JwtError::Json(JsonError::Malformed));
    for header in [
        r#"{"alg":"ES256","kid":"key-1","alg":"none"}"#,
        r#"{"alg":"none","\u0061lg":"ES256","kid":"key-1"}"#,
        r#"{"alg":"ES256","kid":"key-1","jwk":{"kty":"EC","kty":"oct"}}"#,
    ] {
        let token = signer().sign_raw(header.as_bytes(), claims.as_bytes());
        assert_eq!(refuse(&token, TokenKind::IdToken), JwtError::Json(JsonError::Malformed));
    }
}

#[test]
fn r56_a_long_token_is_not_parsed() {
    let claims = with(id_claims(), |claims| claims["x"] = json!("x".repeat(MAX_TOKEN_BYTES)));
    assert_eq!(refuse(&signer().sign(&claims), TokenKind::IdToken), JwtError::TooLong);
}

#[test]
fn r58_no_token_passes_as_another_kind() {
    let typed =
        |typ: &str, claims: &Value| signer().sign_with(&header_with("typ", json!(typ)), claims);
    let for_api = |claims: Value| {
        with(claims, |claims| claims["aud"] = json!(["https://api.example.com", "shop-web"]))
    };
    let claim =
        |claims: Value, name: &str, value: Value| with(claims, |claims| claims[name] = value);
    for (name, token, taken_as) in [
        ("at+jwt", typed("at+jwt", &for_api(id_claims())), TokenKind::IdToken),
        ("at+jwt", typed("at+jwt", &logout_claims()), TokenKind::LogoutToken),
        ("logout+jwt", typed("logout+jwt", &id_claims()), TokenKind::IdToken),
        ("logout+jwt", typed("logout+jwt", &access_claims()), TokenKind::AccessToken),
        ("another typ", typed("dpop+jwt", &access_claims()), TokenKind::AccessToken),
        ("another typ", typed("secevent+jwt", &logout_claims()), TokenKind::LogoutToken),
        ("empty typ", typed("", &id_claims()), TokenKind::IdToken),
        ("padded typ", typed(" JWT", &id_claims()), TokenKind::IdToken),
        ("logout as ID", signer().sign(&logout_claims()), TokenKind::IdToken),
        ("logout as access", signer().sign(&for_api(logout_claims())), TokenKind::AccessToken),
        ("ID as logout", signer().sign(&id_claims()), TokenKind::LogoutToken),
        (
            "ID as access",
            signer().sign(&claim(for_api(id_claims()), "at_hash", json!("x"))),
            TokenKind::AccessToken,
        ),
        (
            "Keycloak's ID as access",
            signer().sign(&claim(for_api(id_claims()), "typ", json!("ID"))),
            TokenKind::AccessToken,
        ),
        (
            "Keycloak's refresh as access",
            signer().sign(&claim(for_api(id_claims()), "typ", json!("Refresh"))),
            TokenKind::AccessToken,
        ),
        (
            "Keycloak's access as ID",
            signer().sign(&claim(for_api(id_claims()), "typ", json!("Bearer"))),
            TokenKind::IdToken,
        ),
        (
            "logout with a nonce",
            signer().sign(&claim(logout_claims(), "nonce", json!("n"))),
            TokenKind::LogoutToken,
        ),
        (
            "logout event that is no object",
            signer().sign(&claim(
                logout_claims(),
                "events",
                json!({ "http://schemas.openid.net/event/backchannel-logout": true }),
            )),
            TokenKind::LogoutToken,
        ),
    ] {
        assert_eq!(refuse(&token, taken_as), JwtError::Kind, "{name} as {taken_as:?}");
    }
    let token = signer().sign(&id_claims());
    assert_eq!(refuse(&token, TokenKind::AccessToken), JwtError::Audience, "ID as access");
    let token = typed("JWT", &access_claims());
    assert_eq!(refuse(&token, TokenKind::IdToken), JwtError::Audience, "access as ID");
    let token = signer().sign_with(&header_with("typ", json!(7)), &id_claims());
    assert_eq!(refuse(&token, TokenKind::IdToken), JwtError::WrongType("typ"));
}

/// Zero, one, the order of the curve and its neighbours for r and s; DER; other lengths.
#[test]
fn r51_ecdsa_signatures_that_fit_any_message() {
    for (algorithm, order) in [
        (Algorithm::Es256, "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"),
        (
            Algorithm::Es384,
            "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc\
             52973",
        ),
        (
            Algorithm::Es512,
            "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148\
             f709a5d03bb5c9b8899c47aebb6fb71e91386409",
        ),
    ] {
        let signer = Signer::of(algorithm);
        let good = signer.sign(&id_claims());
        let (signed, signature) = good.rsplit_once('.').unwrap();
        let refuse = |signature: &[u8]| {
            let token = format!("{signed}.{}", encode(signature));
            verify(&token, &signer.key_set(), &expect(TokenKind::IdToken), NOW).unwrap_err()
        };
        let order: Vec<u8> = (0..order.len())
            .step_by(2)
            .map(|i| u8::from_str_radix(&order[i..i + 2], 16).unwrap())
            .collect();
        let changed = |by: i8| {
            let mut number = order.clone();
            let last = number.last_mut().unwrap();
            *last = last.checked_add_signed(by).unwrap();
            number
        };
        let mut one = vec![0; order.len()];
        *one.last_mut().unwrap() = 1;
        let numbers = [
            vec![0; order.len()],
            one,
            changed(-1),
            order.clone(),
            changed(1),
            vec![0xff; order.len()],
        ];
        for r in &numbers {
            for s in &numbers {
                let refused = refuse(&[&r[..], s].concat());
                assert_eq!(refused, JwtError::Signature, "{algorithm:?} {r:?} {s:?}");
            }
        }
        let raw = signer.signature(signed);
        assert_eq!(raw.len(), 2 * order.len());
        assert_eq!(encode(&raw).len(), signature.len());
        // The good r beside s = n - s is the same point's twin, and as good by the standard; with r and s
        // exchanged it is nothing.
        let (r, s) = raw.split_at(order.len());
        assert_eq!(refuse(&[s, r].concat()), JwtError::Signature);
        let integer = |number: &[u8]| {
            let sign: &[u8] = if number[0] >= 0x80 { &[0] } else { &[] };
            [&[2, u8::try_from(sign.len() + number.len()).unwrap()], sign, number].concat()
        };
        let integers = [integer(r), integer(s)].concat();
        let der = [&[0x30, 0x81, u8::try_from(integers.len()).unwrap()], &integers[..]].concat();
        for odd in [
            &der[..],
            &raw[..raw.len() - 1],
            &[&raw[..], &[0]].concat(),
            &[&[0], &raw[..]].concat(),
            &[&raw[..], &raw[..]].concat(),
            r,
            &[0; 64],
            &[0; 96],
            &[0; 132],
        ] {
            assert_eq!(refuse(odd), JwtError::Signature, "{algorithm:?}");
        }
    }
}

/// A key of one curve, named as one of another, and a signature of one curve for a key of another.
#[test]
fn r51_another_curve() {
    let curves = [Algorithm::Es256, Algorithm::Es384, Algorithm::Es512, Algorithm::EdDsa];
    for listed in curves {
        for signed in curves.into_iter().filter(|signed| *signed != listed) {
            let listed = Signer::of(listed);
            let token = Signer::of(signed).sign_with(&listed.header(), &id_claims());
            let judge = |keys: &KeySet| verify(&token, keys, &expect(TokenKind::IdToken), NOW);
            assert_eq!(judge(&listed.key_set()).unwrap_err(), JwtError::Signature);
            let misnamed =
                with(Signer::of(signed).jwk(), |jwk| jwk["crv"] = listed.jwk()["crv"].clone());
            let keys = KeySet::parse(json!({ "keys": [misnamed] }).to_string().as_bytes());
            assert_eq!(keys.unwrap_err(), KeySetError::NoUsableKey);
        }
    }
}

#[test]
fn r60_encrypted_tokens_are_refused() {
    let good = signer().sign(&id_claims());
    let header = encode(json!({ "alg": "dir", "enc": "A128GCM", "zip": "DEF" }).to_string());
    let wrapped = format!("{header}..{}.{}.{}", encode([0; 12]), encode(&good), encode([0; 16]));
    assert_eq!(refuse(&wrapped, TokenKind::IdToken), JwtError::NotCompact);
    for alg in ["dir", "RSA-OAEP", "RSA1_5", "ECDH-ES", "A128KW", "PBES2-HS256+A128KW"] {
        let token = signer().sign_with(&header_with("alg", json!(alg)), &id_claims());
        assert_eq!(refuse(&token, TokenKind::IdToken), JwtError::Algorithm, "{alg}");
    }
}

#[test]
fn r51_a_signature_of_another_message_or_key() {
    let good = signer().sign(&id_claims());
    let mallory = with(id_claims(), |claims| claims["sub"] = json!("mallory"));
    let parts: Vec<&str> = good.split('.').collect();
    let swapped = format!("{}.{}.{}", parts[0], encode(mallory.to_string()), parts[2]);
    assert_eq!(refuse(&swapped, TokenKind::IdToken), JwtError::Signature);
    let ed = Signer::of(Algorithm::EdDsa);
    let wrong_curve = ed.sign_with(&signer().header(), &id_claims());
    assert_eq!(refuse(&wrong_curve, TokenKind::IdToken), JwtError::Signature);
    assert!(JwtError::Signature.refetch_may_help(), "a key may have been replaced under its name");
}
