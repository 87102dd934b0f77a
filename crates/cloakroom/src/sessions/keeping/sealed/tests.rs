//! What a slow answer must not do to cookies that were replaced behind it.

use std::time::Duration;

use cloakroom_core::{
    cookie::SameSite,
    key::Keyring,
    random::OsRandom,
    secret::Token,
    session::{Device, TokenSet, UserKey},
};
use http::header::{COOKIE, SET_COOKIE};

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_unix_seconds(1_800_000_000 + seconds)
}

fn record(access_token: &str) -> Record {
    Record {
        provider: "default".to_owned(),
        user: UserKey { iss: "i".to_owned(), sub: "s".to_owned() },
        sid: None,
        claims: serde_json::Map::new(),
        tokens: TokenSet {
            access_token: Token::new(access_token),
            refresh_token: None,
            id_token: None,
            obtained_at: at(0),
            expires_at: None,
        },
        created_at: at(0),
        absolute_end: at(10_000),
        device: Device::default(),
    }
}

/// The request that a browser sends after an answer that set `cookies`.
fn after(cookies: &[HeaderValue]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for cookie in cookies.iter().filter(|cookie| !cookie.to_str().unwrap().contains("=;")) {
        let pair = cookie.to_str().unwrap().split(';').next().unwrap();
        headers.append(COOKIE, pair.parse().unwrap());
    }
    assert!(!headers.contains_key(SET_COOKIE) && !headers.is_empty());
    headers
}

/// With a refresh token that rotates, the cookies of the generation before are worth nothing.
#[test]
fn r15_a_slow_answer_puts_no_replaced_cookies_back() {
    let random: Arc<dyn Random> = Arc::new(OsRandom::default());
    let keyring = SharedKeyring::new(Keyring::generate(&*random));
    let attributes = Attributes::host(SameSite::Lax, Lifetime::BrowserSession);
    let timeouts = Timeouts { idle: 600 * SECOND, absolute: 10_000 * SECOND };
    let name = CookieName::host("session").unwrap();
    let sealed = Sealed::new(name, attributes, keyring, random, timeouts);
    let started = sealed.start(record("1"), at(0)).unwrap();
    let slow = sealed.present(&after(&started.cookies)).unwrap();

    // By itself it would move the idle timeout on.
    assert!(!sealed.cookies(&slow, Request::Uses, at(100)).is_empty());
    let before = sealed.load(&slow, at(100)).unwrap();
    sealed.replace(&slow, &before, &Arc::new(record("2")));
    let newer = sealed.cookies(&slow, Request::Uses, at(101));
    let next = sealed.present(&after(&newer)).unwrap();
    assert_eq!(sealed.load(&next, at(102)).unwrap().version, 2);
    for seconds in [103, 113, 150, 600] {
        sealed.sweep(at(seconds));
        let late = sealed.cookies(&slow, Request::Uses, at(seconds));
        let kept = late.is_empty()
            || sealed.present(&after(&late)).unwrap().carried().unwrap().generation == 2;
        assert!(kept, "after {seconds} seconds");
    }
    // The newer ones go on.
    assert!(!sealed.cookies(&next, Request::Uses, at(600)).is_empty());
}
