//! One refresh at a time per session, whoever waits for it and whoever goes away (R15).

use std::time::Duration;

use cloakroom_testkit::browser::Response;
use cloakroom_testkit::{Browser, Fault, eventually};
use tokio::task::JoinHandle;

use crate::world::{World, assert_login_required, bearer};

/// Requests arrive at a gateway that answers none of them: nothing tells when all are there.
const ARRIVAL: Duration = Duration::from_millis(300);

fn spawn(browser: &Browser, method: &'static str, url: String) -> JoinHandle<Response> {
    let browser = browser.clone();
    tokio::spawn(async move { browser.fetch(method, &url).await })
}

fn echoes(world: &World, browser: &Browser, count: usize) -> Vec<JoinHandle<Response>> {
    (0..count).map(|_| spawn(browser, "GET", world.at("/api/echo"))).collect()
}

/// R15, "50 parallel fetches": one refresh, fifty good answers, all with the one new token.
#[tokio::test]
async fn fifty_requests_wait_for_one_slow_refresh() {
    let world = World::start().await;
    let browser = world.with_dead_token().await;
    world.provider.on_refresh(Fault::Hold);
    let waiting = echoes(&world, &browser, 50);
    eventually("the refresh", || world.provider.refreshes() == 1).await;
    tokio::time::sleep(ARRIVAL).await;
    assert!(world.upstream.requests().is_empty(), "nothing goes up with the dead token");
    world.provider.release();

    let mut tokens = Vec::new();
    for answer in waiting {
        tokens.push(bearer(&answer.await.unwrap()));
    }
    tokens.dedup();
    assert_eq!(tokens.len(), 1, "everybody has the same new token");
    assert_eq!(world.provider.refreshes(), 1);
    assert_eq!(world.upstream.requests().len(), 50);
}

/// R15: the browser drops every fetch while the provider rotates. The rotated token is stored all the
/// same: this provider would end the grant if the old one came again.
#[tokio::test]
async fn a_refresh_outlives_everybody_who_waits_for_it() {
    let world = World::start().await;
    let browser = world.with_dead_token().await;
    // The answer that nobody waits for: counted from its request, it must outlive the hold.
    world.tokens_live(3.0);
    world.provider.on_refresh(Fault::Hold);
    let waiting = echoes(&world, &browser, 20);
    eventually("the refresh", || world.provider.refreshes() == 1).await;
    tokio::time::sleep(ARRIVAL).await;
    for fetch in waiting {
        fetch.abort();
        assert!(fetch.await.unwrap_err().is_cancelled());
    }
    // Let the gateway see that they are gone before the provider answers.
    tokio::time::sleep(ARRIVAL).await;
    assert_eq!(world.upstream.requests().len(), 0);
    world.provider.release();

    let first = bearer(&world.echo(&browser).await);
    assert_eq!(world.provider.refreshes(), 1, "what nobody waited for was stored");
    world.provider.heal();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_ne!(bearer(&world.echo(&browser).await), first);
    assert_eq!((world.provider.refreshes(), world.provider.live_grants()), (2, 1));
}

/// The wait is the provider's time, not the gateway's patience with one client.
#[tokio::test]
async fn who_comes_late_to_a_flight_joins_it() {
    let world = World::start().await;
    let browser = world.with_dead_token().await;
    world.provider.on_refresh(Fault::Hold);
    let early = spawn(&browser, "GET", world.at("/api/echo"));
    eventually("the refresh", || world.provider.refreshes() == 1).await;
    let others = [
        spawn(&browser, "POST", world.at("/auth/refresh")),
        spawn(&browser, "GET", world.at("/auth/session")),
        spawn(&browser, "GET", world.at("/api/whoami")),
    ];
    tokio::time::sleep(ARRIVAL).await;
    assert!(others.iter().all(|other| !other.is_finished()));
    world.provider.release();
    bearer(&early.await.unwrap());
    for (other, status) in others.into_iter().zip([204, 200, 200]) {
        assert_eq!(other.await.unwrap().status, status);
    }
    assert_eq!(world.provider.refreshes(), 1);
}

