//! How long a session lasts (R32), in real seconds: the settings are short, the clock is the system's.

use std::time::{Duration, Instant};

use cloakroom_testkit::{Browser, GatewayConfig};

use crate::world::{World, assert_login_required, cookie};

const STEP: Duration = Duration::from_millis(300);

fn idle_of_two_seconds(config: GatewayConfig) -> GatewayConfig {
    config.set("session", "idle_timeout = '2s'\nabsolute_timeout = '1h'")
}

async fn expires_in(world: &World, browser: &Browser) -> Option<u64> {
    let session = browser.fetch("GET", &world.at("/auth/session")).await.json();
    session["sessionExpiresIn"].as_u64()
}

/// Use keeps a session alive past its idle timeout; without use it ends, and does not come back.
#[tokio::test]
async fn an_idle_session_ends() {
    let world = World::configured(idle_of_two_seconds).await;
    let browser = world.logged_in().await;
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(4) {
        assert_eq!(world.echo(&browser).await.status, 200, "in use for {:?}", start.elapsed());
        tokio::time::sleep(STEP).await;
    }
    assert!(expires_in(&world, &browser).await.is_some_and(|seconds| seconds <= 2));
    tokio::time::sleep(Duration::from_millis(2300)).await;
    assert_login_required(&world.echo(&browser).await);
    assert_login_required(&browser.fetch("POST", &world.at("/auth/refresh")).await);
    assert!(!world.is_logged_in(&browser).await);
    assert_eq!(world.provider.refreshes(), 0);
}

/// A page that asks who is logged in, or keeps its token fresh, does not use the session.
#[tokio::test]
async fn asking_keeps_no_session_alive() {
    let world = World::configured(idle_of_two_seconds).await;
    let browser = world.logged_in().await;
    let start = Instant::now();
    while world.is_logged_in(&browser).await {
        assert!(start.elapsed() < Duration::from_secs(5), "asking keeps it alive");
        browser.fetch("POST", &world.at("/auth/refresh")).await;
        tokio::time::sleep(STEP).await;
    }
    assert!(start.elapsed() > Duration::from_millis(1800), "{:?}", start.elapsed());
    assert_login_required(&world.echo(&browser).await);
}

/// The absolute timeout ends a session however busy it is, and the cookie does not outlive it.
#[tokio::test]
async fn a_busy_session_ends_at_the_absolute_timeout() {
    let world = World::configured(|config| {
        config.set("session", "idle_timeout = '3s'\nabsolute_timeout = '3s'")
    })
    .await;
    let start = Instant::now();
    let browser = world.logged_in().await;
    let thief = browser.copy();
    let life = browser.jar().get("localhost", "__Host-session").expect("a session").expires;
    assert!(life.is_some());
    let mut value = cookie(&browser);
    while value.is_some() {
        value = cookie(&browser);
        let answer = world.echo(&browser).await;
        if answer.status != 200 {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(6), "it ends");
        tokio::time::sleep(STEP).await;
    }
    assert!(start.elapsed() > Duration::from_millis(2500), "{:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    tokio::time::sleep(STEP).await;
    assert_login_required(&world.echo(&thief).await);
}

/// A session that timed out over a restart stays out.
#[tokio::test]
async fn a_restart_does_not_prolong_a_session() {
    let mut world = World::configured(idle_of_two_seconds).await;
    let browser = world.logged_in().await;
    world.gateway.kill9().await;
    tokio::time::sleep(Duration::from_millis(2200)).await;
    world.gateway.restart().await;
    assert_login_required(&world.echo(&browser).await);
}
