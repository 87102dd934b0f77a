//! An upstream that refuses a token: its own affair, or the session's (R15).

use std::time::{Duration, Instant};

use crate::world::{World, bearer};

const REJECTED: &str = "/api/status/401?invalid_token=1";
/// How long a fresh token set protects itself.
const GRACE: Duration = Duration::from_secs(10);

/// The API's refusals pass as they are; none is marked while the token is so young that another would
/// fare no better.
#[tokio::test]
async fn the_api_s_own_refusals_are_not_marked() {
    let world = World::start().await;
    let browser = world.logged_in().await;
    let answer = browser.fetch("GET", &world.at(REJECTED)).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.header("cloakroom-session"), None);
    assert_eq!(answer.json()["error"], "invalid_token", "the API's own words");
    for path in ["/api/status/401", "/api/status/403?invalid_token=1", "/api/status/200"] {
        let answer = browser.fetch("GET", &world.at(path)).await;
        assert_eq!(answer.header("cloakroom-session"), None, "{path}");
    }
    assert_eq!(world.provider.refreshes(), 0);
}

/// A 401 by which the API means the token is marked, and the set replaced once, beside the answer; not while it is younger than ten
/// seconds: a late 401 spends no refresh token. Ten real seconds are what this takes.
#[tokio::test]
async fn a_rejected_token_is_replaced_once() {
    let world = World::start().await;
    let start = Instant::now();
    let browser = world.logged_in().await;
    let first = bearer(&world.echo(&browser).await);
    loop {
        let answer = browser.fetch("GET", &world.at(REJECTED)).await;
        if answer.header("cloakroom-session") == Some("expired") {
            break;
        }
        assert_eq!(world.provider.refreshes(), 0, "an unmarked answer starts nothing");
        assert!(start.elapsed() < 2 * GRACE, "it is marked in the end");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // The set counts from the moment of its request, a little after `start`.
    assert!(start.elapsed() > GRACE, "not before: {:?}", start.elapsed());

    assert_eq!(browser.fetch("POST", &world.at("/auth/refresh")).await.status, 204);
    let second = bearer(&world.echo(&browser).await);
    assert_ne!(second, first);
    for _ in 0..10 {
        browser.fetch("GET", &world.at(REJECTED)).await;
    }
    assert_eq!(bearer(&world.echo(&browser).await), second);
    assert_eq!(world.provider.refreshes(), 1, "the new set is young");
}
