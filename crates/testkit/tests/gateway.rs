//! The handling of the gateway's process, with a shell script in its place.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use cloakroom_testkit::{Gateway, GatewayConfig, Provider};

async fn config() -> GatewayConfig {
    let provider = Provider::builder().start().await;
    GatewayConfig::new(&provider, "http://127.0.0.1:9")
}

fn script(folder: &tempfile::TempDir, text: &str) -> PathBuf {
    let path = folder.path().join("cloakroom");
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("a script");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("an executable script");
    path
}

#[tokio::test]
#[should_panic(
    expected = "run --config cloakroom.toml with hush: 100% a+b/c=d&e beside cloakroom.toml dist"
)]
async fn a_gateway_that_ends_at_its_start_shows_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"echo "$@ with $OIDC_CLIENT_SECRET beside" $(ls) >&2"#;
    Gateway::spawn(script(&folder, text), config().await).await;
}

#[tokio::test]
async fn settings_are_set_replaced_and_added() {
    let config = config().await.set("cookie", "same_site = 'strict'").set(
        "session",
        "data_dir = 'elsewhere'
        idle_timeout = '5s'",
    );
    let config =
        config.set("provider", "client_auth = 'post'").route("/public", "session = 'none'");
    let table: toml::Table = config.to_toml().parse().unwrap();
    assert_eq!(table["public"]["url"].as_str(), Some(config.public_url()));
    assert_eq!(table["cookie"]["same_site"].as_str(), Some("strict"));
    assert_eq!(table["session"]["data_dir"].as_str(), Some("elsewhere"));
    assert_eq!(table["session"]["idle_timeout"].as_str(), Some("5s"));
    assert_eq!(table["provider"][0]["client_auth"].as_str(), Some("post"));
    assert_eq!(table["route"][1]["path"].as_str(), Some("/public"));
    assert_eq!(table["route"][1]["upstream"], table["route"][0]["upstream"]);
}
