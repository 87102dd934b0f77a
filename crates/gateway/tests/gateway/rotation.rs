//! R28: keys rotate in the middle of a load, and nobody notices.
#![cfg(unix)]

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use cloakroom_testkit::browser::Response;
use cloakroom_testkit::{Browser, Provider, eventually};
use tokio::task::JoinSet;

use crate::world::{PASSWORD, USERS, World, assert_login_required, binary};

/// Visitors at once.
const VISITORS: usize = 8;

impl World {
    fn keyring(&self) -> std::path::PathBuf {
        self.gateway.folder().join("data/keyring")
    }

    fn rotate(&self, more: &[&str]) {
        let status = Command::new(binary())
            .args(["keys", "rotate", "--file"])
            .arg(self.keyring())
            .args(more)
            .stdout(std::process::Stdio::null())
            .status();
        assert!(status.is_ok_and(|status| status.success()));
    }

    /// How often the log says `text`.
    fn logged(&self, text: &str) -> usize {
        self.gateway.log().matches(text).count()
    }

    /// Waits until the gateway has taken over one keyring more than `before`.
    async fn replaced(&self, before: usize) {
        eventually("the gateway takes the keyring over", || {
            self.logged("keyring replaced") > before
        })
        .await;
    }

    /// Puts another text in the keyring's place; the gateway is told at once.
    async fn put_keyring(&self, text: &str) {
        fs::write(self.keyring(), text).expect("a keyring that can be written");
        self.gateway.hang_up().await;
    }
}

/// What the visitors do.
#[derive(Default)]
struct Load {
    stop: AtomicBool,
    calls: AtomicUsize,
}

/// Logs in again and again, calls the API in between, and comes back as visitors of earlier. Everybody
/// who is logged in, and what failed.
async fn visit(
    load: Arc<Load>,
    gateway: String,
    user: &'static str,
) -> (Vec<Browser>, Vec<String>) {
    let (mut earlier, mut failures): (Vec<Browser>, _) = (Vec::new(), Vec::new());
    while !load.stop.load(Ordering::Relaxed) {
        let browser = Browser::new();
        browser.login(&gateway, user, PASSWORD, "/").await;
        earlier.push(browser);
        for browser in earlier.iter().rev().take(6).chain(earlier.first()) {
            let answer = call(browser, &gateway).await;
            load.calls.fetch_add(1, Ordering::Relaxed);
            if answer.status != 200 {
                failures.push(format!("{answer:?}"));
            }
        }
    }
    (earlier, failures)
}

/// `GET /api/echo`, with the refresh that a page in mode `jwt` makes itself.
async fn call(browser: &Browser, gateway: &str) -> Response {
    let url = format!("{gateway}/api/echo");
    let answer = browser.fetch("GET", &url).await;
    if answer.header("cloakroom-session") != Some("expired") {
        return answer;
    }
    let refresh = browser.fetch("POST", &format!("{gateway}/auth/refresh")).await;
    if refresh.status.is_success() { browser.fetch("GET", &url).await } else { refresh }
}

