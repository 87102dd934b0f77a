//! Signatures that others made: the examples of the standards.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{
    super::{Algorithm, Expectation, JwtError, KeySet, SharedSecretError, compact::Compact},
    NOW, expect,
    signer::{encode, key_set},
};
use crate::jwt::{TokenKind, verify};

/// RFC 7520 §3.3.
const HOBBIT_MODULUS: &str = "n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmS\
     CpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-Of\
     VfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKw\
     uCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw";

/// RFC 7520 §4, encoded.
const HOBBIT_PAYLOAD: &str = "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250\
     byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hl\
     cmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4";

/// By any algorithm, with whatever payload.
fn check(token: &str, keys: &KeySet) -> Result<(), JwtError> {
    let compact = Compact::parse(token)?;
    let any = Expectation { algorithms: &Algorithm::ALL, ..expect(TokenKind::IdToken) };
    let head = compact.judge_header(&any)?;
    keys.check_signature(&compact, &head)
}

/// Good as it is, bad with another first byte of the payload.
fn judge(token: &str, jwk: &Value) {
    judge_with(token, &key_set(std::slice::from_ref(jwk)));
}

fn judge_with(token: &str, keys: &KeySet) {
    assert_eq!(check(token, keys), Ok(()));
    let (header, rest) = token.split_once('.').unwrap();
    let (payload, signature) = rest.split_once('.').unwrap();
    let other = if payload.starts_with('A') { 'B' } else { 'A' };
    let changed = format!("{header}.{other}{}.{signature}", &payload[1..]);
    assert_eq!(check(&changed, keys), Err(JwtError::Signature));
}

#[test]
fn rfc_7515_a_3_es256() {
    let jwk = json!({
        "kty": "EC",
        "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    });
    let token = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt\
        cGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlS\
        ApmWQxfKTUJqPP3-Kg6NU1Q";
    judge(token, &jwk);
    let verdict = verify(token, &key_set(&[jwk]), &expect(TokenKind::IdToken), NOW);
    assert_eq!(verdict.unwrap_err(), JwtError::Issuer, "signed, but by joe");
}

#[test]
fn rfc_8037_a_4_ed25519() {
    let jwk = json!({
        "kty": "OKP",
        "crv": "Ed25519",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    });
    let token = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-0\
        9PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    judge(token, &jwk);
}

#[test]
fn rfc_7520_4_1_and_4_2_rsa() {
    let jwk = |alg| {
        json!({
            "kty": "RSA",
            "kid": "bilbo.baggins@hobbiton.example",
            "use": "sig",
            "alg": alg,
            "n": HOBBIT_MODULUS,
            "e": "AQAB",
        })
    };
    let token = |alg: &str, signature: &str| {
        let header = format!(r#"{{"alg":"{alg}","kid":"bilbo.baggins@hobbiton.example"}}"#);
        format!("{}.{HOBBIT_PAYLOAD}.{signature}", encode(header))
    };
    let rs256 = token(
        "RS256",
        "MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xugl\
     II7PNDi84wnB-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x\
     8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE\
     _oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg",
    );
    let ps384 = token(
        "PS384",
        "cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk2IpN6-tPid6VrklHkqsGqDqHCdP6O8TT\
     B5dDDItllVo6_1OLPpcbUrhiUSMxbbXUvdvWXzg-UD8biiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn442ZdNqiVJRmBqrY\
     RXe8P_ijQ7p8Vdz0TTrxUeT3lm8d9shnr2lfJT8ImUjvAA2Xez2Mlp8cBE5awDzT0qI0n6uiP1aCN_2_jLAeQTlqRHtf\
     a64QQSUmFAAjVKPbByi7xho0uTOcbH510a6GYmJUAfmWjwZ6oD4ifKo8DYM-X72Eaw",
    );
    judge(&rs256, &jwk("RS256"));
    judge(&ps384, &jwk("PS384"));
    assert_eq!(check(&ps384, &key_set(&[jwk("PS256")])), Err(JwtError::UnknownKey));
}

#[test]
fn rfc_7515_a_4_es512() {
    let jwk = json!({
        "kty": "EC",
        "crv": "P-521",
        "x": "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk",
        "y": "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2",
    });
    let token = "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWR\
        Oc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwN\
        rmxYbSW9ERBXukOXolLzeO_Jn";
    judge(token, &jwk);
}

#[test]
fn rfc_7520_4_3_es512() {
    let jwk = json!({
        "kty": "EC",
        "kid": "bilbo.baggins@hobbiton.example",
        "use": "sig",
        "crv": "P-521",
        "x": "AHKZLLOsCOzz5cY97ewNUajB957y-C-U88c3v13nmGZx6sYl_oJXu9A5RkTKqjqvjyekWF-7ytDyRXYgCF5cj0Kt",
        "y": "AdymlHvOiLxXkEhayXQnNCvDX4h9htZaCJN34kfmC6pV5OhQHiraVySsUdaQkAgDPrwQrJmbnX9cwlGfP-HqHZR1",
    });
    let header = encode(r#"{"alg":"ES512","kid":"bilbo.baggins@hobbiton.example"}"#);
    let signature = "AE_R_YZCChjn4791jSQCrdPZCNYqHXCTZH0-JZGYNlaAjP2kqaluUIIUnC9qvbu9Plon7KRTzoNEuT4Va2cmL1e\
        JAQy3mtPBu_u_sDDyYjnAMDxXPn7XrT0lw-kvAD890jl8e2puQens_IEKBpHABlsbEPX6sFY8OcGDqoRuBomu9xQ2";
    judge(&format!("{header}.{HOBBIT_PAYLOAD}.{signature}"), &jwk);
}

/// And the examples' secrets, which everybody knows, are refused as such.
#[test]
fn rfc_7515_a_1_and_rfc_7520_4_4_hs256() {
    let rfc_7515 = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogI\
        mh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let header = r#"{"alg":"HS256","kid":"018c0ae5-4d9b-471b-bfd6-eef314bc7037"}"#;
    let rfc_7520 =
        format!("{}.{HOBBIT_PAYLOAD}.s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0", encode(header));
    for (token, secret) in [
        (
            rfc_7515,
            "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
        ),
        (&rfc_7520, "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg"),
    ] {
        let secret = URL_SAFE_NO_PAD.decode(secret).unwrap();
        judge_with(token, &KeySet::from_published_secret(&secret, Algorithm::Hs256));
        let refused = KeySet::from_shared_secret(&secret, Algorithm::Hs256);
        assert_eq!(refused.unwrap_err(), SharedSecretError::Guessable);
    }
}
