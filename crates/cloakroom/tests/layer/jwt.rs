//! Mode `jwt`: the access token in a cookie of its own, refreshed where the page asks.

use std::time::Duration;

use cloakroom_testkit::{Browser, Fault, browser::Cookie};
use serde_json::{Value, json};

use crate::service::{IDLE, Mode, Service, start, start_with};

const SECOND: Duration = Duration::from_secs(1);
const HOST: &str = "localhost";
const ACCESS: &str = "__Host-access_token";
const REFRESH: &str = "__Secure-session-refresh";

async fn logged_in() -> (Service, Browser) {
    let (service, browser) = (start(Mode::Jwt).await, Browser::new());
    browser.login(&service.url, "anna", "pw", "/").await;
    (service, browser)
}

fn cookie(browser: &Browser, name: &str) -> Cookie {
    browser.jar().get(HOST, name).unwrap_or_else(|| panic!("the cookie {name}"))
}

fn set(browser: &Browser, name: &str, value: &str) {
    browser.jar().put(Cookie { value: value.to_owned(), ..cookie(browser, name) });
}

fn url(service: &Service, path: &str) -> String {
    format!("{}{path}", service.url)
}

#[tokio::test]
async fn the_two_cookies_go_where_they_belong() {
    let (service, browser) = logged_in().await;
    let (access, refresh) = (cookie(&browser, ACCESS), cookie(&browser, REFRESH));
    assert_eq!((access.path.as_str(), refresh.path.as_str()), ("/", "/auth/refresh"));
    for cookie in [&access, &refresh] {
        assert!(
            cookie.http_only && cookie.secure && cookie.name.len() + cookie.value.len() <= 4096
        );
    }
    assert_eq!(access.value.split('.').count(), 3, "a JWT as it is");
    assert_eq!(browser.jar().of(HOST).len(), 2);
    let mint = service.provider.mint();
    assert_eq!(mint.verify(&access.value).unwrap()["sub"], "anna", "an API can verify it itself");

    // The upstream gets the one, also where a client sends both (R35).
    let both = format!("{ACCESS}={}; theme=dark; {REFRESH}={}", access.value, refresh.value);
    let request = browser.request("GET", &url(&service, "/api/seen")).header("cookie", &both);
    let seen = request.send().await.json();
    assert_eq!(seen["cookie"], format!("{ACCESS}={}; theme=dark", access.value));
    assert_eq!((&seen["user"], &seen["bearer"]), (&json!("anna"), &json!(true)));
    // Where no session goes along, nor does its token.
    let public = browser.fetch("GET", &url(&service, "/")).await.json();
    assert_eq!((&public["cookie"], &public["bearer"]), (&Value::Null, &json!(false)));
}

#[tokio::test]
async fn an_expired_token_is_refreshed_when_the_page_asks() {
    let (service, browser) = logged_in().await;
    let before = cookie(&browser, ACCESS).value;
    service.pass(301 * SECOND);
    for path in ["/api/seen", "/maybe/seen", "/auth/session"] {
        let answer = browser.fetch("GET", &url(&service, path)).await;
        assert_eq!(answer.problem().as_deref(), Some("token-expired"), "{path}");
        let mark = answer.header("cloakroom-session");
        assert_eq!((answer.status.as_u16(), mark), (401, Some("expired")));
        assert!(answer.header("set-cookie").is_none());
    }
    assert_eq!(service.provider.refreshes(), 0, "nothing but the page can bring the refresh token");

    let refresh = service.refresh(&browser).await;
    assert_eq!(refresh.status.as_u16(), 204);
    let names = refresh.header_all("set-cookie");
    assert!(names.iter().any(|cookie| cookie.starts_with(&format!("{ACCESS}=ey"))));
    assert!(names.iter().any(|cookie| cookie.starts_with(&format!("{REFRESH}="))));
    assert_ne!(before, cookie(&browser, ACCESS).value);
    let seen = browser.fetch("GET", &url(&service, "/api/seen")).await;
    assert_eq!(seen.status.as_u16(), 200);
    // Once more changes nothing.
    assert!(service.refresh(&browser).await.header("set-cookie").is_none());
    assert_eq!(service.provider.refreshes(), 1);
}

