//! A client of the provider.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose};
use cloakroom_testkit::browser::{Browser, Response};
use cloakroom_testkit::provider::Builder;
use cloakroom_testkit::{Client, Provider};
use serde_json::Value;
use url::Url;

pub(crate) const CALLBACK: &str = "http://localhost:1/callback";
pub(crate) const GOODBYE: &str = "http://localhost:1/goodbye";
pub(crate) const VERIFIER: &str = "a-verifier-of-more-than-forty-three-characters";

/// A provider, and a browser that uses the client `shop` at it.
pub(crate) struct Shop {
    pub(crate) provider: Provider,
    pub(crate) browser: Browser,
}

impl Shop {
    pub(crate) async fn start() -> Self {
        Self::with(|builder| builder).await
    }

    pub(crate) async fn with(describe: impl FnOnce(Builder) -> Builder) -> Self {
        let client = Client::confidential("shop", "a+b c")
            .redirect_uri(CALLBACK)
            .post_logout_redirect_uri(GOODBYE);
        let builder = Provider::builder().user("anna", "secret").client(client);
        Self { provider: describe(builder).start().await, browser: Browser::new() }
    }

    pub(crate) fn endpoint(&self, path: &str) -> String {
        format!("{}{path}", self.provider.issuer())
    }

    /// The address of the authorization request, with these parameters added or replaced.
    pub(crate) fn authorize_url(&self, change: &[(&str, &str)]) -> String {
        let challenge =
            general_purpose::URL_SAFE_NO_PAD.encode(digest(&SHA256, VERIFIER.as_bytes()));
        let mut params = vec![
            ("client_id", "shop"),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", "openid offline_access"),
            ("state", "s-1"),
            ("nonce", "n-1"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        params.retain(|(name, _)| change.iter().all(|(other, _)| other != name));
        params.extend(change);
        params.retain(|(_, value)| !value.is_empty());
        Url::parse_with_params(&self.endpoint("/authorize"), params).unwrap().into()
    }

    /// Goes through the login form and returns the redirect to the callback.
    pub(crate) async fn log_in(&self, change: &[(&str, &str)]) -> Response {
        let page = self.browser.navigate(&self.authorize_url(change)).await;
        self.browser.submit(&page, &[("username", "anna"), ("password", "secret")]).await
    }

    pub(crate) async fn code(&self) -> String {
        parameter(&self.log_in(&[]).await, "code").unwrap()
    }

    /// A request to the token endpoint with `client_secret_basic`.
    pub(crate) async fn token(&self, params: &[(&str, &str)]) -> std::io::Result<Response> {
        let basic = general_purpose::STANDARD.encode("shop:a%2Bb+c");
        let request = self.browser.request("POST", &self.endpoint("/token"));
        request.header("authorization", &format!("Basic {basic}")).form(params).try_send().await
    }

    pub(crate) async fn exchange(&self, code: &str) -> Response {
        let params = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        self.token(&params).await.unwrap()
    }

    /// Logs in and returns the answer of the token endpoint.
    pub(crate) async fn tokens(&self) -> Value {
        self.exchange(&self.code().await).await.json()
    }

    pub(crate) async fn try_refresh(&self, tokens: &Value) -> std::io::Result<Response> {
        let token = tokens["refresh_token"].as_str().unwrap();
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    pub(crate) async fn refresh(&self, tokens: &Value) -> Response {
        self.try_refresh(tokens).await.unwrap()
    }
}

/// A parameter in the query of a redirect's target.
pub(crate) fn parameter(redirect: &Response, name: &str) -> Option<String> {
    let location = redirect.location()?;
    location.query_pairs().find(|(other, _)| other == name).map(|(_, value)| value.into_owned())
}

/// The header and the claims of a JWT.
pub(crate) fn decode(jwt: &Value) -> (Value, Value) {
    let mut parts = jwt.as_str().unwrap().split('.').map(|part| {
        serde_json::from_slice(&general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    });
    (parts.next().unwrap(), parts.next().unwrap())
}
