//! The example as its README runs it, so that it cannot rot.

use std::process::Stdio;

use cloakroom_testkit::{Browser, Client, Provider, free_port};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

/// What the testkit's provider issues tokens for.
const AUDIENCE: &str = "https://api.example.com";

/// The service as a process, killed when it is dropped.
struct Service {
    url: String,
    _process: Child,
    _data: TempDir,
}

async fn start(provider: &Provider) -> Service {
    let data = TempDir::with_prefix("cloakroom-").expect("a temporary folder");
    let port = free_port();
    let url = format!("http://localhost:{port}");
    provider.add_client(Client::confidential("shop", "secret").gateway(&url));
    let mut process = Command::new(env!("CARGO_BIN_EXE_example-api-with-layer"))
        .arg(provider.issuer())
        .envs([("CLIENT_ID", "shop"), ("CLIENT_SECRET", "secret"), ("AUDIENCE", AUDIENCE)])
        .env("PUBLIC_URL", &url)
        .env("LISTEN", format!("127.0.0.1:{port}"))
        .env("DATA_DIR", data.path().join("data"))
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the example starts");
    let stdout = process.stdout.take().expect("piped above");
    let line = BufReader::new(stdout).lines().next_line().await.expect("readable");
    assert!(line.is_some_and(|line| line.starts_with("listening on ")));
    Service { url, _process: process, _data: data }
}

#[tokio::test]
async fn it_logs_in_by_itself_and_shows_the_session_to_its_handlers() {
    let provider = Provider::builder().user("anna", "pw").start().await;
    let service = start(&provider).await;
    let at = |path: &str| format!("{}{path}", service.url);
    let browser = Browser::new();

    let page = browser.navigate(&at("/")).await;
    assert!(page.text().contains("Log in"), "{page:?}");
    let refused = browser.fetch("GET", &at("/api/me")).await;
    assert_eq!(refused.problem().as_deref(), Some("login-required"));

    browser.login(&service.url, "anna", "pw", "/").await;
    assert!(browser.navigate(&at("/")).await.text().contains("You are logged in"));
    let me = browser.fetch("GET", &at("/api/me")).await.json();
    assert_eq!((&me["sub"], &me["by"]), (&"anna".into(), &"session".into()), "{me}");
    assert_eq!(browser.fetch("POST", &at("/api/orders")).await.status, 201);
    let forged = browser.cross_site_post(&at("/api/orders")).await;
    assert_eq!(forged.problem().as_deref(), Some("cross-site"));

    assert_eq!(browser.fetch("POST", &at("/auth/logout")).await.status, 200);
    assert_eq!(browser.fetch("GET", &at("/api/me")).await.status, 401);
}

#[tokio::test]
async fn a_mobile_app_brings_a_token_of_its_own() {
    let provider = Provider::builder().user("anna", "pw").start().await;
    let service = start(&provider).await;
    let ask = async |token: &str| {
        let request = Browser::new().request("GET", &format!("{}/api/me", service.url));
        request.header("authorization", &format!("Bearer {token}")).send().await
    };
    let tokens = provider.issue_tokens("anna");
    let me = ask(&tokens.access_token).await.json();
    assert_eq!((&me["sub"], &me["by"]), (&"anna".into(), &"bearer".into()), "{me}");
    assert_eq!(ask(&tokens.id_token).await.problem().as_deref(), Some("invalid-token"));
}
