//! Scripted faults.

use std::time::{Duration, Instant};

use cloakroom_testkit::{Fault, eventually};
use serde_json::Value;

use crate::client::Shop;

#[tokio::test]
async fn faults_that_change_nothing_leave_the_token_valid() {
    let shop = Shop::start().await;
    let mut tokens = shop.tokens().await;
    for (fault, status) in [
        (Fault::Status(500), 500),
        (Fault::Status(502), 502),
        (Fault::Garbage, 200),
        (Fault::EmptyBody400, 400),
        (Fault::InvalidGrant, 400),
    ] {
        shop.provider.on_refresh(fault);
        let answer = shop.refresh(&tokens).await;
        assert_eq!(answer.status, status, "{fault:?}");
        let json = serde_json::from_slice::<Value>(&answer.body);
        assert_eq!(json.is_ok(), fault == Fault::InvalidGrant, "{fault:?}");
        tokens = shop.refresh(&tokens).await.json();
    }
    assert_eq!(shop.provider.refreshes(), 10);
}

#[tokio::test]
async fn a_cut_comes_before_or_after_the_rotation() {
    let shop = Shop::start().await;
    let tokens = shop.tokens().await;
    shop.provider.on_refresh(Fault::CutBeforeRotation);
    assert!(shop.try_refresh(&tokens).await.is_err());
    let tokens = shop.refresh(&tokens).await.json();
    shop.provider.on_refresh(Fault::CutAfterRotation);
    assert!(shop.try_refresh(&tokens).await.is_err());
    assert_eq!(shop.refresh(&tokens).await.json()["error"], "invalid_grant");
}

#[tokio::test]
async fn an_answer_can_lack_the_refresh_token() {
    let shop = Shop::start().await;
    let tokens = shop.tokens().await;
    shop.provider.on_refresh(Fault::NoRefreshToken);
    let answer = shop.refresh(&tokens).await.json();
    assert!(answer["access_token"].is_string() && answer.get("refresh_token").is_none());
    assert_eq!(shop.refresh(&tokens).await.status, 200);
}

#[tokio::test]
async fn a_slow_refresh_still_rotates() {
    let shop = Shop::start().await;
    let tokens = shop.tokens().await;
    shop.provider.on_refresh(Fault::Slow(Duration::from_millis(50)));
    let start = Instant::now();
    assert_eq!(shop.refresh(&tokens).await.status, 200);
    assert!(start.elapsed() >= Duration::from_millis(50));
}

#[tokio::test]
async fn a_held_refresh_goes_on_even_if_the_client_hangs_up() {
    let shop = Shop::start().await;
    let tokens = shop.tokens().await;
    shop.provider.on_refresh(Fault::Hold);
    tokio::select! {
        _ = shop.refresh(&tokens) => panic!("it is held"),
        () = eventually("the refresh arrives", || shop.provider.refreshes() == 1) => {}
    }
    // The provider has seen the end of that connection when it has answered on a newer one.
    shop.browser.fetch("GET", &shop.endpoint("/jwks")).await;
    let issued = shop.provider.issued_secrets().len();
    shop.provider.release();
    eventually("it rotates", || shop.provider.issued_secrets().len() > issued).await;
    assert_eq!(shop.refresh(&tokens).await.json()["error"], "invalid_grant");
}

#[tokio::test]
async fn a_sticky_fault_comes_after_the_queue_and_lasts_until_healed() {
    let shop = Shop::start().await;
    let tokens = shop.tokens().await;
    shop.provider.on_refresh(Fault::Status(503).always());
    shop.provider.on_refresh(Fault::Status(500));
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(shop.refresh(&tokens).await.status.as_u16());
    }
    assert_eq!(statuses, [500, 503, 503]);
    shop.provider.heal();
    assert_eq!(shop.refresh(&tokens).await.status, 200);
}

#[tokio::test]
async fn each_step_has_its_own_faults() {
    let shop = Shop::start().await;
    shop.provider.on_code_exchange(Fault::CutAfterRotation);
    shop.provider.on_jwks(Fault::Status(500));
    shop.provider.on_discovery(Fault::Garbage);
    let jwks = shop.endpoint("/jwks");
    assert_eq!(shop.browser.fetch("GET", &jwks).await.status, 500);
    assert_eq!(shop.browser.fetch("GET", &jwks).await.status, 200);
    let discovery = shop.endpoint("/.well-known/openid-configuration");
    assert!(shop.browser.fetch("GET", &discovery).await.text().contains("oops"));
    let code = shop.code().await;
    let cut = shop.token(&[("grant_type", "authorization_code"), ("code", &code)]).await;
    assert!(cut.is_err());
    assert_eq!(shop.exchange(&code).await.json()["error"], "invalid_grant");
}

#[tokio::test]
async fn an_outage_cuts_everything_and_ends() {
    let shop = Shop::start().await;
    let tokens = shop.tokens().await;
    shop.provider.on_jwks(Fault::Hold);
    let held = tokio::spawn(shop.browser.request("GET", &shop.endpoint("/jwks")).try_send());
    eventually("a request is held", || shop.provider.jwks_fetches() == 1).await;
    shop.provider.stop_answering();
    eventually("the held request fails", || held.is_finished()).await;
    assert!(held.await.unwrap().is_err());
    assert!(shop.try_refresh(&tokens).await.is_err());
    shop.provider.resume();
    assert_eq!(shop.refresh(&tokens).await.status, 200);
}
