//! Session modes `sealed` and `jwt` from outside: the binary, a provider that rotates and ends the
//! family of a refresh token that comes twice, an upstream that tells what it got.

use cloakroom_testkit::{Browser, Fault, GatewayConfig, eventually};
use serde_json::json;

use crate::world::{PASSWORD, USERS, World, assert_login_required, assert_problem, bearer, retry};

const HOST: &str = "localhost";
const ACCESS: &str = "__Host-access_token";

fn sealed(config: GatewayConfig) -> GatewayConfig {
    config.set("session", "mode = 'sealed'")
}

fn jwt(config: GatewayConfig) -> GatewayConfig {
    config
        .set("session", "mode = 'jwt'")
        .set("provider", "access_token = { audience = 'https://api.example.com' }")
}

/// R15: in mode sealed too one refresh serves everybody, and everybody gets the new cookie.
#[tokio::test]
async fn r15_fifty_sealed_requests_wait_for_one_slow_refresh() {
    let world = World::configured(sealed).await;
    let browser = world.with_dead_token().await;
    let before = world.tokens(&browser);
    world.provider.on_refresh(Fault::Hold);
    let fetches: Vec<_> = (0..50)
        .map(|_| {
            let (tab, url) = (browser.copy(), world.at("/api/echo"));
            tokio::spawn(async move { (tab.fetch("GET", &url).await, tab) })
        })
        .collect();
    eventually("the refresh", || world.provider.refreshes() == 1).await;
    world.provider.release();
    let mut tokens = Vec::new();
    for fetch in fetches {
        let (answer, tab) = fetch.await.unwrap();
        tokens.push(bearer(&answer));
        assert_ne!(world.tokens(&tab), before, "the new cookie came with the API's answer");
    }
    tokens.dedup();
    assert_eq!((tokens.len(), world.provider.refreshes()), (1, 1));
    assert_eq!(world.provider.live_grants(), 1);
}

/// A restart forgets nothing that a browser holds, and everything that only the process knew.
#[tokio::test]
async fn a_sealed_session_survives_a_restart_and_so_does_a_copied_cookie() {
    let mut world = World::configured(sealed).await;
    let (browser, gone) = (world.logged_in().await, world.logged_in().await);
    let copied = gone.copy();
    let logout = gone.fetch("POST", &world.at("/auth/logout")).await;
    assert_eq!(logout.status, 200);
    assert_login_required(&world.echo(&copied).await);
    world.gateway.kill9().await;
    world.gateway.restart().await;
    assert_eq!(world.echo(&browser).await.status, 200);
    // What the documentation says that this mode cannot do. The tokens are revoked all the same.
    assert_eq!(world.echo(&copied).await.status, 200, "stated, not wanted");
    assert!(!world.gateway.folder().join("data/sessions.redb").exists(), "there is no store");
}

/// R17, R48: the logout goes on to the path that the refresh token's cookie comes to.
#[tokio::test]
async fn r17_a_logout_of_mode_jwt_revokes_the_refresh_token() {
    let world = World::configured(jwt).await;
    let browser = Browser::new();
    world.log_in(&browser).await;
    assert_eq!(world.provider.live_grants(), 1);
    let sent_on = browser.fetch("POST", &world.at("/auth/logout")).await;
    assert_eq!(sent_on.status, 307);
    let done = browser.follow(&sent_on).await;
    assert_eq!(done.status, 200, "{done:?}");
    assert!(browser.jar().of(HOST).is_empty());
    retry("the revocation", || async { world.provider.live_grants() }, |grants| *grants == 0).await;
    assert_login_required(&world.echo(&browser).await);
}

/// The article's own way: the API reads the cookie, the page refreshes on 401.
#[tokio::test]
async fn a_page_of_mode_jwt_refreshes_when_it_is_told_to() {
    let provider =
        cloakroom_testkit::Provider::builder().token_lifetime(std::time::Duration::from_secs(2));
    let world = World::build(provider, jwt).await;
    let browser = Browser::new();
    browser.login(world.gateway.url(), USERS[0], PASSWORD, "/").await;
    let echo = world.echo(&browser).await;
    let token = browser.jar().get(HOST, ACCESS).unwrap().value;
    assert_eq!(bearer(&echo), format!("Bearer {token}"));
    assert_eq!(echo.json()["headers"]["cookie"], json!([format!("{ACCESS}={token}")]));
    let expired =
        retry("the token's end", || world.echo(&browser), |answer| answer.status == 401).await;
    assert_problem(&expired, 401, "token-expired");
    assert_eq!(expired.header("cloakroom-session"), Some("expired"));
    let refresh = browser.fetch("POST", &world.at("/auth/refresh")).await;
    assert_eq!(refresh.status, 204, "{refresh:?}");
    assert_ne!(bearer(&world.echo(&browser).await), format!("Bearer {token}"));
    assert_eq!((world.provider.refreshes(), world.provider.live_grants()), (1, 1));
    // An operator can follow the session through the log.
    let sent_on = browser.fetch("POST", &world.at("/auth/logout")).await;
    assert_eq!(browser.follow(&sent_on).await.status, 200);
    let log = world.gateway.log();
    let sids = ["session started", "token set refreshed", "session ended: logout"].map(|event| {
        let line =
            log.lines().find(|line| line.contains(event)).unwrap_or_else(|| panic!("{event}"));
        line.split("sid=").nth(1).and_then(|rest| rest.split(' ').next()).map(str::to_owned)
    });
    assert!(sids[0].is_some() && sids.iter().all(|sid| *sid == sids[0]), "{sids:?}");
}

/// R23: the answer names the problem, the log what to do.
#[tokio::test]
async fn r23_a_login_whose_tokens_do_not_fit_says_so() {
    for (mode, advice) in [
        (sealed as fn(GatewayConfig) -> GatewayConfig, "use session mode \\\"server\\\""),
        (jwt, "use session mode \\\"server\\\" or \\\"sealed\\\""),
    ] {
        let name = "long".repeat(700);
        let provider = cloakroom_testkit::Provider::builder().user(&name, PASSWORD);
        let world = World::build(provider, mode).await;
        let browser = Browser::new();
        let answer = browser.login(world.gateway.url(), &name, PASSWORD, "/").await;
        assert_eq!(answer.status, 500);
        assert!(answer.text().contains("tokens-too-large"), "{answer:?}");
        let log = world.gateway.log().replace('"', "\\\"").replace("\\\\", "\\");
        assert!(log.contains(advice), "{log}");
        assert!(!world.is_logged_in(&browser).await);
    }
}

impl World {
    /// The values of the session's cookies.
    fn tokens(&self, browser: &Browser) -> Vec<String> {
        browser.jar().of(HOST).into_iter().map(|cookie| cookie.value).collect()
    }
}
