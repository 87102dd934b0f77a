//! The example as its README runs it, so that it cannot rot.

use std::process::Stdio;

use cloakroom_testkit::{Browser, Client, Provider, browser::Response};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

const COOKIE: &str = "access_token";
/// What the testkit's provider issues tokens for.
const AUDIENCE: &str = "https://api.example.com";
const PUBLIC_URL: &str = "http://localhost:8080";

/// The API as a process, killed when it is dropped.
struct Api {
    url: String,
    _process: Child,
}

impl Api {
    async fn start(provider: &Provider) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_example-api-behind-gateway"))
            .envs([("ISSUER", provider.issuer()), ("AUDIENCE", AUDIENCE), ("COOKIE", COOKIE)])
            .envs([("PUBLIC_URL", PUBLIC_URL), ("LISTEN", "127.0.0.1:0")])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the example starts");
        let stdout = process.stdout.take().expect("piped above");
        let line = BufReader::new(stdout).lines().next_line().await.expect("readable");
        let line = line.expect("it says where it listens");
        let url = line.strip_prefix("listening on ").expect("an address").to_owned();
        Self { url, _process: process }
    }

    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
        let request = Browser::new().request(method, &format!("{}{path}", self.url));
        let request = request.from_page(PUBLIC_URL).without("sec-fetch-site");
        headers
            .iter()
            .fold(request, |request, (name, value)| request.header(name, value))
            .send()
            .await
    }
}

#[tokio::test]
async fn it_takes_a_token_from_the_cookie_or_the_bearer() {
    let provider = Provider::builder().user("anna", "pw").client(Client::confidential("shop", "s"));
    let provider = provider.start().await;
    let api = Api::start(&provider).await;
    let token = provider.issue_tokens("anna").access_token;
    let cookie = format!("{COOKIE}={token}");
    let bearer = format!("Bearer {token}");

    let by_cookie = api.ask("GET", "/api/me", &[("cookie", &cookie)]).await;
    assert_eq!(by_cookie.json()["sub"], "anna", "{by_cookie:?}");
    let by_bearer = api.ask("POST", "/api/orders", &[("authorization", &bearer)]).await;
    assert_eq!(by_bearer.text(), "ordered by anna");

    assert_eq!(api.ask("GET", "/api/me", &[]).await.problem().as_deref(), Some("token-required"));
    let forged = format!("{COOKIE}={token}x");
    let forged = api.ask("GET", "/api/me", &[("cookie", &forged)]).await;
    assert_eq!(forged.problem().as_deref(), Some("invalid-token"));

    let url = format!("{}/api/orders", api.url);
    let evil = Browser::new().request("POST", &url).from_page("https://evil.example/");
    let evil = evil.header("cookie", &cookie).send().await;
    assert_eq!(evil.problem().as_deref(), Some("cross-site"));
}
