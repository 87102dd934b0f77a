//! A JSON login service behind the gateway: not a line of it, or of its page, is changed.

mod answers;
mod leaks;
mod lives;
mod login;
mod several;

use std::time::Duration;

use cloakroom_testkit::browser::Response;
use cloakroom_testkit::{Browser, Gateway, GatewayConfig, LoginService};
use serde_json::json;

use crate::world::{PASSWORD, USERS, binary};

pub(crate) struct Shop {
    pub(crate) service: LoginService,
    pub(crate) gateway: Gateway,
}

impl Shop {
    pub(crate) async fn start() -> Self {
        Self::configured(|config| config).await
    }

    pub(crate) async fn configured(configure: impl FnOnce(GatewayConfig) -> GatewayConfig) -> Self {
        let service = LoginService::start().await;
        let config = configure(GatewayConfig::for_service(&service));
        let gateway = Gateway::spawn(binary(), config).await;
        Self { service, gateway }
    }

    pub(crate) fn at(&self, path: &str) -> String {
        self.gateway.at(path)
    }

    /// What the page's login form does.
    pub(crate) async fn log_in(&self, browser: &Browser) -> Response {
        self.log_in_as(browser, USERS[0], PASSWORD).await
    }

    pub(crate) async fn log_in_as(
        &self,
        browser: &Browser,
        user: &str,
        password: &str,
    ) -> Response {
        let fields = json!({ "username": user, "password": password });
        browser.request("POST", &self.at("/api/login")).json(&fields).send().await
    }

    pub(crate) async fn logged_in(&self) -> Browser {
        let browser = Browser::new();
        let answer = self.log_in(&browser).await;
        assert_eq!(answer.status, 200, "{answer:?}\n{}", self.gateway.log());
        self.service.forget();
        browser
    }

    /// A browser whose token is dead; those that follow live five minutes.
    pub(crate) async fn with_dead_token(&self) -> Browser {
        self.service.tokens_live(Duration::from_secs(1));
        let browser = self.logged_in().await;
        self.service.tokens_live(Duration::from_secs(300));
        // Only time lets a token die.
        tokio::time::sleep(Duration::from_millis(1100)).await;
        browser
    }

    pub(crate) async fn whoami(&self, browser: &Browser) -> Response {
        browser.fetch("GET", &self.at("/api/whoami")).await
    }

    pub(crate) async fn session(&self, browser: &Browser) -> serde_json::Value {
        let answer = browser.fetch("GET", &self.at("/auth/session")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    pub(crate) async fn is_logged_in(&self, browser: &Browser) -> bool {
        self.session(browser).await["loggedIn"] == true
    }

    /// Nothing that the service ever issued is in `texts`.
    #[track_caller]
    pub(crate) fn assert_free_of_tokens(&self, texts: &[&str]) {
        let secrets = self.service.issued_secrets();
        assert!(!secrets.is_empty());
        for secret in secrets {
            assert!(texts.iter().all(|text| !text.contains(&secret)), "a token: {texts:?}");
        }
    }
}

/// Body and headers as one text.
pub(crate) fn whole(answer: &Response) -> String {
    let headers = answer.headers.iter();
    let headers: Vec<_> = headers
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
        .collect();
    format!("{}\n{}", headers.join("\n"), answer.text())
}
