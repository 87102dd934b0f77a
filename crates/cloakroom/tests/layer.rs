//! The layer inside an axum service: no gateway, no proxy, the same rooms.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{sync::Arc, time::Duration};

use axum::{Extension, Json, Router, http::HeaderMap, routing::get};
use cloakroom::{
    Cloakroom, CookieSettings, CurrentSession, ProviderSettings, Route, SessionRule, Settings,
    SystemClock, Unauthenticated,
    cloakroom_core::{
        cookie::{CookieName, Lifetime, SameSite},
        key::Keyring,
        origin::PublicOrigin,
        random::OsRandom,
        secret::Token,
        session::Timeouts,
    },
    cloakroom_oauth::{Client, ClientAuth},
    cloakroom_store::MemoryStore,
};
use cloakroom_testkit::{Browser, Provider, provider};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

/// An axum service on loopback that embeds the layer.
struct Service {
    url: String,
    _provider: Provider,
    task: JoinHandle<()>,
}

impl Drop for Service {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn settings(url: &str, issuer: &str) -> Settings {
    let public = PublicOrigin::new(&url.parse().unwrap()).unwrap();
    let client = Client {
        issuer: issuer.to_owned(),
        client_id: "shop".to_owned(),
        auth: ClientAuth::Basic(Token::new("secret")),
        scopes: vec!["openid".to_owned(), "offline_access".to_owned()],
        resource: None,
        authorize_params: Vec::new(),
        redirect_uri: Settings::redirect_uri(&public, "/auth", "default"),
        post_logout_redirect_uri: Settings::post_logout_redirect_uri(&public, "/auth"),
        allow_missing_pkce_metadata: false,
    };
    let route = |path: &str, session| Route {
        path: path.to_owned(),
        session,
        unauthenticated: Unauthenticated::Auto,
        methods: None,
    };
    Settings {
        control_prefix: "/auth".to_owned(),
        after_logout: "/".to_owned(),
        cookie: CookieSettings {
            name: CookieName::host("session").unwrap(),
            same_site: SameSite::Lax,
            lifetime: Lifetime::BrowserSession,
        },
        timeouts: Timeouts { idle: Duration::from_secs(600), absolute: Duration::from_secs(3600) },
        required_header: None,
        routes: vec![
            route("/", SessionRule::None),
            route("/api", SessionRule::Required),
            route("/maybe", SessionRule::Optional),
        ],
        providers: vec![ProviderSettings { name: "default".to_owned(), client }],
        public,
    }
}

/// What the handler behind the layer sees.
async fn seen(session: Option<Extension<CurrentSession>>, headers: HeaderMap) -> Json<Value> {
    Json(json!({
        "user": session.as_ref().map(|session| session.user().sub.clone()),
        "sid": session.as_ref().map(|session| session.sid()),
        "bearer": headers.contains_key("authorization"),
        "cookie": headers.get("cookie").and_then(|cookie| cookie.to_str().ok()),
    }))
}

async fn start() -> Service {
    let provider = Provider::builder().user("anna", "pw").start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    provider.add_client(provider::Client::confidential("shop", "secret").gateway(&url));
    let (clock, random) = (Arc::new(SystemClock), Arc::new(OsRandom::default()));
    let (store, keyring) = (Arc::new(MemoryStore::new()), Keyring::generate(&*random));
    let settings = settings(&url, provider.issuer());
    let cloakroom = Cloakroom::new(settings, store, keyring, clock, random).unwrap();
    cloakroom.probe_providers().await.unwrap();
    let handlers = Router::new()
        .route("/", get(seen))
        .route("/api/seen", get(seen).post(seen))
        .route("/maybe/seen", get(seen))
        .layer(cloakroom.layer());
    let task = tokio::spawn(async move { axum::serve(listener, handlers).await.unwrap() });
    Service { url, _provider: provider, task }
}

#[tokio::test]
async fn a_handler_gets_the_session_and_the_browser_no_token() {
    let service = start().await;
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
    assert_eq!(after["cookie"], Value::Null, "our cookie stays at the layer (R35)");
    let session = browser.fetch("GET", &format!("{}/auth/session", service.url)).await.json();
    assert_eq!(session["sid"], after["sid"]);
    assert_eq!(session["claims"]["sub"], "anna");
}

#[tokio::test]
async fn a_route_without_sessions_gets_none() {
    let service = start().await;
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

#[tokio::test]
async fn r38_the_guard_stands_before_a_handler_too() {
    let service = start().await;
    let browser = Browser::new();
    browser.login(&service.url, "anna", "pw", "/").await;
    let refused = browser.cross_site_post(&format!("{}/api/seen", service.url)).await;
    assert_eq!((refused.status.as_u16(), refused.problem().as_deref()), (403, Some("cross-site")));
    let own = browser.fetch("POST", &format!("{}/api/seen", service.url)).await;
    assert_eq!(own.status.as_u16(), 200);
}
