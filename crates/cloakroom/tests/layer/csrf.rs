//! The CSRF token is the session's in every mode (R41).

use std::time::Duration;

use cloakroom::{
    CsrfTokenSettings,
    cloakroom_core::cookie::{CookieName, SameSite},
};
use cloakroom_testkit::{Browser, browser::Response};

use crate::service::{Mode, Service, in_each_mode, start_with};

in_each_mode! {
    r41_a_token_is_good_for_its_session_alone_and_over_its_refresh,
    r41_same_site_none_asks_for_the_token_unasked,
    r41_a_page_that_opens_with_an_expired_token_can_refresh,
    r41_a_logout_wants_the_token_and_takes_the_companion_along,
}

fn token() -> CsrfTokenSettings {
    let cookie = Some(CookieName::parse("XSRF-TOKEN").unwrap());
    CsrfTokenSettings { cookie, ..CsrfTokenSettings::default() }
}

async fn logged_in(service: &Service, user: &str) -> (Browser, String) {
    let browser = Browser::new();
    browser.login(&service.url, user, "pw", "/").await;
    let session = browser.fetch("GET", &format!("{}/auth/session", service.url)).await.json();
    (browser, session["csrfToken"].as_str().expect("a token").to_owned())
}

async fn post(service: &Service, browser: &Browser, path: &str, token: &str) -> Response {
    let request = browser.request("POST", &format!("{}{path}", service.url));
    request.header("x-csrf-token", token).send().await
}

async fn r41_a_token_is_good_for_its_session_alone_and_over_its_refresh(mode: Mode) {
    let service = start_with(mode, |settings| settings.csrf_token = Some(token())).await;
    let (browser, mine) = logged_in(&service, "anna").await;
    let (other, theirs) = logged_in(&service, "ben").await;
    // The access tokens are dead: what follows is after a refresh, which in mode jwt the page asks for.
    service.pass(Duration::from_secs(301));
    for (browser, token) in [(&browser, &mine), (&other, &theirs)] {
        let refreshed = post(&service, browser, "/auth/refresh", token).await;
        assert_eq!(refreshed.status.as_u16(), 204, "{refreshed:?}");
    }
    for (browser, token, status) in [
        (&browser, &mine, 200),
        (&browser, &theirs, 403),
        (&other, &mine, 403),
        (&other, &theirs, 200),
    ] {
        let answer = post(&service, browser, "/api/seen", token).await;
        assert_eq!(answer.status.as_u16(), status, "{answer:?}");
    }
    let companion = browser.jar().get("localhost", "XSRF-TOKEN").expect("a companion").value;
    assert_eq!(post(&service, &browser, "/api/seen", &companion).await.status.as_u16(), 200);
}

async fn r41_same_site_none_asks_for_the_token_unasked(mode: Mode) {
    let service = start_with(mode, |settings| settings.cookie.same_site = SameSite::None).await;
    let (browser, mine) = logged_in(&service, "anna").await;
    let refused = browser.fetch("POST", &format!("{}/api/seen", service.url)).await;
    assert_eq!((refused.status.as_u16(), refused.problem().as_deref()), (403, Some("csrf-token")));
    assert_eq!(post(&service, &browser, "/api/seen", &mine).await.status.as_u16(), 200);
}

async fn r41_a_logout_wants_the_token_and_takes_the_companion_along(mode: Mode) {
    let service = start_with(mode, |settings| settings.csrf_token = Some(token())).await;
    let (browser, mine) = logged_in(&service, "anna").await;
    // In mode jwt the session's cookies come along only there; the way to it is a redirect.
    let path = if mode == Mode::Jwt { "/auth/refresh/logout" } else { "/auth/logout" };
    let refused = post(&service, &browser, path, "").await;
    assert_eq!((refused.status.as_u16(), refused.problem().as_deref()), (403, Some("csrf-token")));
    let out = post(&service, &browser, path, &mine).await;
    assert_eq!(out.status.as_u16(), 200, "{out:?}");
    assert!(out.header_all("set-cookie").iter().any(|it| it.starts_with("XSRF-TOKEN=;")));
    assert!(browser.jar().of("localhost").is_empty());
}

/// In mode jwt the page has to ask for the refresh: who opens it later needs a token for that.
async fn r41_a_page_that_opens_with_an_expired_token_can_refresh(mode: Mode) {
    let without_companion = |settings: &mut cloakroom::Settings| {
        settings.csrf_token = Some(CsrfTokenSettings::default());
    };
    let service = start_with(mode, without_companion).await;
    let (browser, _) = logged_in(&service, "anna").await;
    let (other, _) = logged_in(&service, "ben").await;
    service.pass(Duration::from_secs(301));
    let url = format!("{}/auth/session", service.url);
    let token = |answer: Response| answer.json()["csrfToken"].as_str().expect("a token").to_owned();
    let (mine, theirs) =
        (token(browser.fetch("GET", &url).await), token(other.fetch("GET", &url).await));
    let wrong = post(&service, &browser, "/auth/refresh", &theirs).await;
    assert_eq!((wrong.status.as_u16(), wrong.problem().as_deref()), (403, Some("csrf-token")));
    let refreshed = post(&service, &browser, "/auth/refresh", &mine).await;
    assert_eq!(refreshed.status.as_u16(), 204, "{refreshed:?}");
    assert_eq!(post(&service, &browser, "/api/seen", &mine).await.status.as_u16(), 200);
    // A token that nobody signed gets none of somebody's.
    if mode == Mode::Jwt {
        let cookie = browser.jar().get("localhost", "__Host-access_token").expect("a token");
        let (signed, _) = cookie.value.rsplit_once('.').expect("a signature");
        let forged = format!("__Host-access_token={signed}.AAAA; Path=/; Secure");
        service.pass(Duration::from_secs(301));
        let attacker = Browser::new();
        assert!(attacker.jar().set(&service.url, &forged));
        let answer = attacker.fetch("GET", &url).await;
        assert!(answer.json().get("csrfToken").is_none(), "{answer:?}");
    }
}
