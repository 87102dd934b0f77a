//! Judging the token endpoint's answers (R15), those of odd providers among them.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use cloakroom_core::{secret::Token, session::TokenSet, time::Timestamp};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::NOW;
use crate::{
    MAX_ANSWER_BYTES, TokenAnswer, TokenError,
    TokenErrorKind::{self, ClientRefused, InvalidGrant, Outage},
    judge_token_answer,
};

fn judge(status: u16, body: &[u8]) -> Result<TokenAnswer, TokenError> {
    judge_token_answer(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), body)
}

fn kind(status: u16, body: &str) -> TokenErrorKind {
    judge(status, body.as_bytes()).unwrap_err().kind()
}

fn good() -> Value {
    json!({ "access_token": "a-1", "token_type": "Bearer", "expires_in": 300 })
}

fn accept(name: &str, value: Value) -> TokenAnswer {
    let mut body = good();
    body[name] = value;
    judge(200, body.to_string().as_bytes()).unwrap()
}

#[test]
fn a_good_answer() {
    let mut body = good();
    body["refresh_token"] = json!("r-1");
    body["id_token"] = json!("a.b.c");
    body["scope"] = json!("openid profile");
    body["unknown"] = json!({ "of": ["no", "interest"] });
    let answer = judge(200, body.to_string().as_bytes()).unwrap();
    assert_eq!(answer.access_token.expose(), "a-1");
    assert_eq!(answer.refresh_token.unwrap().expose(), "r-1");
    assert_eq!(answer.id_token.unwrap().expose(), "a.b.c");
    assert_eq!(answer.expires_in, Some(Duration::from_secs(300)));
    assert_eq!(answer.scope.as_deref(), Some("openid profile"));
}

#[test]
fn providers_spell_things_differently() {
    for token_type in ["bearer", "Bearer", "BEARER", "bEaReR"] {
        accept("token_type", json!(token_type));
    }
    for (expires_in, seconds) in [
        (json!(300), Some(300)),
        (json!(300.0), Some(300)),
        (json!("300"), Some(300)),
        (json!(0), None),
        (json!("0"), None),
        (json!(-300), None),
        (json!(null), None),
        (json!("soon"), None),
        (json!("1e9"), None),
        (json!(1e300), Some(10 * 365 * 24 * 60 * 60)),
        (json!(u64::MAX), Some(10 * 365 * 24 * 60 * 60)),
    ] {
        let lifetime = accept("expires_in", expires_in.clone()).expires_in;
        assert_eq!(lifetime.map(|lifetime| lifetime.as_secs()), seconds, "{expires_in}");
    }
    assert!(accept("refresh_token", json!(null)).refresh_token.is_none());
    assert!(accept("refresh_token", json!("")).refresh_token.is_none());
}

