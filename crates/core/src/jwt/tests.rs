//! Tokens signed for real, then spoiled one rule at a time.

mod attacks;
mod claims;
mod differential;
mod interop;
mod json;
mod keys;
mod pem;
mod properties;
mod shared_secret;
mod signer;
mod vectors;
mod verified;

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    Algorithm, AudienceRule, DEFAULT_LEEWAY, Expectation, IssuerRule, TokenKind, peek_expiry,
    peek_issuer, verify,
};
use crate::time::Timestamp;
use signer::Signer;

const ISSUER: &str = "https://login.example.org/realms/shop";
const CLIENT: &str = "shop-web";

/// 2027-01-15T08:00:00Z
const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

fn seconds() -> u64 {
    NOW.as_unix_seconds()
}

fn id_claims() -> Value {
    json!({
        "iss": ISSUER,
        "aud": CLIENT,
        "sub": "f:1:alice",
        "iat": seconds(),
        "exp": seconds() + 300,
    })
}

fn access_claims() -> Value {
    json!({
        "iss": ISSUER,
        "aud": "https://api.example.com",
        "sub": "f:1:alice",
        "client_id": CLIENT,
        "exp": seconds() + 300,
    })
}

fn logout_claims() -> Value {
    json!({
        "iss": ISSUER,
        "aud": CLIENT,
        "sub": "f:1:alice",
        "jti": "1",
        "iat": seconds(),
        "exp": seconds() + 120,
        "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
    })
}

fn expect(kind: TokenKind) -> Expectation<'static> {
    let audience = match kind {
        TokenKind::AccessToken => AudienceRule::Includes("https://api.example.com"),
        TokenKind::IdToken | TokenKind::LogoutToken => AudienceRule::Includes(CLIENT),
    };
    Expectation {
        issuer: IssuerRule::Is(ISSUER),
        audience,
        algorithms: &Algorithm::ASYMMETRIC,
        kind,
        leeway: DEFAULT_LEEWAY,
    }
}

/// `value` with `change` done to it.
fn with(mut value: Value, change: impl FnOnce(&mut Value)) -> Value {
    change(&mut value);
    value
}

#[test]
fn a_good_token_of_every_algorithm_is_believed() {
    for algorithm in Algorithm::ALL {
        let signer = Signer::of(algorithm);
        let token = signer.sign(&id_claims());
        let expect = Expectation { algorithms: &[algorithm], ..expect(TokenKind::IdToken) };
        let verified = verify(&token, &signer.key_set(), &expect, NOW).unwrap();
        assert_eq!(verified.subject(), Some("f:1:alice"), "{algorithm:?}");
        assert_eq!(verified.issuer(), Some(ISSUER));
        assert_eq!(verified.algorithm(), algorithm);
        assert_eq!(verified.expires_at(), NOW.plus(Duration::from_secs(300)));
        assert_eq!(verified.claims()["aud"], CLIENT);
    }
}

#[test]
fn every_kind_is_believed_as_itself() {
    let signer = Signer::of(Algorithm::Es256);
    for (kind, typ, claims) in [
        (TokenKind::IdToken, json!("JWT"), id_claims()),
        (TokenKind::IdToken, json!("jwt"), id_claims()),
        (TokenKind::AccessToken, json!("at+jwt"), access_claims()),
        (TokenKind::AccessToken, json!("application/at+JWT"), access_claims()),
        (TokenKind::AccessToken, json!("JWT"), access_claims()),
        (TokenKind::LogoutToken, json!("logout+jwt"), logout_claims()),
        (TokenKind::LogoutToken, json!("JWT"), logout_claims()),
    ] {
        let header = with(signer.header(), |header| header["typ"] = typ.clone());
        let token = signer.sign_with(&header, &claims);
        assert!(verify(&token, &signer.key_set(), &expect(kind), NOW).is_ok(), "{kind:?} {typ}");
        let header = with(signer.header(), |header| {
            header.as_object_mut().unwrap().remove("typ");
        });
        let token = signer.sign_with(&header, &claims);
        assert!(verify(&token, &signer.key_set(), &expect(kind), NOW).is_ok(), "{kind:?} without");
    }
}

#[test]
fn debug_shows_no_claim() {
    let signer = Signer::of(Algorithm::Es256);
    let verified =
        verify(&signer.sign(&id_claims()), &signer.key_set(), &expect(TokenKind::IdToken), NOW);
    assert!(!format!("{verified:?}").contains("alice"));
}

#[test]
fn the_issuer_can_be_peeked_at() {
    let signer = Signer::of(Algorithm::Es256);
    let peek = |claims: Value| peek_issuer(&signer.sign(&claims));
    assert_eq!(
        peek(json!({ "iss": "https://login.example.org" })).as_deref(),
        Some("https://login.example.org")
    );
    for odd in [json!({}), json!({ "iss": 1 }), json!({ "iss": ["x"] }), json!({ "iss": null })] {
        assert_eq!(peek(odd.clone()), None, "{odd}");
    }
    assert_eq!(peek_issuer("a.b.c"), None);
}

#[test]
fn the_expiry_can_be_peeked_at() {
    let signer = Signer::of(Algorithm::Es256);
    let peek = |exp: Value| peek_expiry(&signer.sign(&json!({ "exp": exp })));
    assert_eq!(peek(json!(1_800_000_300)), Some(Timestamp::from_unix_seconds(1_800_000_300)));
    assert_eq!(peek(json!(1_800_000_300.5)), Some(Timestamp::from_unix_millis(1_800_000_300_500)));
    for odd in [json!("1800000300"), json!(-1), json!(1e300), json!(null), json!([1])] {
        assert_eq!(peek(odd.clone()), None, "{odd}");
    }
    for opaque in ["", "2YotnFZFEjr1zCsicMWpAA", "a.b.c", "v1.abc.def.ghi"] {
        assert_eq!(peek_expiry(opaque), None, "{opaque}");
    }
}
