//! `kill -9` at any moment: what was acknowledged is there afterwards (pain 14, R15).

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cloakroom_testkit::browser::Response;
use cloakroom_testkit::{Browser, Provider, ReusePolicy, eventually};
use tokio::task::JoinSet;

use crate::world::{COOKIE, PASSWORD, USERS, World, assert_login_required, bearer, cookie};

const ROUNDS: u64 = 4;

/// A login step by step, for a gateway that may be gone at each.
async fn log_in(browser: &Browser, gateway: &str, user: &str) -> io::Result<()> {
    let start = navigate(browser, &format!("{gateway}/auth/login")).await?;
    let page = navigate(browser, location(&start)?.as_str()).await?;
    let back = browser.submit(&page, &[("username", user), ("password", PASSWORD)]).await;
    navigate(browser, location(&back)?.as_str()).await?;
    cookie(browser).map(|_| ()).ok_or_else(|| io::Error::other("no session"))
}

async fn navigate(browser: &Browser, url: &str) -> io::Result<Response> {
    browser.request("GET", url).navigation().typed().try_send().await
}

fn location(answer: &Response) -> io::Result<String> {
    let location = answer.location().ok_or_else(|| io::Error::other("no redirect"))?;
    Ok(location.into())
}

/// A moment that differs from run to run, 100 to 400 ms from now.
fn some_moment() -> Duration {
    let nanos = std::time::UNIX_EPOCH.elapsed().expect("after 1970").subsec_nanos();
    Duration::from_millis(100 + u64::from(nanos / 1000 % 300))
}

/// Users log in, call the API and log out all the time while the gateway is killed, round after round.
/// Every session whose cookie has reached a browser is there after the restart; every logout that was
/// answered stands.
#[tokio::test]
async fn no_acknowledged_session_is_lost() {
    let mut world = World::start().await;
    let (live, ended) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
    for round in 0..ROUNDS {
        let mut load = JoinSet::new();
        for worker in 0..8 {
            let (live, ended) = (Arc::clone(&live), Arc::clone(&ended));
            let gateway = world.gateway.url().to_owned();
            load.spawn(async move {
                // Until the gateway is gone.
                for number in 0.. {
                    let browser = Browser::new();
                    if log_in(&browser, &gateway, USERS[worker % USERS.len()]).await.is_err() {
                        // The answer may have come although a later step failed.
                        if cookie(&browser).is_some() {
                            live.lock().unwrap().push(browser);
                        }
                        return;
                    }
                    let copy = browser.copy();
                    if number % 3 > 0 {
                        live.lock().unwrap().push(browser);
                        let _ =
                            copy.request("GET", &format!("{gateway}/api/echo")).try_send().await;
                    } else {
                        let post = browser.request("POST", &format!("{gateway}/auth/logout"));
                        match post.try_send().await {
                            Ok(answer) if answer.status == 200 => ended.lock().unwrap().push(copy),
                            _ => return,
                        }
                    }
                }
            });
        }
        let before = live.lock().unwrap().len();
        eventually("load", || live.lock().unwrap().len() > before).await;
        tokio::time::sleep(some_moment()).await;
        world.gateway.kill9().await;
        while let Some(worker) = load.join_next().await {
            worker.unwrap();
        }
        world.gateway.restart().await;

        let (live, ended) = (live.lock().unwrap().clone(), ended.lock().unwrap().clone());
        for browser in &live {
            assert!(
                world.is_logged_in(browser).await,
                "round {round}: lost\n{}",
                world.gateway.log()
            );
        }
        for copy in &ended {
            assert!(!world.is_logged_in(copy).await, "round {round}: back from the dead");
        }
        assert_eq!(world.echo(&live[0]).await.status, 200);
    }
    let (live, ended) = (live.lock().unwrap().len(), ended.lock().unwrap().len());
    println!("{live} sessions lived through {ROUNDS} kills, {ended} logouts stood");
}

/// R15: killed amid refreshes. The provider gives grace, so that a rotated token that died with the
/// process is no loss; everybody is logged in afterwards.
#[tokio::test]
async fn nobody_is_logged_out_by_a_kill_amid_refreshes() {
    let grace = ReusePolicy::Grace(Duration::from_secs(60));
    let mut world = World::build(Provider::builder().reuse(grace), |config| config).await;
    // Dead after 50 milliseconds: nearly each request refreshes.
    world.tokens_live(0.05);
    let mut browsers = Vec::new();
    for _ in 0..10 {
        browsers.push(world.logged_in().await);
    }
    for round in 0..ROUNDS {
        let before = world.provider.refreshes();
        let mut load = JoinSet::new();
        for browser in browsers.clone() {
            let url = world.at("/api/echo");
            load.spawn(async move {
                while let Ok(answer) = browser.request("GET", &url).try_send().await {
                    assert_eq!(answer.status, 200, "{answer:?}");
                }
            });
        }
        eventually("load", || world.provider.refreshes() > before + 10).await;
        tokio::time::sleep(some_moment()).await;
        world.gateway.kill9().await;
        while let Some(worker) = load.join_next().await {
            worker.unwrap();
        }
        world.gateway.restart().await;
        for browser in &browsers {
            let answer = world.echo(browser).await;
            assert_eq!(answer.status, 200, "round {round}: {answer:?}");
        }
    }
    assert_eq!(world.provider.live_grants(), browsers.len());
}

/// R15: a rotated token is stored before anybody gets it: a refresh whose answer has arrived is there
/// after `kill -9`, with a provider that would end the grant if the old token came again.
#[tokio::test]
async fn an_acknowledged_refresh_survives_a_kill() {
    let mut world = World::start().await;
    for _ in 0..3 {
        let browsers: [Browser; 8] = world.with_dead_tokens().await;
        let mut load = JoinSet::new();
        for browser in browsers {
            let url = world.at("/api/echo");
            load.spawn(async move {
                let answer = browser.request("GET", &url).try_send().await.ok()?;
                Some((browser, bearer(&answer)))
            });
        }
        // The first answer that arrives is the last thing that the gateway does.
        let first = load.join_next().await.expect("one of eight").unwrap();
        let (browser, token) = first.expect("an answer");
        world.gateway.kill9().await;
        load.shutdown().await;
        world.gateway.restart().await;
        let refreshes = world.provider.refreshes();
        assert_eq!(bearer(&world.echo(&browser).await), token);
        assert_eq!(world.provider.refreshes(), refreshes);
    }
}

/// A stop in good order loses nothing either, and the files stay the owner's alone.
#[tokio::test]
async fn a_restart_logs_nobody_out() {
    let mut world = World::start().await;
    let browser = world.logged_in().await;
    assert!(world.gateway.stop().await.success());
    world.gateway.restart().await;
    assert_eq!(world.echo(&browser).await.status, 200);
    #[cfg(unix)]
    for file in crate::world::files_below(&world.gateway.folder().join("data")) {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = file.metadata().expect("a file").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", file.display());
    }
}

/// R28, R30: without its keyring the store opens nothing; the gateway says so and serves on.
#[tokio::test]
async fn a_lost_keyring_logs_out_and_nothing_worse() {
    let mut world = World::start().await;
    let browser = world.logged_in().await;
    world.gateway.kill9().await;
    std::fs::remove_file(world.gateway.folder().join("data/keyring")).expect("a keyring");
    world.gateway.restart().await;
    assert_login_required(&world.echo(&browser).await);
    assert!(world.gateway.log().contains("session record refused"));
    world.log_in(&browser).await;
    assert_eq!(world.echo(&browser).await.status, 200);
    assert!(browser.jar().get("localhost", COOKIE).is_some());
}
