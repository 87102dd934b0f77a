//! When the key set is fetched again (R53).

use std::time::Duration;

use cloakroom_core::{jwt::KeySet, time::Timestamp};

use super::{NOW, peer::Peer};
use crate::{JwksCache, JwksUrl};

fn after(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

fn keys() -> KeySet {
    KeySet::parse(&Peer::new().jwks()).unwrap()
}

fn filled() -> JwksCache {
    let mut cache = JwksCache::default();
    cache.fetched(keys(), NOW);
    cache
}

#[test]
fn the_first_set_is_fetched_at_once_and_tried_again_soon() {
    let mut cache = JwksCache::default();
    assert!(cache.keys().is_none());
    assert!(cache.should_fetch(false, NOW));
    cache.failed(NOW);
    assert!(!cache.should_fetch(false, after(1)));
    assert!(!cache.should_fetch(true, after(1)));
    assert!(cache.should_fetch(false, after(2)));
    cache.fetched(keys(), after(2));
    assert!(cache.keys().is_some());
    assert!(!cache.should_fetch(false, after(2)));
}

#[test]
fn an_unknown_key_asks_once_a_minute() {
    let mut cache = filled();
    let mut fetches = 0;
    for second in 0..600 {
        if cache.should_fetch(true, after(second)) {
            fetches += 1;
            cache.fetched(keys(), after(second));
        }
    }
    assert_eq!(fetches, 10, "one a minute, whatever comes");
}

#[test]
fn keys_that_change_just_after_a_fetch_are_found() {
    let mut cache = filled();
    assert!(cache.should_fetch(true, after(1)));
    cache.failed(after(1));
    assert!(!cache.should_fetch(true, after(60)), "a failed fetch counts as well");
    assert!(cache.should_fetch(true, after(61)));
}

#[test]
fn unknown_keys_do_not_hurry_the_fetch_of_an_old_set() {
    let mut cache = filled();
    cache.failed(after(3600));
    assert!(!cache.should_fetch(true, after(3601)));
    assert!(!cache.should_fetch(false, after(3601)));
    assert!(cache.should_fetch(true, after(3660)));
}

#[test]
fn a_set_is_good_for_an_hour() {
    let cache = filled();
    assert!(!cache.should_fetch(false, after(3599)));
    assert!(cache.should_fetch(false, after(3600)));
}

#[test]
fn an_outage_keeps_the_last_good_set() {
    let mut cache = filled();
    let mut fetches = 0;
    for second in 3600..7200 {
        if cache.should_fetch(false, after(second)) {
            fetches += 1;
            cache.failed(after(second));
        }
        assert!(cache.keys().is_some());
    }
    assert_eq!(fetches, 60, "one a minute");
}

#[test]
fn after_a_failed_fetch_nobody_knows_whose_an_unknown_key_is() {
    let mut cache = JwksCache::default();
    assert!(!cache.last_failed());
    cache.failed(NOW);
    assert!(cache.last_failed());
    cache.fetched(keys(), after(2));
    assert!(!cache.last_failed());
    cache.failed(after(3600));
    assert!(cache.last_failed() && cache.keys().is_some());
}

#[test]
fn keys_come_over_https_or_from_this_machine() {
    for good in
        ["https://login.example.org/jwks", "http://127.0.0.1:9000/jwks", "http://localhost/k?v=1"]
    {
        assert!(JwksUrl::parse(good).is_some(), "{good}");
    }
    for bad in [
        "http://login.example.org/jwks",
        "http://sub.localhost/jwks",
        "https://user@login.example.org/jwks",
        "https://login.example.org/jwks#keys",
        "file:///etc/passwd",
        "jwks",
        "",
    ] {
        assert!(JwksUrl::parse(bad).is_none(), "{bad}");
    }
}
