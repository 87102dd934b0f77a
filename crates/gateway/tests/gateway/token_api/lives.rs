//! Refresh and logout: by the gateway itself, and by the page's own requests.

use std::time::Duration;

use cloakroom_testkit::login_service::SECRET;
use cloakroom_testkit::{Browser, Fault, eventually};
use serde_json::json;

use super::{Shop, whole};
use crate::world::{assert_login_required, assert_outage, assert_problem, cookie, retry};

async fn serves(shop: &Shop, browser: &Browser) {
    let served = retry("an answer", || shop.whoami(browser), |answer| answer.status == 200).await;
    assert_eq!(served.json()["sub"], "anna");
}

#[tokio::test]
async fn r15_a_dead_token_is_replaced_once_whoever_asks() {
    let shop = Shop::start().await;
    let browser = shop.with_dead_token().await;
    let calls: Vec<_> = (0..6)
        .map(|_| {
            let (browser, url) = (browser.clone(), shop.at("/api/whoami"));
            tokio::spawn(async move { browser.fetch("GET", &url).await })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap().json()["sub"], "anna");
    }
    assert_eq!((shop.service.refreshes(), shop.service.live_logins()), (1, 1));
    // The rotated one is spent next, not the old one, which would end the login.
    shop.service.tokens_live(Duration::from_secs(1));
    let browser = shop.with_dead_token().await;
    serves(&shop, &browser).await;
    assert_eq!((shop.service.refreshes(), shop.service.live_logins()), (2, 2));
}

#[tokio::test]
async fn r15_an_outage_of_the_service_is_no_logout() {
    let shop = Shop::start().await;
    for fault in [Fault::Status(500), Fault::Status(404), Fault::Garbage, Fault::CutBeforeRotation]
    {
        let browser = shop.with_dead_token().await;
        shop.service.on_refresh(fault);
        assert_outage(&shop.whoami(&browser).await);
        assert!(shop.is_logged_in(&browser).await, "{fault:?}");
        serves(&shop, &browser).await;
    }
}

#[tokio::test]
async fn r15_a_refused_refresh_token_ends_the_session() {
    let shop = Shop::start().await;
    for status in [400, 401, 403] {
        let browser = shop.with_dead_token().await;
        shop.service.on_refresh(Fault::Status(status));
        assert_login_required(&shop.whoami(&browser).await);
        assert!(!shop.is_logged_in(&browser).await, "{status}");
    }
}

#[tokio::test]
async fn r15_an_answer_without_a_refresh_token_keeps_the_old_one() {
    let shop = Shop::start().await;
    let browser = shop.with_dead_token().await;
    shop.service.on_refresh(Fault::NoRefreshToken);
    serves(&shop, &browser).await;
    assert!(shop.is_logged_in(&browser).await);
}

#[tokio::test]
async fn without_refresh_tokens_a_session_lasts_as_long_as_its_token() {
    let shop = Shop::start().await;
    shop.service.on_login(Fault::NoRefreshToken);
    let browser = shop.with_dead_token().await;
    assert_login_required(&shop.whoami(&browser).await);
    assert!(!shop.is_logged_in(&browser).await);
    assert_eq!(shop.service.refreshes(), 0);
}

#[tokio::test]
async fn the_page_s_own_refresh_is_answered_without_tokens() {
    let shop = Shop::configured(|config| {
        let config = config.set("provider", "placeholder = 'kept'");
        // The whole table, with a path.
        let url = config.to_toml();
        let url = url.lines().find(|line| line.starts_with("url = ") && line.contains("refresh"));
        let refresh = format!(
            "[refresh]\n{}\njson = {{ refreshToken = '{{refresh_token}}' }}\npath = '/api/refresh'",
            url.unwrap()
        );
        config.set("provider", &refresh)
    })
    .await;
    let own = |browser: &Browser| {
        let request = browser.request("POST", &shop.at("/api/refresh"));
        request.json(&json!({ "refreshToken": "kept" })).send()
    };
    let browser = shop.logged_in().await;
    let fresh = own(&browser).await;
    assert_eq!(fresh.status, 200, "{fresh:?}");
    let left = fresh.json()["expiresIn"].as_u64().unwrap();
    assert!((290..=300).contains(&left), "{fresh:?}");
    assert_eq!(
        (&fresh.json()["token"], &fresh.json()["refreshToken"]),
        (&json!("kept"), &json!("kept"))
    );
    assert_eq!(shop.service.refreshes(), 0, "a fresh token is left alone");
    let dead = shop.with_dead_token().await;
    let replaced = own(&dead).await;
    assert_eq!((replaced.status.as_u16(), shop.service.refreshes()), (200, 1));
    shop.assert_free_of_tokens(&[&whole(&replaced)]);
    assert_eq!(shop.whoami(&dead).await.json()["sub"], "anna");
    assert_login_required(&own(&Browser::new()).await);
    let foreign = browser.cross_site_post(&shop.at("/api/refresh")).await;
    assert_eq!(foreign.status, 403);
}