#[test]
fn r15_only_invalid_grant_ends_a_session() {
    let error = |code: &str| json!({ "error": code, "error_description": "…" }).to_string();
    for (status, body, expected) in [
        (400, error("invalid_grant"), InvalidGrant),
        (401, error("invalid_grant"), InvalidGrant),
        (403, error("invalid_grant"), InvalidGrant),
        (400, String::new(), InvalidGrant),
        (400, error("invalid_client"), ClientRefused),
        (401, error("invalid_client"), ClientRefused),
        (400, error("unauthorized_client"), ClientRefused),
        (400, error("unsupported_grant_type"), ClientRefused),
        (400, error("invalid_request"), ClientRefused),
        (400, error("invalid_scope"), ClientRefused),
        (400, error("invalid_target"), ClientRefused),
        (400, error("INVALID_GRANT"), ClientRefused),
        (400, error("use_dpop_nonce"), ClientRefused),
        (401, String::new(), ClientRefused),
        (403, "<html>Forbidden</html>".to_owned(), ClientRefused),
        (400, error("temporarily_unavailable"), Outage),
        (400, error("server_error"), Outage),
        (400, error("slow_down"), Outage),
        (400, "<html>Bad Request</html>".to_owned(), Outage),
        (400, " ".to_owned(), Outage),
        (400, "{}".to_owned(), Outage),
        (400, r#"{"error":{"code":"invalid_grant"}}"#.to_owned(), Outage),
        (400, r#"{"error":"x","error":"invalid_grant"}"#.to_owned(), Outage),
        (404, String::new(), Outage),
        (413, String::new(), Outage),
        (408, error("invalid_grant"), Outage),
        (429, error("invalid_grant"), Outage),
        (500, error("invalid_grant"), Outage),
        (500, String::new(), Outage),
        (502, "<html>".to_owned(), Outage),
        (503, String::new(), Outage),
        (504, String::new(), Outage),
        (200, String::new(), Outage),
        (200, "<html>Please log in</html>".to_owned(), Outage),
        (200, "[]".to_owned(), Outage),
        (200, "{}".to_owned(), Outage),
        (200, error("invalid_grant"), Outage),
        (201, good().to_string(), Outage),
        (204, String::new(), Outage),
        (302, String::new(), Outage),
        (307, good().to_string(), Outage),
    ] {
        assert_eq!(kind(status, &body), expected, "{status} {body}");
    }
    assert_eq!(TokenError::unreachable().kind(), Outage);
    assert!(TokenError::unreachable().is_outage());
}

#[test]
fn a_200_must_make_sense() {
    let with = |name: &str, value: Value| {
        let mut body = good();
        body[name] = value;
        kind(200, &body.to_string())
    };
    for token in [json!(""), json!(null), json!(7), json!("a b"), json!("a\r\nX: y"), json!("é")] {
        assert_eq!(with("access_token", token.clone()), Outage, "{token}");
    }
    for token in [json!(7), json!(["r"]), json!("r\n"), json!("r r")] {
        assert_eq!(with("refresh_token", token.clone()), Outage, "{token}");
        assert_eq!(with("id_token", token.clone()), Outage, "{token}");
    }
    assert_eq!(with("token_type", json!("DPoP")), ClientRefused);
    assert_eq!(with("token_type", json!("mac")), ClientRefused);
    assert_eq!(with("token_type", json!(null)), Outage);
    let twice = r#"{"access_token":"a","access_token":"b","token_type":"bearer"}"#;
    assert_eq!(kind(200, twice), Outage);
    let mut long = good().to_string();
    long.push_str(&" ".repeat(MAX_ANSWER_BYTES));
    assert_eq!(kind(200, &long), Outage);
}

#[test]
fn the_provider_says_when_to_come_again() {
    let after = |value: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(header::RETRY_AFTER, HeaderValue::from_str(value).unwrap());
        let status = StatusCode::SERVICE_UNAVAILABLE;
        judge_token_answer(status, &headers, b"").unwrap_err().retry_after()
    };
    assert_eq!(after("7"), Some(Duration::from_secs(7)));
    assert_eq!(after("99999999"), Some(Duration::from_secs(3600)));
    for odd in ["Fri, 15 Jan 2027 08:00:00 GMT", "-1", "1.5", "soon", ""] {
        assert_eq!(after(odd), None, "{odd}");
    }
    assert_eq!(judge(503, b"").unwrap_err().retry_after(), None);
}

#[test]
fn r15_what_the_answer_leaves_out_stays() {
    let previous = TokenSet {
        access_token: Token::new("a-0"),
        refresh_token: Some(Token::new("r-0")),
        id_token: Some(Token::new("i-0")),
        obtained_at: Timestamp::from_unix_seconds(1),
        expires_at: None,
    };
    let answer = || judge(200, good().to_string().as_bytes()).unwrap();
    let set = answer().into_token_set(Some(&previous), NOW);
    assert_eq!(set.access_token.expose(), "a-1");
    assert_eq!(set.refresh_token.unwrap().expose(), "r-0");
    assert_eq!(set.id_token.unwrap().expose(), "i-0");
    assert_eq!(set.obtained_at, NOW);
    let rotated = accept("refresh_token", json!("r-1")).into_token_set(Some(&previous), NOW);
    assert_eq!(rotated.refresh_token.unwrap().expose(), "r-1");
    let first = answer().into_token_set(None, NOW);
    assert_eq!((first.refresh_token, first.id_token), (None, None));
}

#[test]
fn the_expiry_comes_from_expires_in_or_the_token() {
    let jwt = |exp: Value| {
        let encode = |part: Value| URL_SAFE_NO_PAD.encode(part.to_string());
        format!("{}.{}.c2ln", encode(json!({ "alg": "RS256" })), encode(json!({ "exp": exp })))
    };
    let expiry = |access_token: String, expires_in: Value| {
        let body = json!({ "access_token": access_token, "token_type": "bearer", "expires_in": expires_in });
        judge(200, body.to_string().as_bytes()).unwrap().into_token_set(None, NOW).expires_at
    };
    let in_an_hour = NOW.plus(Duration::from_secs(3600));
    let exp = json!(in_an_hour.as_unix_seconds());
    let in_five_minutes = Some(NOW.plus(Duration::from_secs(300)));
    assert_eq!(expiry("opaque".to_owned(), json!(300)), in_five_minutes);
    assert_eq!(expiry(jwt(exp.clone()), json!(300)), in_five_minutes, "expires_in comes first");
    assert_eq!(expiry(jwt(exp.clone()), json!(null)), Some(in_an_hour));
    assert_eq!(expiry(jwt(exp), json!(0)), Some(in_an_hour));
    assert_eq!(expiry(jwt(json!("soon")), json!(null)), None);
    assert_eq!(expiry("opaque".to_owned(), json!(null)), None);
}

proptest! {
    /// Only the two forms of `invalid_grant` end a session, whatever a provider makes up.
    #[test]
    fn r15_nothing_else_logs_anybody_out(
        status in 200_u16..600,
        body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..64),
            "[a-z_]{0,20}".prop_map(|error| json!({ "error": error }).to_string().into_bytes()),
        ],
    ) {
        if let Err(error) = judge(status, &body) && error.kind() == InvalidGrant {
            let empty_refusal = status == 400 && body.is_empty();
            let said_so = (400..500).contains(&status)
                && body == br#"{"error":"invalid_grant"}"#;
            prop_assert!(empty_refusal || said_so);
        }
    }

    #[test]
    fn r15_outages_are_outages(status in 500_u16..600, body in prop::collection::vec(any::<u8>(), 0..64)) {
        prop_assert_eq!(judge(status, &body).unwrap_err().kind(), Outage);
    }
}
