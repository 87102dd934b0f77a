//! What the provider's answer to a refresh means (R15, R10): only `invalid_grant` ends a session.

use std::time::{Duration, Instant};

use cloakroom_testkit::provider::Signature;
use cloakroom_testkit::{Browser, Fault, Provider, ReusePolicy};
use serde_json::json;

use crate::world::{World, assert_login_required, assert_outage, bearer, retry};

const GRACE: ReusePolicy = ReusePolicy::Grace(Duration::from_secs(60));

async fn until_served(world: &World, browser: &Browser) {
    let served = retry("an answer of the upstream", || world.echo(browser), |it| it.status == 200);
    assert!(!bearer(&served.await).is_empty());
}

/// R15: an expired token is replaced before the request goes on, and with that one the API is called.
#[tokio::test]
async fn an_expired_token_is_refreshed_before_the_request_goes_on() {
    let world = World::start().await;
    world.tokens_live(2.0);
    let browser = world.logged_in().await;
    let first = bearer(&world.echo(&browser).await);
    world.provider.heal();
    assert_eq!(world.provider.refreshes(), 0, "a fresh token is used as it is");
    tokio::time::sleep(Duration::from_secs(2)).await;

    let second = bearer(&world.echo(&browser).await);
    assert_ne!(first, second);
    assert_eq!(bearer(&world.echo(&browser).await), second);
    assert_eq!(world.provider.refreshes(), 1);
    let whoami = browser.fetch("GET", &world.at("/api/whoami")).await;
    assert_eq!(whoami.json()["sub"], "anna", "the new token is good");
}

/// R15: whatever a sick provider answers, nobody is logged out, and nothing goes upstream meanwhile.
#[tokio::test]
async fn an_outage_is_no_logout() {
    let faults = [
        Fault::Status(500),
        Fault::Status(503),
        Fault::Status(429),
        Fault::Status(502),
        Fault::Status(302),
        // A page of some firewall, and our own client refused: the operator's affair.
        Fault::Status(400),
        Fault::Status(401),
        Fault::Status(403),
        Fault::Garbage,
        Fault::CutBeforeRotation,
    ];
    let world = World::start().await;
    let browsers: [Browser; 10] = world.with_dead_tokens().await;
    for (number, (browser, fault)) in browsers.iter().zip(faults).enumerate() {
        world.provider.on_refresh(fault);
        let answer = world.echo(browser).await;
        assert_outage(&answer);
        assert_eq!(
            world.provider.refreshes(),
            number + 1,
            "{fault:?} is not asked again by itself"
        );
        assert!(world.is_logged_in(browser).await, "{fault:?}");
    }
    assert!(world.upstream.requests().is_empty(), "no request goes up with a dead token");
    for browser in &browsers {
        until_served(&world, browser).await;
    }
    assert_eq!(world.provider.refreshes(), 2 * faults.len());
    assert_eq!(world.provider.live_grants(), browsers.len());
}

/// R15: no answer at all, from discovery to tokens; the page can still tell who is logged in.
#[tokio::test]
async fn a_provider_that_is_gone_logs_nobody_out() {
    let world = World::start().await;
    let browser = world.with_dead_token().await;
    world.provider.stop_answering();
    assert_outage(&world.echo(&browser).await);
    assert_outage(&browser.fetch("POST", &world.at("/auth/refresh")).await);
    let session = browser.fetch("GET", &world.at("/auth/session")).await.json();
    assert_eq!((&session["loggedIn"], &session["expiresIn"]), (&json!(true), &json!(0)));
    world.provider.resume();
    until_served(&world, &browser).await;
}

/// R15, R71: during an outage one session asks its provider once in two seconds, whatever its tabs do.
#[tokio::test]
async fn an_outage_is_not_made_worse() {
    let world = World::start().await;
    let browser = world.with_dead_token().await;
    world.provider.on_refresh(Fault::Status(500).always());
    let start = Instant::now();
    for _ in 0..10 {
        let echoes = (0..5).map(|_| {
            let (browser, url) = (browser.clone(), world.at("/api/echo"));
            tokio::spawn(async move { browser.fetch("GET", &url).await })
        });
        for echo in echoes.collect::<Vec<_>>() {
            assert_outage(&echo.await.unwrap());
        }
        assert_outage(&browser.fetch("POST", &world.at("/auth/refresh")).await);
        assert!(world.is_logged_in(&browser).await);
    }
    let allowed = 1 + start.elapsed().as_secs() as usize / 2;
    let refreshes = world.provider.refreshes();
    assert!((1..=allowed).contains(&refreshes), "{refreshes} refreshes in {:?}", start.elapsed());
}

