//! Pages of listed origins call us as our own do, in every mode (R42).

use std::time::Duration;

use cloakroom::{
    CsrfTokenSettings,
    cloakroom_core::{cookie::SameSite, origin::PublicOrigin},
};
use cloakroom_testkit::{Browser, browser::Response};

use crate::service::{Mode, Service, in_each_mode, start_with};

in_each_mode! {
    r42_a_listed_page_calls_refreshes_and_logs_out,
    r42_a_listed_page_of_another_site_needs_same_site_none_and_the_csrf_token,
    r42_what_is_not_listed_stays_refused,
}

/// Another port of our host: the same site.
const APP: &str = "http://localhost:5173";
const ELSEWHERE: &str = "https://app.example.com";

async fn start(mode: Mode) -> Service {
    start_with(mode, |settings| {
        settings.allow_origins =
            [APP, ELSEWHERE].map(|text| PublicOrigin::new(&text.parse().unwrap()).unwrap()).to_vec()
    })
    .await
}

async fn call(service: &Service, browser: &Browser, page: &str, what: (&str, &str)) -> Response {
    let (method, path) = what;
    browser.request(method, &format!("{}{path}", service.url)).from_page(page).send().await
}

#[track_caller]
fn assert_readable(answer: &Response, page: &str) {
    assert_eq!(answer.header_all("access-control-allow-origin"), [page], "{answer:?}");
    assert_eq!(answer.header_all("access-control-allow-credentials"), ["true"]);
    let exposed = answer.header("access-control-expose-headers").unwrap_or_default();
    assert!(exposed.contains("cloakroom-session") && exposed.contains("cloakroom-expires-in"));
    assert!(answer.header_all("vary").contains(&"Origin"), "{answer:?}");
}

/// Everything that a page's client does with a session, but for the login, which is a navigation.
async fn r42_a_listed_page_calls_refreshes_and_logs_out(mode: Mode) {
    let service = start(mode).await;
    let browser = Browser::new();
    let before = call(&service, &browser, APP, ("GET", "/api/seen")).await;
    assert_eq!(before.header("cloakroom-session"), Some("login-required"));
    assert_readable(&before, APP);
    browser.login(&service.url, "anna", "pw", "/").await;
    for what in [("GET", "/api/seen"), ("POST", "/api/seen"), ("GET", "/maybe/seen")] {
        let answer = call(&service, &browser, APP, what).await;
        assert_eq!(answer.json()["user"], "anna", "{answer:?}");
        assert_readable(&answer, APP);
    }
    let session = call(&service, &browser, APP, ("GET", "/auth/session")).await;
    assert_eq!(session.json()["loggedIn"], true);
    assert_readable(&session, APP);

    service.pass(Duration::from_secs(301));
    if mode == Mode::Jwt {
        let expired = call(&service, &browser, APP, ("GET", "/api/seen")).await;
        assert_eq!(expired.header("cloakroom-session"), Some("expired"));
        assert_readable(&expired, APP);
    }
    let refreshed = call(&service, &browser, APP, ("POST", "/auth/refresh")).await;
    assert_eq!(refreshed.status.as_u16(), 204, "{refreshed:?}");
    assert_readable(&refreshed, APP);
    let again = call(&service, &browser, APP, ("GET", "/api/seen")).await;
    assert_eq!(again.json()["user"], "anna", "{again:?}");

    let mut out = call(&service, &browser, APP, ("POST", "/auth/logout")).await;
    if mode == Mode::Jwt {
        assert_readable(&out, APP);
        out = browser.follow(&out).await;
    }
    assert_eq!(out.status.as_u16(), 200, "{out:?}");
    assert_readable(&out, APP);
    assert!(browser.jar().of("localhost").is_empty());
}

/// With `Lax` no browser sends the cookie along from another site; with `None` the token is asked for.
async fn r42_a_listed_page_of_another_site_needs_same_site_none_and_the_csrf_token(mode: Mode) {
    let lax = start(mode).await;
    let browser = Browser::new();
    browser.login(&lax.url, "anna", "pw", "/").await;
    let anonymous = call(&lax, &browser, ELSEWHERE, ("GET", "/api/seen")).await;
    assert_eq!(anonymous.header("cloakroom-session"), Some("login-required"));

    let service = start_with(mode, |settings| {
        settings.allow_origins = vec![PublicOrigin::new(&ELSEWHERE.parse().unwrap()).unwrap()];
        settings.cookie.same_site = SameSite::None;
    })
    .await;
    let browser = Browser::new();
    browser.login(&service.url, "anna", "pw", "/").await;
    let post = ("POST", "/api/seen");
    let refused = call(&service, &browser, ELSEWHERE, post).await;
    assert_eq!((refused.status.as_u16(), refused.problem().as_deref()), (403, Some("csrf-token")));
    assert_readable(&refused, ELSEWHERE);
    let session = call(&service, &browser, ELSEWHERE, ("GET", "/auth/session")).await.json();
    let header = CsrfTokenSettings::default().header;
    let request = browser.request("POST", &format!("{}/api/seen", service.url));
    let request = request.header(header.as_str(), session["csrfToken"].as_str().unwrap());
    let answer = request.from_page(ELSEWHERE).send().await;
    assert_eq!(answer.json()["user"], "anna", "{answer:?}");
}

async fn r42_what_is_not_listed_stays_refused(mode: Mode) {
    let service = start(mode).await;
    let browser = Browser::new();
    browser.login(&service.url, "anna", "pw", "/").await;
    for page in ["http://localhost:5174", "https://evil.app.example.com", "https://evil.example"] {
        for what in [
            ("GET", "/api/seen"),
            ("POST", "/api/seen"),
            ("GET", "/auth/session"),
            ("POST", "/auth/refresh"),
            ("POST", "/auth/logout"),
            ("OPTIONS", "/api/seen"),
        ] {
            let request = browser.request(what.0, &format!("{}{}", service.url, what.1));
            let request = request.header("access-control-request-method", "POST");
            let answer = request.from_page(page).ignoring_same_site().send().await;
            assert_eq!(
                (answer.status.as_u16(), answer.problem().as_deref()),
                (403, Some("cross-site"))
            );
            let cors = |name: &str| name.starts_with("access-control-");
            assert!(!answer.headers.keys().any(|name| cors(name.as_str())), "{answer:?}");
        }
    }
    // Login and its way back are navigations: nobody fetches them, listed or not.
    let login = call(&service, &browser, APP, ("GET", "/auth/login")).await;
    assert_eq!(login.problem().as_deref(), Some("navigation-required"));
    assert_eq!(login.header("access-control-allow-origin"), None);
}
