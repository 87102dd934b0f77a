//! The example API behind the gateway, in each session mode: it verifies every token itself.

use cloakroom_testkit::browser::Response;
use cloakroom_testkit::{Browser, Gateway, GatewayConfig, Provider};
use example_api_behind_gateway::{Settings, api};
use tokio::net::TcpListener;

use crate::world::{PASSWORD, USERS, binary, with_users};

const AUDIENCE: &str = "https://api.example.com";
const COOKIE: &str = "__Host-access_token";

struct Example {
    provider: Provider,
    gateway: Gateway,
    /// The API without the gateway.
    direct: String,
}

impl Example {
    async fn start(mode: &str) -> Self {
        let provider = with_users(Provider::builder()).start().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let direct = format!("http://{}", listener.local_addr().expect("bound"));
        let config = GatewayConfig::new(&provider, &direct)
            .set("route", "accept_bearer = true")
            .set("provider", &format!("access_token = {{ audience = '{AUDIENCE}' }}"))
            .set("session", &format!("mode = '{mode}'"));
        let settings = Settings {
            issuer: provider.issuer().to_owned(),
            audience: AUDIENCE.to_owned(),
            cookie: Some(COOKIE.to_owned()),
            public_url: config.public_url().to_owned(),
        };
        let api = api(settings).expect("settings that are right");
        tokio::spawn(async move { axum::serve(listener, api).await });
        let gateway = Gateway::spawn(binary(), config).await;
        Self { provider, gateway, direct }
    }

    async fn me(&self, browser: &Browser) -> Response {
        browser.fetch("GET", &self.gateway.at("/api/me")).await
    }
}

#[tokio::test]
async fn it_knows_the_user_in_every_session_mode() {
    for mode in ["server", "sealed", "jwt"] {
        let example = Example::start(mode).await;
        let browser = Browser::new();
        assert_eq!(example.me(&browser).await.problem().as_deref(), Some("login-required"));
        browser.login(example.gateway.url(), USERS[0], PASSWORD, "/").await;
        let me = example.me(&browser).await;
        assert_eq!(me.json()["sub"], USERS[0], "mode {mode}: {me:?}");
        let order = browser.fetch("POST", &example.gateway.at("/api/orders")).await;
        assert_eq!(order.text(), "ordered by anna", "mode {mode}");
    }
}

#[tokio::test]
async fn an_app_s_own_token_is_verified_by_both() {
    let example = Example::start("server").await;
    let token = example.provider.issue_tokens(USERS[1]).access_token;
    for base in [example.gateway.url(), &example.direct] {
        let request = Browser::new().request("GET", &format!("{base}/api/me"));
        let answer = request.header("authorization", &format!("Bearer {token}")).send().await;
        assert_eq!(answer.json()["sub"], USERS[1], "{answer:?}");
        let request = Browser::new().request("GET", &format!("{base}/api/me"));
        let answer = request.header("authorization", &format!("Bearer {token}x")).send().await;
        assert_eq!(answer.problem().as_deref(), Some("invalid-token"), "{answer:?}");
    }
}

/// Whoever reaches it beside the gateway gets no further than with it.
#[tokio::test]
async fn in_mode_jwt_the_cookie_alone_is_enough_and_another_site_s_page_is_not() {
    let example = Example::start("jwt").await;
    let browser = Browser::new();
    browser.login(example.gateway.url(), USERS[0], PASSWORD, "/").await;
    let cookie = browser.jar().get("localhost", COOKIE).expect("the token's cookie");
    let direct = |page: &str| {
        let request = Browser::new().request("POST", &format!("{}/api/orders", example.direct));
        let request =
            request.from_page(page).header("cookie", &format!("{COOKIE}={}", cookie.value));
        request.without("sec-fetch-site")
    };
    let own = direct(example.gateway.url()).send().await;
    assert_eq!(own.text(), "ordered by anna", "{own:?}");
    let foreign = direct("https://evil.example/").send().await;
    assert_eq!(foreign.problem().as_deref(), Some("foreign-origin"), "{foreign:?}");
}