#[tokio::test]
async fn a_navigation_with_an_expired_token_is_led_to_the_login_or_goes_without() {
    let (service, browser) = logged_in().await;
    service.pass(301 * SECOND);
    let page = browser.navigate(&url(&service, "/api/seen")).await;
    assert!(page.location().unwrap().path() == "/auth/login", "{page:?}");
    let page = browser.navigate(&url(&service, "/maybe/seen")).await.json();
    assert_eq!((&page["user"], &page["cookie"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn r51_a_forged_or_foreign_token_is_no_session_and_reaches_no_upstream() {
    let (service, browser) = logged_in().await;
    let other = start(Mode::Jwt).await;
    let good = cookie(&browser, ACCESS).value;
    let parts: Vec<_> = good.split('.').collect();
    let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", parts[1]);
    let cut = format!("{}.{}.{}", parts[0], parts[1], &parts[2][..parts[2].len() - 2]);
    let foreign = other.provider.issue_tokens("anna").access_token;
    let id_token = service.provider.issue_tokens("anna").id_token;
    for forged in [unsigned, cut, foreign, id_token, "x".to_owned(), String::new()] {
        let forger = browser.copy();
        set(&forger, ACCESS, &forged);
        let answer = forger.fetch("GET", &url(&service, "/api/seen")).await;
        assert_eq!(answer.problem().as_deref(), Some("login-required"), "{forged}");
        let seen = forger.fetch("GET", &url(&service, "/maybe/seen")).await.json();
        assert_eq!((&seen["user"], &seen["cookie"]), (&Value::Null, &Value::Null), "{forged}");
        let session = forger.fetch("GET", &url(&service, "/auth/session")).await.json();
        assert_eq!(session, json!({ "loggedIn": false }));
    }
}

#[tokio::test]
async fn r15_tabs_that_refresh_at_once_and_late_spend_the_token_once() {
    let (service, browser) = logged_in().await;
    service.pass(301 * SECOND);
    service.provider.on_refresh(Fault::Hold);
    let tabs: Vec<_> = (0..6).map(|_| browser.copy()).collect();
    let all = futures_util::future::join_all(tabs.iter().map(|tab| service.refresh(tab)));
    let release = async {
        cloakroom_testkit::eventually("at the provider", || service.provider.refreshes() == 1)
            .await;
        service.provider.release();
    };
    let (answers, ()) = futures_util::future::join(all, release).await;
    assert!(answers.iter().all(|answer| answer.status.as_u16() == 204));
    let token = cookie(&tabs[0], ACCESS).value;
    assert!(tabs.iter().all(|tab| cookie(tab, ACCESS).value == token), "all have the successor");
    // One that slept: its cookies are of the spent generation, and the others have used the new one.
    assert_eq!(service.call(&tabs[0], "/api/seen").await.status.as_u16(), 200);
    service.pass(5 * SECOND);
    assert_eq!(service.refresh(&browser).await.status.as_u16(), 204);
    assert_eq!((cookie(&browser, ACCESS).value, service.provider.refreshes()), (token, 1));
}

#[tokio::test]
async fn a_refresh_cookie_counts_beside_a_token_of_its_login_and_no_other() {
    let (service, browser) = logged_in().await;
    let first = cookie(&browser, ACCESS).value;
    service.pass(301 * SECOND);
    assert_eq!(service.refresh(&browser).await.status.as_u16(), 204);
    // An answer that came late has put the older token back: it is made anew.
    set(&browser, ACCESS, &first);
    assert_eq!(service.refresh(&browser).await.status.as_u16(), 204);
    assert_ne!(cookie(&browser, ACCESS).value, first);
    assert_eq!(service.call(&browser, "/api/seen").await.status.as_u16(), 200);
    assert_eq!(service.provider.refreshes(), 2);
    // Somebody else's token, and none at all.
    for wrong in [service.provider.issue_tokens("ben").access_token, "x".to_owned()] {
        let planted = browser.copy();
        set(&planted, ACCESS, &wrong);
        let answer = service.refresh(&planted).await;
        let sets = answer.header_all("set-cookie");
        assert!(sets.iter().all(|cookie| cookie.ends_with("Max-Age=0")), "no token is given out");
    }
    assert_eq!(service.provider.refreshes(), 2);
}

#[tokio::test]
async fn r17_a_logout_goes_to_where_the_refresh_token_is_and_revokes_it() {
    let (service, browser) = logged_in().await;
    let thief = browser.copy();
    let sent_on = browser.fetch("POST", &url(&service, "/auth/logout")).await;
    assert_eq!(sent_on.status.as_u16(), 307);
    assert_eq!(sent_on.location().unwrap().path(), "/auth/refresh/logout");
    let done = browser.follow(&sent_on).await;
    assert_eq!(done.status.as_u16(), 200);
    assert!(done.json()["location"].as_str().unwrap().starts_with("/auth/logout?ticket="));
    assert_eq!(done.header("clear-site-data"), Some("\"cookies\", \"storage\""));
    assert!(browser.jar().of(HOST).is_empty());
    service.cloakroom.drain().await;
    assert_eq!((service.provider.live_grants(), service.provider.revocations()), (0, 2));
    // The access token itself is good for minutes yet; here it is not.
    let access = cookie(&thief, ACCESS).value;
    assert!(service.provider.mint().verify(&access).is_some());
    let stolen = thief.fetch("GET", &url(&service, "/api/seen")).await;
    assert_eq!(stolen.problem().as_deref(), Some("login-required"));
}

#[tokio::test]
async fn r48_a_logout_ends_the_older_token_and_the_newer_one() {
    let (service, browser) = logged_in().await;
    // Due, and good for some seconds yet.
    service.pass(291 * SECOND);
    let (older, newer) = (browser.copy(), browser.copy());
    assert_eq!(service.refresh(&newer).await.status.as_u16(), 204);
    assert_eq!(service.log_out(&browser).await.status.as_u16(), 200);
    let (first, second) = (cookie(&older, ACCESS).value, cookie(&newer, ACCESS).value);
    assert_ne!(first, second);
    for thief in [older, newer] {
        let answer = thief.fetch("GET", &url(&service, "/api/seen")).await;
        assert_eq!(answer.problem().as_deref(), Some("login-required"));
    }
}

#[tokio::test]
async fn r38_another_site_can_neither_refresh_nor_log_out() {
    let (service, browser) = logged_in().await;
    for path in ["/auth/refresh", "/auth/logout", "/auth/refresh/logout"] {
        let answer = browser.cross_site_post(&url(&service, path)).await;
        assert_eq!(answer.problem().as_deref(), Some("cross-site"), "{path}");
    }
    assert_eq!(service.call(&browser, "/api/seen").await.status.as_u16(), 200);
}

#[tokio::test]
async fn r32_the_idle_timeout_counts_from_the_end_of_the_token() {
    let (service, browser) = logged_in().await;
    service.pass(300 * SECOND + IDLE - SECOND);
    assert_eq!(service.call(&browser, "/api/seen").await.status.as_u16(), 200);

    let (service, browser) = logged_in().await;
    service.pass(300 * SECOND + IDLE + SECOND);
    let over = service.refresh(&browser).await;
    assert_eq!(over.problem().as_deref(), Some("login-required"));
    assert!(browser.jar().of(HOST).is_empty(), "nothing is left that says `expired` for ever");
    assert_eq!(service.provider.refreshes(), 0);
}

#[tokio::test]
async fn a_dead_refresh_token_ends_the_session_and_an_outage_does_not() {
    let (service, browser) = logged_in().await;
    service.pass(301 * SECOND);
    service.provider.on_refresh(Fault::Status(503));
    let outage = service.refresh(&browser).await;
    assert_eq!(outage.problem().as_deref(), Some("provider-unavailable"));
    assert!(outage.header("retry-after").is_some() && outage.header("set-cookie").is_none());
    service.pass(3 * SECOND);
    service.provider.on_refresh(Fault::InvalidGrant);
    let over = service.refresh(&browser).await;
    assert_eq!(over.problem().as_deref(), Some("login-required"));
    assert!(browser.jar().of(HOST).is_empty());
}

#[tokio::test]
async fn r53_the_last_good_keys_serve_on_while_the_provider_is_down() {
    let (service, browser) = logged_in().await;
    service.pass(301 * SECOND);
    assert_eq!(service.call(&browser, "/api/seen").await.status.as_u16(), 200);
    service.provider.stop_answering();
    service.pass(60 * SECOND);
    assert_eq!(service.call(&browser, "/api/seen").await.status.as_u16(), 200);
}

#[tokio::test]
async fn a_token_that_no_request_could_be_verified_by_is_refused_at_login() {
    let service = start_with(Mode::Jwt, |settings| {
        let verified = settings.providers[0].access_token.as_mut().unwrap();
        verified.audience = cloakroom::Named::Is("https://another.example".to_owned());
    })
    .await;
    let browser = Browser::new();
    let answer = browser.login(&service.url, "anna", "pw", "/").await;
    assert!(answer.text().contains("login-failed"), "{answer:?}");
    assert!(browser.jar().of(HOST).is_empty());
    service.cloakroom.drain().await;
    assert_eq!(service.provider.live_grants(), 0);
}

#[tokio::test]
async fn the_page_sees_who_the_token_is_about_and_one_name_for_the_session() {
    let (service, browser) = logged_in().await;
    let session = browser.fetch("GET", &url(&service, "/auth/session")).await.json();
    assert_eq!((&session["loggedIn"], &session["claims"]["sub"]), (&json!(true), &json!("anna")));
    // What else the token says is between the issuer and the API.
    for claim in ["exp", "jti", "client_id", "scope"] {
        assert!(session["claims"].get(claim).is_none(), "{claim}");
    }
    service.pass(301 * SECOND);
    let later = service.call(&browser, "/auth/session").await.json();
    assert_eq!(later["sid"], session["sid"], "also over a refresh");
    let seen = service.call(&browser, "/api/seen").await.json();
    assert_eq!(seen["sid"], session["sid"]);
}

/// A navigation with an expired token is led to the login, so that this is how most logins begin.
#[tokio::test]
async fn r31_a_login_ends_the_session_before_it_also_where_its_token_has_expired() {
    let (service, browser) = logged_in().await;
    let thief = browser.copy();
    service.pass(301 * SECOND);
    browser.login(&service.url, "anna", "pw", "/").await;
    assert_eq!(service.call(&browser, "/api/seen").await.status.as_u16(), 200);
    let old = service.refresh(&thief).await;
    assert_eq!(old.problem().as_deref(), Some("login-required"), "{old:?}");
    assert_eq!(service.provider.refreshes(), 0);
}

/// Else its answer would put the session before the login in the place of the new one.
#[tokio::test]
async fn r31_a_login_ends_what_a_refresh_under_way_brings() {
    let (service, browser) = logged_in().await;
    service.pass(301 * SECOND);
    service.provider.on_refresh(Fault::Hold);
    let tab = browser.copy();
    let waiting = service.refresh(&tab);
    tokio::pin!(waiting);
    let at_provider = || service.provider.refreshes() == 1;
    tokio::select! {
        _ = &mut waiting => panic!("the provider holds the refresh"),
        () = cloakroom_testkit::eventually("the refresh is at the provider", at_provider) => {}
    }
    browser.login(&service.url, "anna", "pw", "/").await;
    service.provider.release();
    let late = waiting.await;
    assert_eq!(late.problem().as_deref(), Some("login-required"));
    let sets = late.header_all("set-cookie");
    assert!(sets.iter().all(|cookie| cookie.ends_with("Max-Age=0")), "{sets:?}");
    assert_eq!(service.call(&browser, "/api/seen").await.status.as_u16(), 200);
}

#[tokio::test]
async fn r31_a_login_ends_what_a_refresh_has_brought_that_it_did_not_know_of() {
    let (service, browser) = logged_in().await;
    service.pass(301 * SECOND);
    let tab = browser.copy();
    assert_eq!(service.refresh(&tab).await.status.as_u16(), 204);
    browser.login(&service.url, "anna", "pw", "/").await;
    for path in ["/api/seen", "/auth/session"] {
        let answer = tab.fetch("GET", &url(&service, path)).await;
        let over = answer.problem().as_deref() == Some("login-required");
        assert!(over || answer.json() == json!({ "loggedIn": false }), "{path}: {answer:?}");
    }
    let refresh = service.refresh(&tab).await;
    assert_eq!(refresh.problem().as_deref(), Some("login-required"));
    assert_eq!(service.call(&browser, "/api/seen").await.status.as_u16(), 200);
}

#[tokio::test]
async fn r32_a_token_that_lives_longer_than_a_session_may_proves_none() {
    let service = start_with(Mode::Jwt, |settings| {
        settings.timeouts.idle = 60 * SECOND;
        settings.timeouts.absolute = 120 * SECOND;
    })
    .await;
    let browser = Browser::new();
    browser.login(&service.url, "anna", "pw", "/").await;
    service.pass(100 * SECOND);
    assert_eq!(service.call(&browser, "/api/seen").await.status.as_u16(), 200);
    service.pass(22 * SECOND);
    let over = service.call(&browser, "/api/seen").await;
    assert_eq!(over.problem().as_deref(), Some("login-required"), "{over:?}");
    assert!(browser.jar().of(HOST).is_empty());
}

#[tokio::test]
async fn r32_a_token_of_unknown_age_must_end_before_a_session_would() {
    let (service, browser) = logged_in().await;
    let now = service.provider.mint();
    let ends_in = |seconds: u64| {
        now.access_token("anna", |token| {
            let issued = token.claims["iat"].as_u64().unwrap();
            token.claims["exp"] = json!(issued + seconds);
            token.claims.as_object_mut().unwrap().remove("iat");
        })
    };
    set(&browser, ACCESS, &ends_in(600));
    assert_eq!(service.call(&browser, "/api/seen").await.status.as_u16(), 200);
    set(&browser, ACCESS, &ends_in(400 * 24 * 3600));
    let over = browser.fetch("GET", &url(&service, "/api/seen")).await;
    assert_eq!(over.status.as_u16(), 401, "{over:?}");
}

/// Some servers read `=a=b` as `a=b`; a sibling subdomain can plant it.
#[tokio::test]
async fn r35_what_could_be_read_as_the_access_token_s_cookie_goes() {
    let (service, browser) = logged_in().await;
    let access = cookie(&browser, ACCESS).value;
    let both = format!("={ACCESS}=evil; {ACCESS}={access}; =={ACCESS}=evil; __host-ACCESS_token=x");
    let request = browser.request("GET", &url(&service, "/api/seen")).header("cookie", &both);
    let seen = request.send().await.json();
    assert_eq!(seen["cookie"], format!("{ACCESS}={access}"));
}

/// The API may refuse a token that lives long yet; a copy of it then outlives the refresh, but no logout.
#[tokio::test]
async fn r48_a_logout_ends_the_token_before_the_last_refresh_too() {
    let (service, browser) = logged_in().await;
    service.pass(20 * SECOND);
    let thief = browser.copy();
    let refused = browser.fetch("GET", &url(&service, "/api/refuse")).await;
    assert_eq!(refused.header("cloakroom-session"), Some("expired"));
    assert_eq!(service.refresh(&browser).await.status.as_u16(), 204);
    assert_eq!(service.call(&browser, "/api/seen").await.status.as_u16(), 200);
    assert_eq!(service.call(&thief, "/api/seen").await.status.as_u16(), 200);
    service.pass(15 * SECOND);
    assert_eq!(service.log_out(&browser).await.status.as_u16(), 200);
    let late = thief.fetch("GET", &url(&service, "/api/seen")).await;
    assert_eq!(late.problem().as_deref(), Some("login-required"));
}
