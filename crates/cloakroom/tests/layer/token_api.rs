//! A service with a login of its own that embeds the layer: its handler answers with tokens as ever.

use axum::{Json, response::IntoResponse};
use cloakroom::{
    ProviderKind, ProviderSettings,
    cloakroom_oauth::token_api::{Logout, Pointer, TokenApi, TokenPointers},
};
use cloakroom_testkit::Browser;
use serde_json::{Value, json};

use crate::service::{Mode, Service, in_each_mode, start_with};

in_each_mode! { but jwt:
    a_handler_s_own_login_begins_a_session,
    a_login_without_tokens_begins_none,
    r40_a_link_from_a_mail_to_the_application_s_logout_ends_no_session,
}

mod marked {
    use super::*;

    in_each_mode! { rule_7_the_application_s_own_login_and_logout_are_marked }
}

/// An opaque token and no refresh: the session lasts as long as it says. For mode `jwt` the test brings a
/// token that proves something.
pub(crate) async fn login(Json(fields): Json<Value>) -> impl IntoResponse {
    match fields["password"].as_str() {
        Some("pw") => Json(json!({
            "data": {
                "access": fields["token"].as_str().unwrap_or("opaque-0123456789abcdef"),
                "user": { "name": "Anna" },
            },
            "seconds": 300,
        })),
        _ => Json(json!({ "data": { "error": "wrong password" } })),
    }
}

async fn start(mode: Mode) -> Service {
    let pointer = |text| Pointer::parse(text).unwrap();
    let tokens = TokenPointers::new(pointer("/data/access"), None, Some(pointer("/seconds")));
    let api = TokenApi {
        login_path: "/login".to_owned(),
        tokens: tokens.unwrap(),
        claims: Some(pointer("/data/user")),
        placeholder: None,
        refresh: None,
        logout: Some(Logout { request: None, path: Some("/maybe/seen".to_owned()) }),
    };
    start_with(mode, |settings| {
        settings.providers.push(ProviderSettings {
            name: "own".to_owned(),
            kind: ProviderKind::TokenApi(Box::new(api)),
            access_token: settings.providers[0].access_token.clone().filter(|_| mode == Mode::Jwt),
        });
    })
    .await
}

async fn log_in(service: &Service, browser: &Browser, password: &str) -> Value {
    let request = browser.request("POST", &format!("{}/login", service.url));
    request.json(&json!({ "password": password })).send().await.json()
}

async fn a_handler_s_own_login_begins_a_session(mode: Mode) {
    let (service, browser) = (start(mode).await, Browser::new());
    let answer = log_in(&service, &browser, "pw").await;
    assert_eq!(answer, json!({ "data": { "user": { "name": "Anna" } }, "seconds": 300 }));
    let seen = service.call(&browser, "/api/seen").await.json();
    assert_eq!((&seen["bearer"], &seen["cookie"]), (&json!(true), &Value::Null));
    let session = service.call(&browser, "/auth/session").await.json();
    assert_eq!(session["claims"], json!({ "name": "Anna" }));
    assert_eq!(session["expiresIn"], 300);

    // R31: a login at another provider takes its place.
    browser.login(&service.url, "ben", "pw", "/").await;
    let seen = service.call(&browser, "/api/seen").await.json();
    assert_eq!(seen["user"], "ben");

    log_in(&service, &browser, "pw").await;
    service.pass(std::time::Duration::from_secs(301));
    for path in ["/api/seen", "/auth/events"] {
        let over = service.call(&browser, path).await;
        let why = "it lasts as long as its token";
        assert_eq!(over.problem().as_deref(), Some("login-required"), "{path}: {why}");
    }
}

async fn a_login_without_tokens_begins_none(mode: Mode) {
    let (service, browser) = (start(mode).await, Browser::new());
    let answer = log_in(&service, &browser, "wrong").await;
    assert_eq!(answer, json!({ "data": { "error": "wrong password" } }));
    let session = service.call(&browser, "/auth/session").await.json();
    assert_eq!(session["loggedIn"], false);
}

async fn rule_7_the_application_s_own_login_and_logout_are_marked(mode: Mode) {
    let (service, browser) = (start(mode).await, Browser::new());
    let token = match mode {
        Mode::Server | Mode::Sealed => None,
        Mode::Jwt => Some(service.provider.issue_tokens("anna").access_token),
    };
    let login = async |password: &str| {
        let request = browser.request("POST", &format!("{}/login", service.url));
        request.json(&json!({ "password": password, "token": token })).send().await
    };
    assert_eq!(login("wrong").await.header("cloakroom-session"), None, "nobody is logged in");
    let started = login("pw").await;
    assert_eq!(started.header("cloakroom-session"), Some("started"), "{started:?}");
    let during = browser.fetch("GET", &format!("{}/api/seen", service.url)).await;
    assert_eq!((during.status.as_u16(), during.header("cloakroom-session")), (200, None));
    let url = format!("{}/auth/events", service.url);
    let mut events = browser.request("GET", &url).events().await.expect("a stream");
    let ended = browser.fetch("GET", &format!("{}/maybe/seen", service.url)).await;
    let told = events.next().await.expect("a whole stream");
    assert_eq!(told, Some(("ended".to_owned(), json!({ "reason": "logout" }))));
    assert_eq!((ended.status.as_u16(), ended.header("cloakroom-session")), (200, Some("ended")));
    let session = browser.fetch("GET", &format!("{}/auth/session", service.url)).await;
    assert_eq!(session.json()["loggedIn"], false);
}

/// A browser says of a link from another program what it says of a typed address; an old one says nothing.
async fn r40_a_link_from_a_mail_to_the_application_s_logout_ends_no_session(mode: Mode) {
    let (service, browser) = (start(mode).await, Browser::new());
    log_in(&service, &browser, "pw").await;
    let logout = format!("{}/maybe/seen", service.url);
    let link = || browser.request("GET", &logout).navigation().typed();
    let answers = [
        (link().send().await, "cross-site"),
        (link().without("sec-fetch-site").send().await, "origin-missing"),
    ];
    for (answer, reason) in answers {
        assert!(answer.status == 403 && answer.text().contains(reason), "{answer:?}");
    }
    assert_eq!(service.call(&browser, "/api/seen").await.status, 200);
    let own = browser.fetch("GET", &logout).await;
    assert_eq!(own.status, 200, "its page may");
    let over = service.call(&browser, "/api/seen").await;
    assert_eq!(over.problem().as_deref(), Some("login-required"));
}

/// R33: where the login service names no user, nobody can say which other sessions are theirs.
#[tokio::test]
async fn r33_sessions_of_nobody_in_particular_are_not_ended_together() {
    let service = start(Mode::Server).await;
    let (here, there) = (Browser::new(), Browser::new());
    for browser in [&here, &there] {
        log_in(&service, browser, "pw").await;
    }
    let url = format!("{}/auth/logout?everywhere=true", service.url);
    let answer = here.fetch("POST", &url).await;
    assert_eq!(answer.problem().as_deref(), Some("everywhere-unsupported"), "{answer:?}");
    for browser in [&here, &there] {
        let session = service.call(browser, "/auth/session").await.json();
        assert_eq!(session["loggedIn"], true, "nothing has ended");
    }
}