/// R15: the rotated token is lost on the way. A provider that gives grace lets the next try through.
#[tokio::test]
async fn cut_after_rotation_is_survived_with_grace() {
    let world = World::build(Provider::builder().reuse(GRACE), |config| config).await;
    let browser = world.with_dead_token().await;
    world.provider.on_refresh(Fault::CutAfterRotation);
    assert_outage(&world.echo(&browser).await);
    assert_eq!(world.provider.refreshes(), 1, "a refresh token is never sent twice by itself");
    until_served(&world, &browser).await;
    assert_eq!(world.provider.refreshes(), 2);
}

/// R15: without grace the next try is reuse, which ends the grant; then the session ends as well.
#[tokio::test]
async fn cut_after_rotation_without_grace_ends_at_the_next_try() {
    let world = World::start().await;
    let browser = world.with_dead_token().await;
    world.provider.on_refresh(Fault::CutAfterRotation);
    assert_outage(&world.echo(&browser).await);
    assert!(world.is_logged_in(&browser).await, "until the provider has spoken");
    let last =
        retry("an end of the outage", || world.echo(&browser), |answer| answer.status != 503).await;
    assert_login_required(&last);
    assert!(!world.is_logged_in(&browser).await);
    assert_eq!((world.provider.refreshes(), world.provider.live_grants()), (2, 0));
    assert!(world.upstream.requests().is_empty());
}

/// R15: an answer without a refresh token keeps the old one, and that one still works.
#[tokio::test]
async fn an_answer_without_a_refresh_token_keeps_the_old_one() {
    let world = World::start().await;
    let browser = world.with_dead_token().await;
    world.short_life();
    world.provider.on_refresh(Fault::NoRefreshToken);
    let first = bearer(&world.echo(&browser).await);
    world.provider.heal();
    world.until_dead().await;
    assert_ne!(bearer(&world.echo(&browser).await), first);
    assert_eq!((world.provider.refreshes(), world.provider.live_grants()), (2, 1));
}

/// R15: `invalid_grant`, and Glewlwyd's empty 400, end the session: for the API, the page and the store.
#[tokio::test]
async fn a_dead_refresh_token_ends_the_session() {
    let world = World::start().await;
    let browsers: [Browser; 2] = world.with_dead_tokens().await;
    for (browser, fault) in browsers.iter().zip([Fault::InvalidGrant, Fault::EmptyBody400]) {
        let before = world.provider.refreshes();
        world.provider.on_refresh(fault);
        assert_login_required(&world.echo(browser).await);
        assert_login_required(&world.echo(browser).await);
        assert_login_required(&browser.fetch("POST", &world.at("/auth/refresh")).await);
        assert!(!world.is_logged_in(browser).await);
        assert_eq!(world.provider.refreshes(), before + 1, "the record is gone: nobody asks again");
    }
    assert!(world.upstream.requests().is_empty());
    let navigation = browsers[0].navigate(&world.at("/api/echo")).await;
    assert_eq!(navigation.status, 303, "a person is led to the login");
    assert_eq!(navigation.location().unwrap().path(), "/auth/login");
}

/// R10: tokens of another user end the session, and are never used.
#[tokio::test]
async fn another_users_id_token_ends_the_session() {
    let world = World::start().await;
    let browser = world.with_dead_token().await;
    world.provider.tamper_id_token(|token| token.claims["sub"] = json!("ben"));
    assert_login_required(&world.echo(&browser).await);
    assert_login_required(&world.echo(&browser).await);
    assert_eq!(world.provider.refreshes(), 1);
    assert!(world.upstream.requests().is_empty());
}

/// R10: the user is issuer *and* subject; a refreshed ID Token of another issuer names nobody we know,
/// and changes nothing of what the page is told.
#[tokio::test]
async fn an_id_token_that_does_not_verify_changes_no_claims() {
    let world = World::start().await;
    let browser = world.with_dead_token().await;
    world.provider.tamper_id_token(|token| {
        token.claims["name"] = json!("Mallory");
        token.signature = Signature::ForeignKey;
    });
    bearer(&world.echo(&browser).await);
    let session = browser.fetch("GET", &world.at("/auth/session")).await.json();
    assert_eq!(session["claims"]["name"], "Anna");
}

/// OIDC Core §12.2: claims that changed at the provider reach the page with the refresh.
#[tokio::test]
async fn refreshed_claims_reach_the_page() {
    let world = World::start().await;
    let browser = world.with_dead_token().await;
    world.provider.tamper_id_token(|token| token.claims["name"] = json!("Anna Married"));
    let session = browser.fetch("GET", &world.at("/auth/session")).await.json();
    assert_eq!(session["claims"]["name"], "Anna Married");
    assert!((290..=300).contains(&session["expiresIn"].as_u64().unwrap()), "{session}");
}

/// A provider that gives no refresh token: the session lasts as long as its access token.
#[tokio::test]
async fn without_a_refresh_token_the_session_ends_with_its_token() {
    let world = World::configured(|config| config.set("provider", "scopes = ['openid']")).await;
    let browser = world.with_dead_token().await;
    assert_login_required(&world.echo(&browser).await);
    assert_eq!(world.provider.refreshes(), 0);
}
