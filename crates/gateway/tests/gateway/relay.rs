//! The relay: both ways without buffering, for as long as both ends want.

use std::time::{Duration, Instant};

use bytes::Bytes;
use cloakroom_testkit::{Browser, GatewayConfig, eventually, free_port};

use crate::world::{World, assert_problem};

/// What must come without waiting for anything else, comes within this time.
const SOON: Duration = Duration::from_secs(5);

async fn soon<T>(what: &str, event: impl Future<Output = T>) -> T {
    let limited = tokio::time::timeout(SOON, event).await;
    limited.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// An upload is at the upstream while it is still being sent.
#[tokio::test]
async fn an_upload_streams() {
    let world = World::start().await;
    let browser = world.logged_in().await;
    let (sender, request) = browser.request("POST", &world.at("/api/upload")).streaming();
    let answer = tokio::spawn(request.send());
    let arrived = || world.upstream.requests().first().map_or(0, |request| request.body_length);
    for sum in 1..=5 {
        sender.send(Bytes::from_static(b"0123456789")).await.unwrap();
        eventually("the piece", || arrived() == 10 * sum).await;
    }
    assert!(!answer.is_finished());
    drop(sender);
    assert_eq!(soon("the answer", answer).await.unwrap().json()["bytes"], 50);
    let request = world.upstream.requests().remove(0);
    assert_eq!(request.header("transfer-encoding"), Some("chunked"));
    assert!(request.bearer().is_some());
}

/// A length that is known stays a length.
#[tokio::test]
async fn a_length_is_kept() {
    let world = World::start().await;
    let browser = world.logged_in().await;
    let body = vec![b'x'; 100_000];
    let answer = browser.request("PUT", &world.at("/api/upload")).body(body).send().await;
    assert_eq!(answer.json()["bytes"], 100_000);
    let request = world.upstream.requests().remove(0);
    assert_eq!(request.header("content-length"), Some("100000"));
    assert_eq!(request.header("transfer-encoding"), None);
    // No body was sent, and none is made up.
    browser.fetch("GET", &world.at("/api/echo")).await;
    let request = world.upstream.requests().remove(1);
    assert_eq!(
        (request.header("content-length"), request.header("transfer-encoding")),
        (None, None)
    );
}

/// A download comes piece by piece as the upstream lets go of it.
#[tokio::test]
async fn a_download_streams() {
    let world = World::start().await;
    let browser = world.logged_in().await;
    for (path, expected) in [("stream", "chunk N\n"), ("sse", "data: N\n\n")] {
        let url = world.at(&format!("/api/{path}?chunks=3"));
        let mut answer = soon("the head", browser.request("GET", &url).open()).await.unwrap();
        assert_eq!(answer.status, 200);
        for number in 1..=3 {
            world.upstream.release(1);
            let chunk = soon("a chunk", answer.chunk()).await.unwrap().expect("not the end");
            assert_eq!(chunk, expected.replace('N', &number.to_string()));
        }
        assert_eq!(soon("the end", answer.chunk()).await.unwrap(), None);
    }
}

/// Answers overtake requests: both bodies are under way at once.
#[tokio::test]
async fn both_ways_stream_at_once() {
    let world = World::start().await;
    let browser = world.logged_in().await;
    let (sender, request) = browser.request("POST", &world.at("/api/upload?early=1")).streaming();
    let mut answer = soon("the head", request.open()).await.unwrap();
    assert_eq!(answer.status, 200, "before a byte of the request's body");
    for sum in 1..=5 {
        sender.send(Bytes::from_static(b"0123456789")).await.unwrap();
        let line = soon("a line", answer.chunk()).await.unwrap().expect("not the end");
        assert_eq!(line, format!("{}\n", 10 * sum));
    }
    drop(sender);
    assert_eq!(soon("the end", answer.chunk()).await.unwrap(), None);
}

/// WebSocket frames pass both ways, with the token on the handshake and our cookies off.
#[tokio::test]
async fn a_websocket_passes() {
    let world = World::start().await;
    let browser = world.logged_in().await;
    let socket = browser.request("GET", &world.at("/api/ws")).web_socket().await;
    let mut socket = socket.unwrap_or_else(|refusal| panic!("{refusal:?}"));
    let long = "long ".repeat(20_000);
    for text in ["hello", "", "ünïcode", long.as_str()] {
        socket.send(text).await.unwrap();
        assert_eq!(soon("the echo", socket.receive()).await.unwrap().as_deref(), Some(text));
    }
    let request = world.upstream.requests().remove(0);
    assert!(request.bearer().is_some());
    assert_eq!(request.header("cookie"), None);
    assert_eq!(request.header("upgrade"), Some("websocket"));
    assert_eq!(request.header("x-forwarded-for"), Some("127.0.0.1"));
    // It lives beside other requests, and a dead token is refreshed for a handshake, too.
    assert_eq!(world.echo(&browser).await.status, 200);
    let browser = world.with_dead_token().await;
    let socket = browser.request("GET", &world.at("/api/ws")).web_socket().await;
    assert!(socket.is_ok());
    assert_eq!(world.provider.refreshes(), 1);
}

/// A browser that goes away takes its stream at the upstream with it.
#[tokio::test]
async fn a_browser_that_goes_ends_the_upstreams_stream() {
    let world = World::start().await;
    let browser = world.logged_in().await;
    for path in ["/api/stream?chunks=9", "/api/sse?chunks=9"] {
        let answer = browser.request("GET", &world.at(path)).open().await.unwrap();
        eventually("the stream", || world.upstream.open_streams() == 1).await;
        drop(answer);
        eventually("its end", || world.upstream.open_streams() == 0).await;
    }
    assert_eq!(world.echo(&browser).await.status, 200);
}

/// 502 where nobody listens, and where the connection breaks; nothing is sent twice.
#[tokio::test]
async fn an_upstream_that_is_gone_is_a_502() {
    let world = World::configured(|config| {
        config.route("/gone", &format!("upstream = 'http://127.0.0.1:{}'", free_port()))
    })
    .await;
    let browser = world.logged_in().await;
    assert_problem(&browser.fetch("GET", &world.at("/gone")).await, 502, "upstream-unreachable");
    world.echo(&browser).await;
    world.upstream.forget();
    for method in ["GET", "POST"] {
        let answer = browser.fetch(method, &world.at("/api/cut")).await;
        assert_problem(&answer, 502, "upstream-unreachable");
    }
    assert_eq!(world.upstream.requests().len(), 2, "once each");
    let person = browser.navigate(&world.at("/api/cut")).await;
    assert_eq!(person.status, 502);
    assert_eq!(world.echo(&browser).await.status, 200);
}

fn hurried(config: GatewayConfig) -> GatewayConfig {
    config.set("route", "response_timeout = '600ms'")
}

/// 504 where the head of the answer does not come in time; a body may take longer.
#[tokio::test]
async fn an_upstream_that_is_slow_is_a_504() {
    let world = World::configured(hurried).await;
    let browser = world.logged_in().await;
    let start = Instant::now();
    let answer = browser.fetch("GET", &world.at("/api/slow?ms=8000")).await;
    assert_problem(&answer, 504, "upstream-timeout");
    assert!(start.elapsed() < SOON);

    let answer = browser.request("GET", &world.at("/api/stream?chunks=2")).open().await;
    let mut answer = answer.unwrap();
    world.upstream.release(1);
    soon("a chunk", answer.chunk()).await.unwrap().expect("not the end");
    tokio::time::sleep(Duration::from_millis(900)).await;
    world.upstream.release(1);
    soon("a chunk", answer.chunk()).await.unwrap().expect("not the end");
}

/// An upload that takes longer than the timeout is fine while it moves, and ends when it does not.
#[tokio::test]
async fn a_slow_upload_is_no_slow_upstream() {
    let world = World::configured(hurried).await;
    let browser = world.logged_in().await;
    let (sender, request) = browser.request("POST", &world.at("/api/upload")).streaming();
    let answer = tokio::spawn(request.send());
    for _ in 0..8 {
        tokio::time::sleep(Duration::from_millis(150)).await;
        sender.send(Bytes::from_static(b"piece")).await.unwrap();
    }
    drop(sender);
    assert_eq!(soon("the answer", answer).await.unwrap().json()["bytes"], 40);

    let (sender, request) = browser.request("POST", &world.at("/api/upload")).streaming();
    sender.send(Bytes::from_static(b"piece")).await.unwrap();
    let answer = soon("an end", request.send()).await;
    assert_problem(&answer, 504, "upstream-timeout");
    drop(sender);
}

/// Requests go up side by side, and one that hangs holds nobody.
#[tokio::test]
async fn requests_do_not_wait_for_each_other() {
    let world = World::start().await;
    let browser = world.logged_in().await;
    let hanging: Vec<_> = (0..20)
        .map(|_| {
            let (browser, url) = (browser.clone(), world.at("/api/stream"));
            tokio::spawn(async move { browser.request("GET", &url).open().await })
        })
        .collect();
    eventually("all streams", || world.upstream.open_streams() == 20).await;
    assert_eq!(soon("the echo", world.echo(&browser)).await.status, 200);
    for answer in hanging {
        assert_eq!(answer.await.unwrap().unwrap().status, 200);
    }
}

/// SIGTERM: an answer under way comes to its end, then the process does.
#[tokio::test]
async fn a_graceful_end_lets_answers_end() {
    let mut world = World::start().await;
    let browser = world.logged_in().await;
    let url = world.at("/api/slow?ms=700");
    let answer = tokio::spawn(async move { Browser::fetch(&browser, "GET", &url).await });
    eventually("the request", || !world.upstream.requests().is_empty()).await;
    let status = world.gateway.stop().await;
    assert!(status.success(), "{status}");
    assert_eq!(answer.await.unwrap().json()["slept"], 700);
}