async fn keys_rotate_under_load(mode: &str) {
    // So short that refreshes are under way all the time.
    let provider = Provider::builder().token_lifetime(Duration::from_secs(2));
    let settings = format!("mode = '{mode}'");
    let world = World::build(provider, |config| {
        let config = config.set("session", &settings);
        config.set("provider", "access_token = { audience = 'https://api.example.com' }")
    })
    .await;
    let first = Browser::new();
    world.log_in(&first).await;

    let load = Arc::new(Load::default());
    let mut visitors = JoinSet::new();
    for number in 0..VISITORS {
        let gateway = world.gateway.url().to_owned();
        visitors.spawn(visit(Arc::clone(&load), gateway, USERS[number % USERS.len()]));
    }
    let busy = async |load: &Load| {
        let before = load.calls.load(Ordering::Relaxed);
        eventually("load", || load.calls.load(Ordering::Relaxed) > before + 50).await;
    };
    for round in 0..6 {
        busy(&load).await;
        let before = world.logged("keyring replaced");
        if round == 3 {
            world.rotate(&["--prepare"]);
        } else {
            world.rotate(&[]);
        }
        // By the change alone, and by the signal.
        if round % 2 == 1 {
            world.gateway.hang_up().await;
        }
        world.replaced(before).await;
    }
    // A file that is half-written, and one that is gone: the keyring before stays.
    let good = fs::read_to_string(world.keyring()).expect("a keyring");
    world.put_keyring(&good[..good.len() - 20]).await;
    eventually("a complaint", || world.logged("the keyring before stays in use") == 1).await;
    busy(&load).await;
    fs::remove_file(world.keyring()).expect("one's own file");
    world.gateway.hang_up().await;
    eventually("a complaint", || world.logged("the keyring before stays in use") >= 2).await;
    busy(&load).await;
    world.put_keyring(&good).await;
    busy(&load).await;

    load.stop.store(true, Ordering::Relaxed);
    let (mut sessions, mut failures) = (vec![first], Vec::new());
    while let Some(visitor) = visitors.join_next().await {
        let (logged_in, failed) = visitor.expect("every login succeeds");
        sessions.extend(logged_in);
        failures.extend(failed);
    }
    assert!(failures.is_empty(), "{} failed, the first: {}", failures.len(), failures[0]);
    for browser in &sessions {
        let answer = call(browser, world.gateway.url()).await;
        assert_eq!(answer.status, 200, "logged out: {answer:?}\n{}", world.gateway.log());
    }
    let calls = load.calls.load(Ordering::Relaxed);
    println!("mode {mode}: {} logins, {calls} calls, no failure", sessions.len());
}

#[tokio::test]
async fn r28_rotations_in_the_middle_of_a_load_fail_no_request_and_log_nobody_out() {
    keys_rotate_under_load("server").await;
}

#[tokio::test]
async fn r28_rotations_in_the_middle_of_a_load_harm_no_sealed_session() {
    keys_rotate_under_load("sealed").await;
}

#[tokio::test]
async fn r28_rotations_in_the_middle_of_a_load_harm_no_session_of_raw_jwts() {
    keys_rotate_under_load("jwt").await;
}

/// What seals after a rotation is the new key; what only the old one opens is over with it, and nothing
/// else is.
#[tokio::test]
async fn r28_a_dropped_key_ends_the_sessions_that_it_sealed() {
    for mode in ["mode = 'server'", "mode = 'sealed'"] {
        let world = World::configured(|config| config.set("session", mode)).await;
        let before = world.logged_in().await;
        world.rotate(&[]);
        world.gateway.hang_up().await;
        world.replaced(0).await;
        let after = world.logged_in().await;
        for browser in [&before, &after] {
            assert_eq!(world.echo(browser).await.status, 200, "{mode}");
        }

        let text = fs::read_to_string(world.keyring()).unwrap();
        let newest = text.lines().find(|line| !line.starts_with('#')).unwrap();
        world.put_keyring(newest).await;
        world.replaced(1).await;
        assert_login_required(&world.echo(&before).await);
        assert!(!world.is_logged_in(&before).await, "{mode}");
        assert_eq!(world.echo(&after).await.status, 200, "{mode}");
        assert_eq!(world.echo(&world.logged_in().await).await.status, 200, "{mode}");
        world.log_in(&before).await;
        assert_eq!(world.echo(&before).await.status, 200, "{mode}: and may come back");
    }
}

/// A key in use came from the environment: there is nothing to look at, and SIGHUP ends nothing.
#[tokio::test]
async fn keys_from_the_environment_survive_sighup_and_restart() {
    let keys = Command::new(binary()).args(["keys", "generate"]).output().unwrap();
    let keys = String::from_utf8(keys.stdout).unwrap();
    let mut world = World::configured(|config| {
        config.set("keys", "env = 'CLOAKROOM_KEYS'").env("CLOAKROOM_KEYS", &keys)
    })
    .await;
    assert!(!world.keyring().exists());
    let browser = world.logged_in().await;
    world.gateway.hang_up().await;
    assert_eq!(world.echo(&browser).await.status, 200);
    world.gateway.restart().await;
    assert_eq!(world.echo(&browser).await.status, 200);
    assert!(!world.keyring().exists());
}
