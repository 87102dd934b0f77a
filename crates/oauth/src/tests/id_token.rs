//! ID Tokens, at login and at refresh (R5, R9, R10).

use cloakroom_core::{
    jwt::{JwtError, KeySet},
    secret::Token,
    session::UserKey,
};
use serde_json::{Value, json};

use super::{
    CLIENT_ID, ISSUER, NOW, client, metadata, parameter,
    peer::{Peer, at_hash},
    query_of, start,
};
use crate::{
    IdClaims, IdTokenError, Metadata, Transaction, names_other_user, verify_id_token,
    verify_refreshed_id_token,
};

const ACCESS_TOKEN: &str = "access-1";

struct Case {
    peer: Peer,
    transaction: Transaction,
    metadata: Metadata,
    claims: Value,
}

impl Case {
    fn new() -> Self {
        let (transaction, url) = start();
        let nonce = parameter(&query_of(&url), "nonce").unwrap().to_owned();
        let claims = Peer::id_claims("alice", Some(&nonce), NOW);
        Self { peer: Peer::new(), transaction, metadata: metadata(), claims }
    }

    fn with(mut self, name: &str, value: Value) -> Self {
        self.claims[name] = value;
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.claims.as_object_mut().unwrap().remove(name);
        self
    }

    fn tokens(&self) -> (Token, Token) {
        (Token::new(self.peer.sign(&self.claims)), Token::new(ACCESS_TOKEN))
    }

    fn keys(&self) -> KeySet {
        KeySet::parse(&self.peer.jwks()).unwrap()
    }

    fn at_login(&self) -> Result<IdClaims, IdTokenError> {
        let (id_token, access_token) = self.tokens();
        verify_id_token(
            &client(),
            &self.metadata,
            &self.keys(),
            &self.transaction,
            &id_token,
            &access_token,
            NOW,
        )
    }

    fn at_refresh(&self) -> Result<IdClaims, IdTokenError> {
        let (id_token, access_token) = self.tokens();
        let user = UserKey { iss: ISSUER.to_owned(), sub: "alice".to_owned() };
        verify_refreshed_id_token(
            &client(),
            &self.metadata,
            &self.keys(),
            &user,
            &id_token,
            &access_token,
            NOW,
        )
    }
}

#[test]
fn a_good_id_token() {
    assert!(Case::new().at_login().is_ok());
    assert!(Case::new().without("nonce").at_refresh().is_ok());
}

#[test]
fn r5_the_nonce_must_be_this_logins() {
    for nonce in [json!("other"), json!(""), json!(null), json!(7)] {
        assert_eq!(Case::new().with("nonce", nonce).at_login().unwrap_err(), IdTokenError::Nonce);
    }
    assert_eq!(Case::new().without("nonce").at_login().unwrap_err(), IdTokenError::Nonce);
    let mut twice = Case::new();
    twice.claims["nonce"] = json!([twice.claims["nonce"].take()]);
    assert_eq!(twice.at_login().unwrap_err(), IdTokenError::Nonce);
}

#[test]
fn r9_the_token_must_be_ours_and_alive() {
    let seconds = NOW.as_unix_seconds();
    for (name, value, error) in [
        ("iss", json!("https://evil.example"), JwtError::Issuer),
        ("aud", json!("another-client"), JwtError::Audience),
        ("aud", json!([]), JwtError::Audience),
        ("exp", json!(seconds - 60), JwtError::Expired),
        ("exp", json!("9999999999"), JwtError::WrongType("exp")),
        ("iat", json!(seconds + 60), JwtError::IssuedInFuture),
        ("nbf", json!(seconds + 60), JwtError::NotYetValid),
        ("sub", json!(""), JwtError::Missing("sub")),
    ] {
        let case = Case::new().with(name, value);
        assert_eq!(case.at_login().unwrap_err(), IdTokenError::Jwt(error), "{name}");
        assert_eq!(case.at_refresh().unwrap_err(), IdTokenError::Jwt(error), "{name}");
    }
    for name in ["iss", "aud", "exp", "iat", "sub"] {
        let error = Case::new().without(name).at_login().unwrap_err();
        assert_eq!(error, IdTokenError::Jwt(JwtError::Missing(name)));
        assert!(!error.refetch_may_help());
    }
}