/// R15: `POST refresh` twenty times at once is one refresh; once more is none.
#[tokio::test]
async fn refresh_by_the_page_is_idempotent() {
    let world = World::start().await;
    let browser = world.with_dead_token().await;
    let all: Vec<_> = (0..20).map(|_| spawn(&browser, "POST", world.at("/auth/refresh"))).collect();
    for answer in all {
        let answer = answer.await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.body.len()), (204, 0), "{answer:?}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert!(answer.header_all("set-cookie").is_empty(), "the cookie does not change");
    }
    assert_eq!(world.provider.refreshes(), 1);
    assert_eq!(browser.fetch("POST", &world.at("/auth/refresh")).await.status, 204);
    assert_eq!(world.provider.refreshes(), 1, "a fresh token stays");
    let nobody = Browser::new().fetch("POST", &world.at("/auth/refresh")).await;
    assert_login_required(&nobody);
}

/// R15: a slow refresh of one session is nobody else's affair.
#[tokio::test]
async fn sessions_do_not_wait_for_each_other() {
    let world = World::start().await;
    let [slow, quick] = world.with_dead_tokens().await;
    world.provider.on_refresh(Fault::Hold);
    let waiting = spawn(&slow, "GET", world.at("/api/echo"));
    eventually("the slow refresh", || world.provider.refreshes() == 1).await;
    bearer(&world.echo(&quick).await);
    assert_eq!(world.provider.refreshes(), 2);
    assert!(!waiting.is_finished());
    world.provider.release();
    bearer(&waiting.await.unwrap());
}

/// R15, R17: a logout during a refresh stands, and the tokens that come after it are revoked. The
/// logout's own revocations fail here, so that only those of the late tokens can end the grant.
#[tokio::test]
async fn a_logout_during_a_refresh_stands() {
    let world = World::start().await;
    let browser = world.with_dead_token().await;
    let thief = browser.copy();
    world.provider.on_refresh(Fault::Hold);
    for _ in 0..2 {
        world.provider.on_revocation(Fault::Status(503));
    }
    let waiting = spawn(&browser, "GET", world.at("/api/echo"));
    eventually("the refresh", || world.provider.refreshes() == 1).await;
    assert_eq!(browser.fetch("POST", &world.at("/auth/logout")).await.status, 200);
    eventually("both revocations", || world.provider.revocations() == 2).await;
    assert_eq!(world.provider.live_grants(), 1);

    world.provider.release();
    assert_login_required(&waiting.await.unwrap());
    eventually("the late tokens' revocation", || world.provider.live_grants() == 0).await;
    assert_login_required(&world.echo(&thief).await);
    assert_eq!(world.upstream.requests().len(), 0);
}

/// R15: a token that is due and still good goes up at once; the refresh runs beside, once.
#[tokio::test]
async fn a_due_token_is_refreshed_beside_the_request() {
    let world = World::start().await;
    // Due after 14.4 to 15.2 seconds, by the session's id; dead after 15.6.
    world.tokens_live(16.0);
    let browser = world.logged_in().await;
    let first = bearer(&world.echo(&browser).await);
    world.provider.heal();
    tokio::time::sleep(Duration::from_millis(14_000)).await;
    assert_eq!(bearer(&world.echo(&browser).await), first);
    assert_eq!(world.provider.refreshes(), 0, "not before it is due");

    world.provider.on_refresh(Fault::Hold);
    while world.provider.refreshes() == 0 {
        assert_eq!(bearer(&world.echo(&browser).await), first, "served with the old token");
    }
    world.provider.release();
    let mut next = first.clone();
    while next == first {
        next = bearer(&world.echo(&browser).await);
    }
    assert_eq!(world.provider.refreshes(), 1);
}
