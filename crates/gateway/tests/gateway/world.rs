//! What every test starts from: a provider, an upstream, and the gateway between them.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cloakroom_testkit::browser::Response;
use cloakroom_testkit::provider::Builder;
use cloakroom_testkit::{Browser, Gateway, GatewayConfig, Provider, Upstream, raw};
use serde_json::json;

pub(crate) const COOKIE: &str = "__Host-session";
pub(crate) const USERS: [&str; 3] = ["anna", "ben", "cleo"];
pub(crate) const PASSWORD: &str = "open sesame";

/// How long a first token lives where a test wants a dead one; in seconds.
const SHORT_LIFE: f64 = 0.4;

pub(crate) struct World {
    pub(crate) provider: Provider,
    pub(crate) upstream: Upstream,
    pub(crate) gateway: Gateway,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::build(Provider::builder(), |config| config).await
    }

    pub(crate) async fn configured(configure: impl FnOnce(GatewayConfig) -> GatewayConfig) -> Self {
        Self::build(Provider::builder(), configure).await
    }

    /// The users are added here.
    pub(crate) async fn build(
        provider: Builder,
        configure: impl FnOnce(GatewayConfig) -> GatewayConfig,
    ) -> Self {
        let provider = with_users(provider).start().await;
        let upstream = Upstream::start(&provider).await;
        let config = configure(GatewayConfig::new(&provider, &upstream.url()));
        let gateway = Gateway::spawn(binary(), config).await;
        Self { provider, upstream, gateway }
    }

    pub(crate) fn at(&self, path: &str) -> String {
        self.gateway.at(path)
    }

    pub(crate) async fn log_in(&self, browser: &Browser) -> Response {
        browser.login(self.gateway.url(), USERS[0], PASSWORD, "/").await
    }

    pub(crate) async fn logged_in(&self) -> Browser {
        let browser = Browser::new();
        self.log_in(&browser).await;
        assert!(cookie(&browser).is_some(), "logged in:\n{}", self.gateway.log());
        self.upstream.forget();
        browser
    }

    /// From now on access tokens say that they live this long; until [`Provider::heal`].
    pub(crate) fn tokens_live(&self, seconds: f64) {
        self.provider.tamper_token_response(move |answer| answer["expires_in"] = json!(seconds));
    }

    /// Browsers with a session each whose access token has expired; the next ones live five minutes.
    pub(crate) async fn with_dead_tokens<const N: usize>(&self) -> [Browser; N] {
        self.tokens_live(SHORT_LIFE);
        let mut browsers = Vec::new();
        for _ in 0..N {
            browsers.push(self.logged_in().await);
        }
        self.provider.heal();
        self.until_dead().await;
        browsers.try_into().unwrap_or_else(|_| unreachable!("N were pushed"))
    }

    pub(crate) async fn with_dead_token(&self) -> Browser {
        let [browser] = self.with_dead_tokens().await;
        browser
    }

    /// Waits until tokens that [`with_dead_tokens`](Self::with_dead_tokens) speaks of are dead: only
    /// time can do that.
    pub(crate) async fn until_dead(&self) {
        tokio::time::sleep(Duration::from_secs_f64(SHORT_LIFE)).await;
    }

    pub(crate) fn short_life(&self) {
        self.tokens_live(SHORT_LIFE);
    }

    /// `GET /api/echo` by a page of ours.
    pub(crate) async fn echo(&self, browser: &Browser) -> Response {
        browser.fetch("GET", &self.at("/api/echo")).await
    }

    pub(crate) async fn is_logged_in(&self, browser: &Browser) -> bool {
        let answer = browser.fetch("GET", &self.at("/auth/session")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["loggedIn"] == true
    }

    /// Bytes straight to the gateway. The answer is complete when the gateway has closed.
    pub(crate) async fn send_raw(&self, bytes: impl AsRef<[u8]>) -> raw::Answer {
        raw::send(self.gateway.address(), bytes, Duration::from_secs(5)).await
    }

    /// `host:port` of the public URL.
    pub(crate) fn host(&self) -> &str {
        self.gateway.url().strip_prefix("http://").expect("a URL of http")
    }
}

pub(crate) fn binary() -> PathBuf {
    env!("CARGO_BIN_EXE_cloakroom").into()
}

pub(crate) fn with_users(provider: Builder) -> Builder {
    USERS.iter().fold(provider, |provider, user| provider.user(user, PASSWORD))
}

/// The session cookie's value.
pub(crate) fn cookie(browser: &Browser) -> Option<String> {
    browser.jar().get("localhost", COOKIE).map(|cookie| cookie.value)
}

/// The access token with which the upstream was called, as its echo tells.
#[track_caller]
pub(crate) fn bearer(echo: &Response) -> String {
    assert_eq!(echo.status, 200, "{echo:?}");
    let value = echo.json()["headers"]["authorization"][0].clone();
    value.as_str().expect("an Authorization header").to_owned()
}

#[track_caller]
pub(crate) fn assert_problem(answer: &Response, status: u16, reason: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.problem().as_deref(), Some(reason), "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let problem = answer.json();
    assert_eq!(problem["status"], status);
    assert_eq!(problem["type"], format!("urn:cloakroom:problem:{reason}"));
    assert_eq!(problem["requestId"].as_str(), answer.header("x-request-id"));
}

/// Nobody is logged in here (any more).
#[track_caller]
pub(crate) fn assert_login_required(answer: &Response) {
    assert_problem(answer, 401, "login-required");
    assert_eq!(answer.header("cloakroom-session"), Some("login-required"));
}

/// The provider is down, and nobody is logged out by that.
#[track_caller]
pub(crate) fn assert_outage(answer: &Response) {
    assert_problem(answer, 503, "provider-unavailable");
    assert_eq!(answer.header("cloakroom-session"), None);
    let wait = answer.header("retry-after").and_then(|seconds| seconds.parse::<u64>().ok());
    assert!(wait.is_some_and(|seconds| (1..=10).contains(&seconds)), "{:?}", answer.headers);
}

/// Asks until the answer pleases, for ten seconds at most.
pub(crate) async fn retry<T, F: Future<Output = T>>(
    what: &str,
    mut ask: impl FnMut() -> F,
    pleases: impl Fn(&T) -> bool,
) -> T {
    let start = Instant::now();
    loop {
        let answer = ask().await;
        if pleases(&answer) {
            return answer;
        }
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "waited ten seconds in vain for: {what}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Every file below a folder.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.push(path);
        }
    }
    files
}

/// The id of a gateway's process, found by its folder.
#[cfg(target_os = "linux")]
pub(crate) fn process_id(gateway: &Gateway) -> u32 {
    let folder = gateway.folder().canonicalize().expect("a folder");
    let processes = std::fs::read_dir("/proc").expect("procfs").filter_map(Result::ok);
    processes
        .filter(|process| {
            std::fs::read_link(process.path().join("cwd")).is_ok_and(|cwd| cwd == folder)
        })
        .find_map(|process| process.file_name().to_str()?.parse().ok())
        .expect("a process in the gateway's folder")
}