#[test]
fn r9_azp_must_be_us() {
    for azp in [json!("another-client"), json!(""), json!(null), json!([CLIENT_ID])] {
        let case = Case::new().with("azp", azp);
        assert_eq!(case.at_login().unwrap_err(), IdTokenError::AuthorizedParty);
    }
    assert!(Case::new().with("azp", json!(CLIENT_ID)).at_login().is_ok());
    let several = || Case::new().with("aud", json!([CLIENT_ID, "another-client"]));
    assert_eq!(several().at_login().unwrap_err(), IdTokenError::AuthorizedParty);
    assert!(several().with("azp", json!(CLIENT_ID)).at_login().is_ok());
    assert!(Case::new().with("aud", json!([CLIENT_ID])).at_login().is_ok());
}

#[test]
fn r9_at_hash_must_be_the_access_tokens() {
    let hash = at_hash(ACCESS_TOKEN);
    assert!(Case::new().with("at_hash", json!(hash)).at_login().is_ok());
    for odd in [
        json!(at_hash("access-2")),
        json!(format!("{hash}=")),
        json!(&hash[..21]),
        json!(""),
        json!(null),
        json!([hash]),
    ] {
        let case = Case::new().with("at_hash", odd);
        assert_eq!(case.at_login().unwrap_err(), IdTokenError::AccessTokenHash);
        assert_eq!(case.at_refresh().unwrap_err(), IdTokenError::AccessTokenHash);
    }
}

/// The example of OpenID Connect Core appendix A.3, by another implementation.
#[test]
fn r9_at_hash_of_the_standard() {
    assert_eq!(at_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"), "77QmUPtjPfzWtF2AnpK9RQ");
}

#[test]
fn r51_only_the_providers_algorithms() {
    let rs256 =
        Metadata { id_token_algorithms: vec![cloakroom_core::jwt::Algorithm::Rs256], ..metadata() };
    let case = Case { metadata: rs256, ..Case::new() };
    assert_eq!(case.at_login().unwrap_err(), IdTokenError::Jwt(JwtError::Algorithm));
}

#[test]
fn r10_a_refreshed_token_is_about_the_same_user() {
    for sub in ["bob", "Alice", "alice "] {
        let error = Case::new().with("sub", json!(sub)).at_refresh().unwrap_err();
        assert_eq!(error, IdTokenError::OtherUser);
        assert!(error.is_other_user());
    }
    let foreign = Case::new().with("aud", json!("another-client"));
    assert_eq!(foreign.at_refresh().unwrap_err(), IdTokenError::Jwt(JwtError::Audience));
}

#[test]
fn r58_a_token_of_another_kind_is_no_id_token() {
    let logout = json!({ "http://schemas.openid.net/event/backchannel-logout": {} });
    let case = Case::new().with("events", logout);
    assert_eq!(case.at_login().unwrap_err(), IdTokenError::Jwt(JwtError::Kind));
}

#[test]
fn the_page_sees_the_user_and_nothing_of_the_protocol() {
    let mut case = Case::new().with("at_hash", json!(at_hash(ACCESS_TOKEN)));
    for name in ["email", "auth_time", "acr", "amr", "roles"] {
        case.claims[name] = json!("kept");
    }
    for name in ["jti", "nbf", "c_hash", "s_hash", "rt_hash", "session_state"] {
        case.claims[name] = if name == "nbf" { json!(0) } else { json!("hidden") };
    }
    case.claims["azp"] = json!(CLIENT_ID);
    case.claims["typ"] = json!("ID");
    let jwt = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.AAAA";
    case.claims["idp_access_token"] = json!(jwt);
    case.claims["identities"] = json!([{ "provider": "other", "token": jwt }]);
    let claims = case.at_login().unwrap().public_claims();
    let names: Vec<_> = claims.keys().map(String::as_str).collect();
    assert_eq!(names, ["sub", "name", "email", "auth_time", "acr", "amr", "roles"]);
}

#[test]
fn r10_another_user_shows_also_where_no_key_is_at_hand() {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let alice = UserKey { iss: ISSUER.to_owned(), sub: "alice".to_owned() };
    let unsigned = |iss: &str, sub: &str| {
        let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let (head, body) = (json!({ "alg": "ES256" }), json!({ "iss": iss, "sub": sub }));
        Token::new(format!("{}.{}.AAAA", part(head), part(body)))
    };
    assert!(!names_other_user(&unsigned(ISSUER, "alice"), &alice));
    assert!(names_other_user(&unsigned(ISSUER, "bob"), &alice));
    assert!(names_other_user(&unsigned("https://evil.example", "alice"), &alice));
    assert!(!names_other_user(&Token::new("no token"), &alice), "it says nothing of anybody");
}