#[tokio::test]
async fn r17_a_logout_at_the_gateway_is_told_to_the_service() {
    let shop = Shop::start().await;
    let browser = shop.logged_in().await;
    let logout = browser.fetch("POST", &shop.at("/auth/logout")).await;
    assert_eq!((logout.status.as_u16(), logout.json()["location"].as_str()), (200, Some("/")));
    assert!(cookie(&browser).is_none());
    eventually("the service knows", || shop.service.live_logins() == 0).await;
    assert_login_required(&shop.whoami(&browser).await);
}

/// The service's tokens name neither issuer nor audience; a shared secret is what verifies them.
const ACCESS_TOKEN: &str = "access_token = { allow_missing_issuer = true, \
     allow_missing_audience = true, shared_secret = { env = 'JWT_SECRET' } }";

#[tokio::test]
async fn a_login_service_and_every_session_mode_go_together() {
    for mode in ["server", "sealed", "jwt"] {
        let shop = Shop::configured(|config| {
            config
                .set("session", &format!("mode = '{mode}'"))
                .set("provider", ACCESS_TOKEN)
                .env("JWT_SECRET", SECRET)
        })
        .await;
        let browser = Browser::new();
        let answer = shop.log_in(&browser).await;
        assert_eq!(answer.status, 200, "{mode}: {answer:?}\n{}", shop.gateway.log());
        shop.assert_free_of_tokens(&[&answer.text()]);
        assert_eq!(shop.whoami(&browser).await.json()["sub"], "anna", "{mode}");
        let refresh = browser.fetch("POST", &shop.at("/auth/refresh")).await;
        assert_eq!(refresh.status, 204, "{mode}: {refresh:?}");
        assert!(shop.is_logged_in(&browser).await, "{mode}");
        // In mode `jwt` the logout is sent on to where the refresh token's cookie comes to.
        let logout = if mode == "jwt" { "/auth/refresh/logout" } else { "/auth/logout" };
        let logout = browser.fetch("POST", &shop.at(logout)).await;
        assert_eq!(logout.status, 200, "{mode}: {logout:?}");
        eventually("the service knows", || shop.service.live_logins() == 0).await;
        assert_login_required(&shop.whoami(&browser).await);
    }
}

async fn with_own_logout() -> Shop {
    Shop::configured(|config| config.set("provider", "logout = { path = '/api/logout' }")).await
}

#[tokio::test]
async fn the_page_s_own_logout_ends_the_session_too() {
    let shop = with_own_logout().await;
    let browser = shop.logged_in().await;
    let thief = browser.copy();
    let logout = browser.fetch("POST", &shop.at("/api/logout")).await;
    assert_eq!(logout.status, 204, "the service's own answer");
    assert_eq!((shop.service.logouts(), shop.service.live_logins()), (1, 0), "with its token");
    assert!(cookie(&browser).is_none(), "the cookie is gone (R48)");
    assert_login_required(&shop.whoami(&thief).await);
    // Again, without a session: the service answers as it will.
    let again = browser.fetch("POST", &shop.at("/api/logout")).await;
    assert_eq!(again.status, 401);
    assert_eq!(again.problem(), None, "the service's own 401");
}

/// R48: the session ends first, whatever becomes of the service.
#[tokio::test]
async fn r48_the_page_s_own_logout_ends_the_session_without_the_service() {
    let shop = with_own_logout().await;
    let browser = shop.logged_in().await;
    shop.service.set_down(true);
    let logout = browser.fetch("POST", &shop.at("/api/logout")).await;
    assert_problem(&logout, 502, "upstream-unreachable");
    assert!(cookie(&browser).is_none(), "the browser forgets all the same");
    shop.service.set_down(false);
    // Also where its token is dead and cannot be replaced.
    let browser = shop.with_dead_token().await;
    let thief = browser.copy();
    shop.service.on_refresh(Fault::Status(500));
    browser.fetch("POST", &shop.at("/api/logout")).await;
    assert!(!shop.is_logged_in(&thief).await && cookie(&browser).is_none());
}

#[tokio::test]
async fn r40_another_site_logs_nobody_out() {
    let shop = with_own_logout().await;
    let browser = shop.logged_in().await;
    let refused = browser.cross_site_post(&shop.at("/api/logout")).await;
    assert_eq!(refused.status, 403);
    assert!(shop.is_logged_in(&browser).await);
    assert_eq!(shop.service.logouts(), 0);
}
