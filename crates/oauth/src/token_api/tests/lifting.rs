//! What is taken out, what stays, and what is refused.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use cloakroom_core::time::Timestamp;

use super::{ACCESS, REFRESH, lift, pointer, pointers, tokens, usual};
use crate::token_api::{
    LiftError, LoginAnswer, Pointer, PointerError, TokenPointers, judge_refresh_answer, lift_tokens,
};

/// Text with `A` for the access token's literal and `R` for the refresh token's.
fn with_tokens(text: &str) -> String {
    text.replace('A', &format!("\"{ACCESS}\"")).replace('R', &format!("\"{REFRESH}\""))
}

#[test]
fn members_go_with_exactly_one_comma_and_every_other_byte_stays() {
    for (before, after) in [
        (r#"{"token":A}"#, r#"{}"#),
        (r#"{ "token" : A }"#, r#"{  }"#),
        (r#"{"token":A,"b":1}"#, r#"{"b":1}"#),
        (r#"{"a":1,"token":A}"#, r#"{"a":1}"#),
        (r#"{"a":1,"token":A,"b":2}"#, r#"{"a":1,"b":2}"#),
        (r#"{"token":A,"refreshToken":R}"#, r#"{}"#),
        (r#"{"token":A,"refreshToken":R,"b":2}"#, r#"{"b":2}"#),
        (r#"{"a":1,"token":A,"refreshToken":R}"#, r#"{"a":1}"#),
        (r#"{"a":1,"refreshToken":R,"token":A,"b":2}"#, r#"{"a":1,"b":2}"#),
        (r#"{"token":A,"b":2,"refreshToken":R}"#, r#"{"b":2}"#),
        (
            "\n{\n  \"a\": 1.50e+2,\n  \"token\": A,\n  \"b\": \"\\u00e9\\/\"\n}\n",
            "\n{\n  \"a\": 1.50e+2,\n  \"b\": \"\\u00e9\\/\"\n}\n",
        ),
        (r#"{"a":{"token":"not this"},"token":A}"#, r#"{"a":{"token":"not this"}}"#),
        (r#"{"a":"\"token\":\"x\"}","token":A}"#, r#"{"a":"\"token\":\"x\"}"}"#),
        // The name is compared as whoever parses it would read it.
        (r#"{"\u0074oken":A,"b":1}"#, r#"{"b":1}"#),
    ] {
        let lifted = lift(&with_tokens(before), &usual(), None);
        assert_eq!(String::from_utf8(lifted.remainder).unwrap(), after, "{before}");
        assert_eq!(lifted.access_token.expose(), ACCESS);
        let refresh = lifted.refresh_token.as_ref().map(|token| token.expose());
        assert_eq!(refresh, before.contains('R').then_some(REFRESH), "{before}");
    }
}

#[test]
fn pointers_lead_through_objects_and_arrays() {
    let answer = with_tokens(r#"{"data":{"tokens":["x",R,{"a/b~c":A}],"":0},"n":1}"#);
    let deep = pointers("/data/tokens/2/a~1b~0c", Some("/data/tokens/1"), Some("/data/"));
    let lifted = lift(&answer, &deep, None);
    assert_eq!(lifted.remainder, br#"{"data":{"tokens":["x",{}],"":0},"n":1}"#);
    assert_eq!(lifted.expires_in, None, "zero says nothing");
    let rooted = lift(&with_tokens("[A, 1]"), &pointers("/0", None, None), None);
    assert_eq!(rooted.remainder, b"[1]");
    for nowhere in ["/data/tokens/02/x", "/data/tokens/-", "/data/tokens/9", "/n/0", "/data/x"] {
        let found = lift_tokens(answer.as_bytes(), &pointers(nowhere, None, None), None);
        assert!(matches!(found, Ok(LoginAnswer::WithoutToken)), "{nowhere}");
    }
}

#[test]
fn a_placeholder_takes_the_tokens_place() {
    let answer = with_tokens(r#"{ "token":A, "refreshToken" : R , "b":1}"#);
    let lifted = lift(&answer, &usual(), Some("kept \"here\""));
    assert_eq!(
        String::from_utf8(lifted.remainder).unwrap(),
        r#"{ "token":"kept \"here\"", "refreshToken" : "kept \"here\"" , "b":1}"#
    );
}

#[test]
fn an_escaped_token_is_read_as_what_it_means() {
    let lifted = lift(r#"{"token":"a\/b\u0063\u002b=="}"#, &usual(), None);
    assert_eq!(lifted.access_token.expose(), "a/bc+==");
    assert_eq!(lifted.remainder, b"{}");
}

#[test]
fn answers_without_a_token_are_told_apart_from_bad_ones() {
    for without in [
        "{}",
        "[]",
        "null",
        "\"text\"",
        "7",
        r#"{"mfaRequired":true}"#,
        r#"{"token":null,"refreshToken":null}"#,
        r#"{"token":""}"#,
    ] {
        let answer = lift_tokens(without.as_bytes(), &usual(), None);
        assert!(matches!(answer, Ok(LoginAnswer::WithoutToken)), "{without}");
    }
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(1024 * 1024));
    let depth = format!("{}{}", "[".repeat(40), "]".repeat(40));
    for (bad, error) in [
        ("", LiftError::NotStrictJson),
        ("<html>", LiftError::NotStrictJson),
        (r#"{"token":A"#, LiftError::NotStrictJson),
        (r#"{"token":A,"token":"x"}"#, LiftError::NotStrictJson),
        (r#"{"token":A,"\u0074oken":"x"}"#, LiftError::NotStrictJson),
        (r#"{"token":A,"b":{"c":1,"c":2}}"#, LiftError::NotStrictJson),
        ("\u{feff}{\"token\":A}", LiftError::NotStrictJson),
        (depth.as_str(), LiftError::NotStrictJson),
        (long.as_str(), LiftError::TooLong),
        (r#"{"token":7}"#, LiftError::NotAToken("tokens.access")),
        (r#"{"token":{"value":A}}"#, LiftError::NotAToken("tokens.access")),
        (r#"{"token":"two words"}"#, LiftError::NotAToken("tokens.access")),
        ("{\"token\":\"caf\u{e9}\"}", LiftError::NotAToken("tokens.access")),
        (r#"{"token":A,"refreshToken":["x"]}"#, LiftError::NotAToken("tokens.refresh")),
        (r#"{"refreshToken":R}"#, LiftError::NoAccessToken),
        (r#"{"token":A,"copy":A}"#, LiftError::TokenTwice),
        (r#"{"token":A,"refreshToken":R,"x":{"y":[R]}}"#, LiftError::TokenTwice),
        (r#"{"token":A,"url":"/welcome?token=access-0123456789abcdef"}"#, LiftError::TokenTwice),
        (
            r#"{"token":A,"url":"/welcome?token=access%2d0123456789abcde%66"}"#,
            LiftError::TokenTwice,
        ),
        (r#"{"token":A,"access-0123456789abcdef":1}"#, LiftError::TokenTwice),
        (r#"{"token":A,"copy":"\u0061ccess-0123456789abcdef"}"#, LiftError::TokenTwice),
    ] {
        let answer = lift_tokens(with_tokens(bad).as_bytes(), &usual(), None);
        assert_eq!(answer.map(|_| ()), Err(error), "{bad}");
    }
}

#[test]
fn r72_debug_and_errors_show_no_token() {
    let lifted = lift(&with_tokens(r#"{"token":A,"refreshToken":R}"#), &usual(), None);
    let shown = format!("{lifted:?} {:?}", lifted.user("us".to_owned()));
    assert!(!shown.contains("0123456789"), "{shown}");
}

#[test]
fn claims_come_from_what_is_left() {
    let answer = with_tokens(r#"{"user":{"name":"Ben","token":A},"n":1}"#);
    let lifted = lift(&answer, &pointers("/user/token", None, None), None);
    assert_eq!(serde_json::to_value(lifted.claims(&pointer("/user"))).unwrap()["name"], "Ben");
    assert_eq!(lifted.claims(&pointer("/user")).len(), 1);
    assert_eq!(lifted.claims(&pointer("")).len(), 2, "the whole answer");
    assert!(lifted.claims(&pointer("/n")).is_empty());
}

#[test]
fn a_token_dies_when_the_answer_or_the_jwt_says_whichever_is_first() {
    let now = Timestamp::from_unix_seconds(1_000);
    let jwt = |claims: &str| {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.{}", part(r#"{"alg":"HS256"}"#), part(claims), part("signature"))
    };
    let life = |token: &str, expires_in: &str| {
        let answer = format!(r#"{{"token":"{token}","expiresIn":{expires_in}}}"#);
        let set = lift(&answer, &usual(), None).into_token_set(None, now);
        set.expires_at.map(|at| at.since(now).as_secs())
    };
    let dies_in_60 = jwt(r#"{"exp":1060,"sub":"anna"}"#);
    assert_eq!(life(ACCESS, "300"), Some(300));
    assert_eq!(life(ACCESS, "\"300\""), Some(300));
    assert_eq!(life(ACCESS, "\"15m\""), None, "unknown, unless the token says");
    assert_eq!(life(&dies_in_60, "\"15m\""), Some(60));
    assert_eq!(life(&dies_in_60, "900000"), Some(60), "milliseconds, it seems");
    assert_eq!(life(&dies_in_60, "30"), Some(30));
    let lifted = lift(&format!(r#"{{"token":"{dies_in_60}"}}"#), &usual(), None);
    let user = lifted.user("token_api:shop:/api/login".to_owned());
    assert_eq!((user.iss.as_str(), user.sub.as_str()), ("token_api:shop:/api/login", "anna"));
    assert_eq!(lift(&with_tokens(r#"{"token":A}"#), &usual(), None).user(String::new()).sub, "");
}

#[test]
fn r15_a_refresh_without_a_refresh_token_keeps_the_old_one() {
    let now = Timestamp::from_unix_seconds(1_000);
    let old = tokens("old", Some("old-refresh"));
    let kept = lift(&with_tokens(r#"{"token":A}"#), &usual(), None).into_token_set(Some(&old), now);
    assert_eq!(kept.refresh_token.unwrap().expose(), "old-refresh");
    let rotated = lift(&with_tokens(r#"{"token":A,"refreshToken":R}"#), &usual(), None);
    assert_eq!(rotated.into_token_set(Some(&old), now).refresh_token.unwrap().expose(), REFRESH);
}

#[test]
fn other_tokens_go_with_the_tokens_and_never_into_a_session() {
    let others = |places: &[&str]| places.iter().map(|place| pointer(place)).collect::<Vec<_>>();
    let pointers = usual().and_others(others(&["/id", "/ids/0", "/ids/1", "/none"])).unwrap();
    let answer = with_tokens(r#"{"id":"id-0123456789abcdef","token":A,"ids":["i","j",1],"n":1}"#);
    let lifted = lift(&answer, &pointers, None);
    assert_eq!(lifted.remainder, br#"{"ids":[1],"n":1}"#);
    assert!(lifted.occurs_in(b"id=id-0123456789abcdef"));
    assert_eq!(lift(&answer, &pointers, Some("x")).remainder, {
        br#"{"id":"x","token":"x","ids":["x","x",1],"n":1}"#
    });
    let alone = lift_tokens(br#"{"id":"i"}"#, &pointers, None);
    assert_eq!(alone.unwrap_err(), LiftError::NoAccessToken);
    let odd = lift_tokens(&with_tokens(r#"{"token":A,"id":7}"#).into_bytes(), &pointers, None);
    assert_eq!(odd.unwrap_err(), LiftError::NotAToken("tokens.others"));
    assert!(usual().and_others(others(&["/id", "/id"])).is_err());
    assert!(usual().and_others(others(&["/expiresIn/x"])).is_err());
    // The answer to a refresh goes to no page.
    let (ok, headers) = (http::StatusCode::OK, http::HeaderMap::new());
    let answer = with_tokens(r#"{"token":A,"id":7}"#);
    judge_refresh_answer(ok, &headers, answer.as_bytes(), &pointers).unwrap();
}

#[test]
fn pointers_are_checked() {
    assert_eq!(Pointer::parse("token"), Err(PointerError::NoSlash));
    assert_eq!(Pointer::parse("/a~2"), Err(PointerError::Escape));
    assert_eq!(Pointer::parse("/a~"), Err(PointerError::Escape));
    assert_eq!(Pointer::parse("/a~é"), Err(PointerError::Escape));
    assert_eq!(Pointer::parse(&"/a".repeat(33)), Err(PointerError::TooDeep));
    assert_eq!(pointer("/a~1b/~0/").to_string(), "/a~1b/~0/");
    let overlap = |a: &str, b: &str| TokenPointers::new(pointer(a), Some(pointer(b)), None);
    assert!(overlap("/a", "/a").is_err());
    assert!(overlap("/a", "/a/b").is_err());
    assert!(overlap("/a/b", "/a").is_err());
    assert!(overlap("/a", "").is_err());
    assert!(TokenPointers::new(pointer(""), None, None).is_err());
    assert!(overlap("/a/b", "/a/c").is_ok());
}
