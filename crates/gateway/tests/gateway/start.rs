//! Starting: with a provider that is down, that is not the one meant, or that lacks what is needed
//! (R3, R8).

use std::process::{Output, Stdio};
use std::time::Duration;

use cloakroom_testkit::{Browser, Fault, Gateway, GatewayConfig, Provider, Upstream};
use serde_json::json;
use tempfile::TempDir;
use tokio::process::Command;

use crate::world::{binary, cookie, retry, with_users};

/// Runs a gateway that is expected to end by itself.
async fn run(config: &GatewayConfig) -> Output {
    let folder = TempDir::new().expect("a temporary folder");
    config.write(folder.path());
    let running = Command::new(binary())
        .args(["run", "--config", "cloakroom.toml"])
        .current_dir(folder.path())
        .env("OIDC_CLIENT_SECRET", "hush")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let ended = tokio::time::timeout(Duration::from_secs(15), running).await;
    ended.expect("a gateway that does not start").expect("a process")
}

async fn provider() -> Provider {
    with_users(Provider::builder()).start().await
}

/// R3: no S256 in the metadata, no start; the message says what to do, and doing it helps.
#[tokio::test]
async fn a_provider_without_s256_is_refused() {
    let provider = provider().await;
    let upstream = Upstream::start(&provider).await;
    let rows = [json!(null), json!([]), json!(["plain"]), json!("S256")];
    for methods in rows {
        let shown = methods.to_string();
        provider.tamper_metadata(move |document| {
            document["code_challenge_methods_supported"] = methods.clone();
        });
        let ended = run(&GatewayConfig::new(&provider, &upstream.url())).await;
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(!ended.status.success(), "{shown}: {said}");
        assert!(said.contains("S256") && said.contains("allow_missing_pkce_metadata"), "{said}");
        assert!(said.contains(provider.issuer()), "{said}");
    }
    let config = GatewayConfig::new(&provider, &upstream.url())
        .set("provider", "allow_missing_pkce_metadata = true");
    let gateway = Gateway::spawn(binary(), config).await;
    let browser = Browser::new();
    browser.login(gateway.url(), "anna", crate::world::PASSWORD, "/").await;
    assert!(cookie(&browser).is_some());
}

/// R8: the issuer is compared exactly, and the message shows what the provider calls itself.
#[tokio::test]
async fn a_provider_of_another_name_is_refused() {
    let provider = provider().await;
    let upstream = Upstream::start(&provider).await;
    provider.tamper_metadata(|document| document["issuer"] = json!("https://evil.example"));
    let ended = run(&GatewayConfig::new(&provider, &upstream.url())).await;
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(!ended.status.success(), "{said}");
    assert!(said.contains("https://evil.example"), "{said}");

    provider.heal();
    let slash = format!("issuer = '{}/'", provider.issuer());
    let ended = run(&GatewayConfig::new(&provider, &upstream.url()).set("provider", &slash)).await;
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(!ended.status.success(), "a slash more is another name: {said}");
    assert!(!said.contains("hush"), "the secret is not told");
}

/// Pain 15: a provider that is down does not keep the gateway from starting: the site and open routes
/// serve, logins are a 503 with a way to try again, and they work as soon as it answers.
#[tokio::test]
async fn a_provider_that_is_down_at_the_start_stops_only_logins() {
    let provider = provider().await;
    let upstream = Upstream::start(&provider).await;
    provider.stop_answering();
    let config = GatewayConfig::new(&provider, &upstream.url()).route("/open", "session = 'none'");
    let gateway = Gateway::spawn(binary(), config).await;
    let browser = Browser::new();
    assert_eq!(browser.navigate(&gateway.at("/")).await.status, 200);
    assert_eq!(browser.fetch("GET", &gateway.at("/open")).await.status, 404);
    assert_eq!(upstream.requests().len(), 1, "answered by the upstream");
    assert_eq!(browser.fetch("GET", &gateway.at("/api/echo")).await.status, 401);
    let refused = browser.navigate(&gateway.at("/auth/login?return_to=/x")).await;
    assert_eq!(refused.status, 503);
    assert!(refused.header("retry-after").is_some());
    assert!(refused.text().contains("href=\"/auth/login?return_to=/x\""), "{refused:?}");
    assert!(browser.jar().of("localhost").is_empty());

    provider.resume();
    let login = || browser.login(gateway.url(), "anna", crate::world::PASSWORD, "/");
    retry("a login", login, |landed| landed.status == 200).await;
    assert!(cookie(&browser).is_some());
}

/// The same for one that takes the connection and says nothing.
#[tokio::test]
async fn a_provider_that_hangs_at_the_start_does_not_hang_the_gateway() {
    let provider = provider().await;
    let upstream = Upstream::start(&provider).await;
    provider.on_discovery(Fault::Hold.always());
    let gateway = Gateway::spawn(binary(), GatewayConfig::new(&provider, &upstream.url())).await;
    let page = tokio::time::timeout(Duration::from_secs(8), async {
        Browser::new().navigate(&gateway.at("/")).await
    });
    assert_eq!(page.await.expect("an answer in time").status, 200);
}
