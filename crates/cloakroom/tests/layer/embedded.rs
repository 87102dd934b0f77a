//! What a handler behind the layer gets.

use cloakroom_testkit::Browser;
use serde_json::{Value, json};

use crate::service::{Mode, in_each_mode, start};

in_each_mode! {
    a_handler_gets_the_session_and_the_browser_no_token,
    a_route_without_sessions_gets_none,
    r38_the_guard_stands_before_a_handler_too,
}

async fn a_handler_gets_the_session_and_the_browser_no_token(mode: Mode) {
    let service = start(mode).await;
    let (browser, api) = (Browser::new(), format!("{}/api/seen", service.url));
    let before = browser.fetch("GET", &api).await;
    assert_eq!(
        (before.status.as_u16(), before.problem().as_deref()),
        (401, Some("login-required"))
    );
    assert_eq!(before.header("cloakroom-session"), Some("login-required"));

    browser.login(&service.url, "anna", "pw", "/").await;
    let after = browser.fetch("GET", &api).await.json();
    assert_eq!((&after["user"], &after["bearer"]), (&json!("anna"), &json!(true)));
    let cookie = after["cookie"].as_str().unwrap_or_default();
    match mode {
        // "An API that just checks cookies": the token's own, and nothing beside it.
        Mode::Jwt => assert!(cookie.starts_with("__Host-access_token=ey") && !cookie.contains(';')),
        Mode::Server | Mode::Sealed => assert_eq!(cookie, "", "our cookie stays here (R35)"),
    }
    let session = browser.fetch("GET", &format!("{}/auth/session", service.url)).await.json();
    assert_eq!(session["sid"], after["sid"]);
    assert_eq!(session["claims"]["sub"], "anna");
}

async fn a_route_without_sessions_gets_none(mode: Mode) {
    let service = start(mode).await;
    let browser = Browser::new();
    let anonymous = browser.fetch("GET", &format!("{}/maybe/seen", service.url)).await.json();
    assert_eq!((&anonymous["user"], &anonymous["bearer"]), (&Value::Null, &json!(false)));

    browser.login(&service.url, "anna", "pw", "/").await;
    let maybe = browser.fetch("GET", &format!("{}/maybe/seen", service.url)).await.json();
    assert_eq!(maybe["user"], "anna");
    let public = browser.fetch("GET", &format!("{}/", service.url)).await.json();
    assert_eq!((&public["user"], &public["bearer"]), (&Value::Null, &json!(false)));
    assert_eq!(public["cookie"], Value::Null, "our cookie goes nowhere (R35)");
}

async fn r38_the_guard_stands_before_a_handler_too(mode: Mode) {
    let service = start(mode).await;
    let browser = Browser::new();
    browser.login(&service.url, "anna", "pw", "/").await;
    let refused = browser.cross_site_post(&format!("{}/api/seen", service.url)).await;
    assert_eq!((refused.status.as_u16(), refused.problem().as_deref()), (403, Some("cross-site")));
    let own = browser.fetch("POST", &format!("{}/api/seen", service.url)).await;
    assert_eq!(own.status.as_u16(), 200);
}
