//! What is lifted out of a login answer, against the same done to the parsed document: the tokens are
//! those that the pointers lead to, they are in no text of what is left, and nothing else is gone.
//!
//! The first line of the input is the pointer to the access token, the second that to the refresh token
//! or empty, the third the placeholder or empty; the rest is the answer.

#![no_main]

use cloakroom_oauth::token_api::{LiftError, LoginAnswer, Pointer, TokenPointers, lift_tokens};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

/// Stands in place of what is to be removed; no fuzzer writes it.
const REMOVED: &str = "\u{f8ff}removed\u{f8ff}";

fuzz_target!(|input: &[u8]| {
    let mut lines = input.splitn(4, |byte| *byte == b'\n');
    let mut line = || lines.next().and_then(|line| std::str::from_utf8(line).ok());
    let (Some(access), Some(refresh), Some(placeholder)) = (line(), line(), line()) else { return };
    let Some(answer) = lines.next() else { return };
    let refresh = Some(refresh).filter(|text| !text.is_empty());
    let placeholder = Some(placeholder).filter(|text| !text.is_empty());
    let parsed = (Pointer::parse(access), refresh.map(Pointer::parse).transpose());
    let (Ok(access_place), Ok(refresh_place)) = parsed else { return };
    let Ok(pointers) = TokenPointers::new(access_place, refresh_place, None) else { return };

    let document = serde_json::from_slice::<Value>(answer);
    let found = |pointer: Option<&str>| find(document.as_ref().ok()?, pointer?);
    match lift_tokens(answer, &pointers, placeholder) {
        Err(LiftError::NotAToken(_)) => {
            let odd = |(_, text): (String, String)| {
                text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic())
            };
            assert!(found(Some(access)).is_some_and(odd) || found(refresh).is_some_and(odd));
        }
        Err(LiftError::NoAccessToken) => {
            assert!(found(Some(access)).is_none() && found(refresh).is_some());
        }
        Err(LiftError::NotStrictJson | LiftError::TokenTwice) => {}
        Err(LiftError::TooLong) => panic!("it is not"),
        Ok(LoginAnswer::WithoutToken) => {
            assert!(found(Some(access)).is_none() && found(refresh).is_none());
        }
        Ok(LoginAnswer::Tokens(lifted)) => {
            let (place, token) = found(Some(access)).expect("a token");
            assert_eq!(lifted.access_token.expose(), token);
            let second = found(refresh);
            assert_eq!(
                lifted.refresh_token.as_ref().map(|token| token.expose()),
                second.as_ref().map(|(_, token)| token.as_str())
            );
            let mut expected = document.as_ref().expect("JSON").clone();
            let tokens: Vec<_> = std::iter::once((place, token)).chain(second).collect();
            for (place, _) in &tokens {
                *expected.pointer_mut(place).unwrap() = Value::from(placeholder.unwrap_or(REMOVED));
            }
            take_removed(&mut expected);
            let left: Value = serde_json::from_slice(&lifted.remainder).expect("still JSON");
            assert_eq!(left, expected);
            for (_, token) in tokens.iter().filter(|(_, token)| token.len() >= 16) {
                assert!(!holds(&left, token), "a token is left");
            }
            if placeholder.is_none() {
                assert!(is_part(&lifted.remainder, answer), "bytes were moved or changed");
            }
        }
    }
});

/// What a pointer leads to, as text and empty where it is none; null and the empty text are nothing.
fn find(document: &Value, pointer: &str) -> Option<(String, String)> {
    let value = document.pointer(pointer)?;
    let text = value.as_str().unwrap_or_default();
    (!value.is_null() && *value != "").then(|| (pointer.to_owned(), text.to_owned()))
}

fn take_removed(value: &mut Value) {
    match value {
        Value::Array(values) => {
            values.retain(|value| value != REMOVED);
            values.iter_mut().for_each(take_removed);
        }
        Value::Object(members) => {
            members.retain(|_, value| value != REMOVED);
            members.values_mut().for_each(take_removed);
        }
        _ => {}
    }
}

fn holds(value: &Value, token: &str) -> bool {
    match value {
        Value::String(text) => text.contains(token),
        Value::Array(values) => values.iter().any(|value| holds(value, token)),
        Value::Object(members) => {
            members.iter().any(|(name, value)| name.contains(token) || holds(value, token))
        }
        _ => false,
    }
}

/// Whether `part` is `whole` with some bytes left out.
fn is_part(part: &[u8], whole: &[u8]) -> bool {
    let mut whole = whole.iter();
    part.iter().all(|byte| whole.any(|other| other == byte))
}
