//! Lifting byte for byte, requests from templates, and what answers mean.

mod lifting;
mod properties;
mod requests;

use cloakroom_core::{secret::Token, session::TokenSet, time::Timestamp};

use super::{Lifted, LoginAnswer, Pointer, TokenPointers, lift_tokens};

const ACCESS: &str = "access-0123456789abcdef";
const REFRESH: &str = "refresh-0123456789abcdef";

fn pointer(text: &str) -> Pointer {
    Pointer::parse(text).unwrap()
}

fn pointers(access: &str, refresh: Option<&str>, expires_in: Option<&str>) -> TokenPointers {
    let optional = |text: Option<&str>| text.map(pointer);
    TokenPointers::new(pointer(access), optional(refresh), optional(expires_in)).unwrap()
}

/// `/token`, `/refreshToken`, `/expiresIn`.
fn usual() -> TokenPointers {
    pointers("/token", Some("/refreshToken"), Some("/expiresIn"))
}

#[track_caller]
fn lift(answer: &str, pointers: &TokenPointers, placeholder: Option<&str>) -> Lifted {
    match lift_tokens(answer.as_bytes(), pointers, placeholder) {
        Ok(LoginAnswer::Tokens(lifted)) => lifted,
        other => panic!("tokens, not {other:?}"),
    }
}

fn tokens(access: &str, refresh: Option<&str>) -> TokenSet {
    TokenSet {
        access_token: Token::new(access),
        refresh_token: refresh.map(Token::new),
        id_token: None,
        obtained_at: Timestamp::from_unix_seconds(1_000),
        expires_at: None,
    }
}
