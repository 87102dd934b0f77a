//! How sessions end, and what ends with them.

use std::time::Duration;

use cloakroom::{ProviderKind, cloakroom_core::cookie::SameSite};
use cloakroom_testkit::{Browser, Fault, eventually};

use crate::service::{Mode, Service, in_each_mode, start, start_with};

in_each_mode! {
    r31_a_new_login_ends_the_old_session_also_with_a_strict_cookie,
    r15_a_refresh_goes_on_when_nobody_waits_and_a_shutdown_waits_for_it,
    r17_what_a_refresh_brings_to_a_session_that_was_logged_out_is_revoked,
    what_a_refresh_brings_to_a_session_that_a_login_replaced_is_left_to_expire,
    without_a_refresh_token_the_api_s_refusal_asks_for_a_login,
}

async fn is_logged_in(service: &Service, browser: &Browser) -> bool {
    service.call(browser, "/auth/session").await.json()["loggedIn"] == true
}

/// A refresh that the provider holds, begun by a request that is given up.
async fn held_refresh(service: &Service, browser: &Browser) {
    service.pass(Duration::from_secs(301));
    service.provider.on_refresh(Fault::Hold);
    let waiting = service.call(browser, "/api/seen");
    tokio::select! {
        _ = waiting => panic!("the provider holds the refresh"),
        () = eventually("the refresh is at the provider", || service.provider.refreshes() == 1) => {}
    }
}

async fn r31_a_new_login_ends_the_old_session_also_with_a_strict_cookie(mode: Mode) {
    for same_site in [SameSite::Lax, SameSite::Strict] {
        let service = start_with(mode, |settings| settings.cookie.same_site = same_site).await;
        let browser = Browser::new();
        browser.login(&service.url, "anna", "pw", "/").await;
        let thief = browser.copy();
        assert!(is_logged_in(&service, &thief).await);
        browser.login(&service.url, "anna", "pw", "/").await;
        assert!(is_logged_in(&service, &browser).await);
        assert!(!is_logged_in(&service, &thief).await, "{same_site:?}");
    }
}

async fn r15_a_refresh_goes_on_when_nobody_waits_and_a_shutdown_waits_for_it(mode: Mode) {
    let service = start(mode).await;
    let browser = Browser::new();
    browser.login(&service.url, "anna", "pw", "/").await;
    held_refresh(&service, &browser).await;
    let drained = service.cloakroom.drain();
    tokio::pin!(drained);
    tokio::select! {
        biased;
        () = &mut drained => panic!("a refresh was under way"),
        () = tokio::task::yield_now() => {}
    }
    service.provider.release();
    drained.await;
    assert_eq!(service.call(&browser, "/api/seen").await.status.as_u16(), 200);
    assert_eq!(service.provider.refreshes(), 1, "the successor was stored");
}

async fn r17_what_a_refresh_brings_to_a_session_that_was_logged_out_is_revoked(mode: Mode) {
    let service = start(mode).await;
    let browser = Browser::new();
    browser.login(&service.url, "anna", "pw", "/").await;
    held_refresh(&service, &browser).await;
    // Else the provider ends the grant at once, and the refresh brings nothing.
    service.provider.on_revocation(Fault::Status(503));
    service.provider.on_revocation(Fault::Status(503));
    let logout = service.log_out(&browser).await;
    assert_eq!(logout.status.as_u16(), 200);
    eventually("the old set's revocations failed", || service.provider.revocations() == 2).await;
    service.provider.release();
    service.cloakroom.drain().await;
    assert_eq!(service.provider.live_grants(), 0);
    assert_eq!(service.provider.revocations(), 4, "two tokens of each set");
}

async fn what_a_refresh_brings_to_a_session_that_a_login_replaced_is_left_to_expire(mode: Mode) {
    let service = start(mode).await;
    let browser = Browser::new();
    browser.login(&service.url, "anna", "pw", "/").await;
    held_refresh(&service, &browser).await;
    browser.login(&service.url, "anna", "pw", "/").await;
    service.provider.release();
    service.cloakroom.drain().await;
    assert_eq!(service.provider.revocations(), 0, "it could end the new session's grant");
    assert_eq!(service.call(&browser, "/api/seen").await.status.as_u16(), 200);
}

async fn without_a_refresh_token_the_api_s_refusal_asks_for_a_login(mode: Mode) {
    let service = start_with(mode, |settings| {
        let ProviderKind::Oidc(client) = &mut settings.providers[0].kind else { panic!("OIDC") };
        client.scopes = vec!["openid".to_owned()];
    })
    .await;
    let browser = Browser::new();
    browser.login(&service.url, "anna", "pw", "/").await;
    let refused = service.call(&browser, "/api/refuse").await;
    // In mode jwt only a refresh can tell.
    let expected = (mode != Mode::Jwt).then_some("login-required");
    assert_eq!(refused.header("cloakroom-session"), expected);
    service.pass(Duration::from_secs(301));
    let over = service.call(&browser, "/api/seen").await;
    assert_eq!(over.problem().as_deref(), Some("login-required"));
    assert!(!is_logged_in(&service, &browser).await);
}
