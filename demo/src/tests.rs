//! The demo's parts without the gateway.

use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use cloakroom_testkit::Provider;
use http::StatusCode;
use serde_json::Value;

use crate::api::{self, Verifier};
use crate::arrivals::Arrivals;
use crate::failure::Failure;
use crate::{fetch, ports};

async fn start_api(provider: &Provider) -> (String, Arrivals) {
    let arrivals = Arrivals::default();
    let verifier = Verifier::of(provider.issuer()).await.expect("the provider has keys");
    let (listener, port) = ports::listen(0).await.expect("a free port");
    let routes = api::routes(verifier, arrivals.clone());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (format!("http://127.0.0.1:{port}"), arrivals)
}

fn provider() -> cloakroom_testkit::provider::Builder {
    Provider::builder().user("ada", "analytical")
}

fn counted(arrivals: &Arrivals, run: &str) -> String {
    serde_json::to_string(&arrivals.of(run)).expect("two numbers")
}

#[tokio::test]
async fn the_api_describes_a_good_token_and_never_repeats_it() {
    let provider = provider().start().await;
    let (api, _) = start_api(&provider).await;
    let token = provider.issue_tokens("ada").access_token;

    let (status, body) = fetch::get(&format!("{api}/api/whoami"), Some(&token)).await.expect("up");

    assert_eq!(status, StatusCode::OK);
    let answer: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(answer["user"]["name"], "Ada");
    let received = &answer["received"]["token"];
    assert_eq!(received["algorithm"], "ES256");
    assert_eq!(received["subject"], "ada");
    assert_eq!(received["length"], token.len());
    let text = String::from_utf8_lossy(&body);
    assert!(token.split('.').all(|part| !text.contains(part)));
}

#[tokio::test]
async fn the_api_refuses_foreign_tokens_id_tokens_and_none_and_counts_arrivals() {
    let provider = provider().start().await;
    let stranger = self::provider().start().await;
    let (api, arrivals) = start_api(&provider).await;
    let orders = format!("{api}/api/orders?lab=run");

    let good = provider.issue_tokens("ada");
    let foreign = stranger.issue_tokens("ada").access_token;
    for token in [None, Some(foreign.as_str()), Some(good.id_token.as_str()), Some("loot")] {
        let (status, _) = fetch::get(&orders, token).await.expect("up");
        assert_eq!(status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(counted(&arrivals, "run"), r#"{"arrived":4,"accepted":0}"#);

    let (status, _) = fetch::get(&orders, Some(&good.access_token)).await.expect("up");
    assert_eq!(status, StatusCode::OK);
    assert_eq!(counted(&arrivals, "run"), r#"{"arrived":5,"accepted":1}"#);
    assert_eq!(counted(&arrivals, "another"), r#"{"arrived":0,"accepted":0}"#);
}

#[tokio::test]
async fn the_api_refuses_an_expired_token() {
    let provider = provider().token_lifetime(Duration::ZERO).start().await;
    let (api, _) = start_api(&provider).await;
    let token = provider.issue_tokens("ada").access_token;
    let (status, _) = fetch::get(&format!("{api}/api/orders"), Some(&token)).await.expect("up");
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}

#[test]
fn a_taken_port_is_named_with_another_to_choose() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let port = taken.local_addr().expect("bound").port();
    let failure = ports::check(port).expect_err("the port is taken");
    assert!(matches!(failure, Failure::PortTaken(named) if named == port));
    let text = failure.to_string();
    assert!(text.contains(&format!("port {port} is taken")) && text.contains("-- --port "));
}
