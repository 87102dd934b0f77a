//! The recording upstream, without a gateway in front.

use std::time::Duration;

use cloakroom_testkit::{Browser, Provider, Upstream, eventually, raw};
use serde_json::json;

struct Api {
    provider: Provider,
    upstream: Upstream,
    browser: Browser,
}

impl Api {
    async fn start() -> Self {
        let provider = Provider::builder().user("anna", "secret").start().await;
        let upstream = Upstream::start(&provider).await;
        Self { provider, upstream, browser: Browser::new() }
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.upstream.url())
    }
}

#[tokio::test]
async fn requests_are_recorded_as_they_came() {
    let api = Api::start().await;
    let request = api.browser.request("PUT", &api.at("/api/echo?q=%2F"));
    let echo = request.header("x-thing", "1").body("hello").send().await.json();
    assert_eq!(echo["target"], "/api/echo?q=%2F");
    assert_eq!(echo["headers"]["x-thing"], json!(["1"]));
    assert_eq!(api.browser.fetch("GET", &api.at("/other")).await.status, 404);

    let requests = api.upstream.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].method, "PUT");
    assert_eq!(requests[0].target, "/api/echo?q=%2F");
    assert_eq!(requests[0].header("x-thing"), Some("1"));
    assert_eq!(requests[0].body_length, 5);
    api.upstream.forget();
    assert!(api.upstream.requests().is_empty());
}

#[tokio::test]
async fn whoami_wants_a_token_of_the_provider() {
    let api = Api::start().await;
    let refused = api.browser.fetch("GET", &api.at("/api/whoami")).await;
    assert_eq!(refused.status, 401);
    assert!(refused.header("www-authenticate").unwrap().contains("invalid_token"));
    let token = api.provider.issue_tokens("anna").access_token;
    let request = api.browser.request("GET", &api.at("/api/whoami"));
    let answer = request.header("authorization", &format!("Bearer {token}")).send().await;
    assert_eq!(answer.json()["sub"], "anna");
    assert_eq!(api.upstream.requests()[1].bearer(), Some(token.as_str()));
}

#[tokio::test]
async fn an_expired_token_is_refused() {
    let provider = Provider::builder().user("anna", "secret").token_lifetime(Duration::ZERO);
    let provider = provider.start().await;
    let token = provider.issue_tokens("anna").access_token;
    assert!(provider.mint().verify(&token).is_none());
}

#[tokio::test]
async fn a_stream_waits_for_each_release() {
    let api = Api::start().await;
    let mut stream = api.browser.request("GET", &api.at("/api/sse?chunks=2")).open().await.unwrap();
    assert_eq!(stream.headers["content-type"], "text/event-stream");
    let early = tokio::time::timeout(Duration::from_millis(20), stream.chunk()).await;
    assert!(early.is_err(), "nothing was released");
    for number in 1..=2 {
        api.upstream.release(1);
        let chunk = stream.chunk().await.unwrap().unwrap();
        assert_eq!(chunk, format!("data: {number}\n\n"));
    }
    assert_eq!(stream.chunk().await.unwrap(), None);
}

#[tokio::test]
async fn a_client_that_leaves_ends_its_stream() {
    let api = Api::start().await;
    let stream = api.browser.request("GET", &api.at("/api/stream")).open().await.unwrap();
    assert_eq!(api.upstream.open_streams(), 1);
    drop(stream);
    eventually("the stream ends", || api.upstream.open_streams() == 0).await;
}

#[tokio::test]
async fn an_upload_is_counted_and_can_be_answered_early() {
    let api = Api::start().await;
    let url = api.at("/api/upload");
    let answer = api.browser.request("POST", &url).body(vec![0; 3_000_000]).send().await;
    assert_eq!(answer.json()["bytes"], 3_000_000);

    let (body, request) = api.browser.request("POST", &format!("{url}?early=1")).streaming();
    let mut answer = request.open().await.unwrap();
    for (piece, sum) in [("ab", "2\n"), ("cde", "5\n")] {
        body.send(piece.into()).await.unwrap();
        assert_eq!(answer.chunk().await.unwrap().unwrap(), sum);
    }
    drop(body);
    assert_eq!(answer.chunk().await.unwrap(), None);
}

#[tokio::test]
async fn a_web_socket_echoes() {
    let api = Api::start().await;
    let request = api.browser.request("GET", &api.at("/api/ws")).from_page("https://shop.example");
    let Ok(mut socket) = request.web_socket().await else { panic!("refused") };
    for text in ["hello", &"x".repeat(200), &"y".repeat(70_000)] {
        socket.send(text).await.unwrap();
        assert_eq!(socket.receive().await.unwrap().as_deref(), Some(text));
    }
    let recorded = &api.upstream.requests()[0];
    assert_eq!(recorded.header("origin"), Some("https://shop.example"));
    assert_eq!(recorded.header("sec-fetch-site"), None);

    let elsewhere = api.browser.request("GET", &api.at("/api/echo")).web_socket().await;
    assert_eq!(elsewhere.err().unwrap().status, 200);
}

#[tokio::test]
async fn the_other_routes_answer() {
    let api = Api::start().await;
    let cookies = api.browser.fetch("GET", &api.at("/api/set-cookie")).await;
    assert_eq!(cookies.header_all("set-cookie").len(), 2);
    assert_eq!(api.browser.fetch("GET", &api.at("/api/status/418")).await.status, 418);
    let expired = api.browser.fetch("GET", &api.at("/api/status/401?invalid_token=1")).await;
    assert!(expired.header("www-authenticate").unwrap().contains("invalid_token"));
    assert_eq!(api.browser.fetch("GET", &api.at("/api/slow?ms=1")).await.json()["slept"], 1);
    assert!(api.browser.request("GET", &api.at("/api/cut")).try_send().await.is_err());
}

#[tokio::test]
async fn the_raw_upstream_keeps_every_byte() {
    let upstream = Upstream::raw().await;
    let address = upstream.url()["http://".len()..].parse().unwrap();
    let bytes = "GET / HTTP/1.1\r\nHost: a\r\n\r\nsmuggled";
    let answer = raw::send(address, bytes, Duration::from_millis(200)).await;
    assert_eq!(answer.status(), Some(200));
    assert!(answer.text().ends_with("ok") && !answer.closed);
    assert_eq!(upstream.connections(), [bytes.as_bytes()]);
}

#[tokio::test]
async fn raw_bytes_meet_a_server_that_closes() {
    let api = Api::start().await;
    let address = api.upstream.url()["http://".len()..].parse().unwrap();
    let answer = raw::send(address, "nonsense\r\n\r\n", Duration::from_secs(5)).await;
    assert_eq!(answer.status(), Some(400));
    assert!(answer.closed);
}
