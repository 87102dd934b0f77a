//! `GET /auth/events` over real connections: what a page hears, what it costs, and that nobody waits for
//! it at a stop.

use std::time::{Duration, Instant};

use bytes::Bytes;
use cloakroom_testkit::{Browser, Fault, browser::Events};
use http::{Request, Version};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::Incoming,
    client::conn::http2::{SendRequest, handshake},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;

use crate::{
    tls::{connect, secured},
    world::{COOKIE, PASSWORD, USERS, World, cookie, process_id},
};

async fn listen(world: &World, browser: &Browser) -> Events {
    let opened = browser.request("GET", &world.at("/auth/events")).events().await;
    opened.unwrap_or_else(|answer| panic!("{answer:?}"))
}

#[tokio::test]
async fn a_logout_reaches_an_idle_page() {
    let world = World::start().await;
    let browser = world.with_dead_token().await;
    let mut events = listen(&world, &browser).await;
    assert_eq!(world.echo(&browser).await.status, 200);
    let (name, data) = events.next().await.unwrap().expect("an event");
    assert_eq!(name, "refreshed");
    assert!(data["expiresIn"].as_u64().is_some_and(|seconds| seconds > 290), "{data}");
    let logout = browser.copy().fetch("POST", &world.at("/auth/logout")).await;
    assert_eq!(logout.status, 200);
    let ended = ("ended".to_owned(), json!({ "reason": "logout" }));
    assert_eq!(events.next().await.unwrap(), Some(ended));
    assert_eq!(events.next().await.unwrap(), None);
    for secret in world.provider.issued_secrets() {
        assert!(!events.text().contains(&secret));
    }
    // One line, when the answer began.
    let log = world.gateway.log();
    let lines: Vec<_> = log.lines().filter(|line| line.contains("path=\"/auth/events\"")).collect();
    assert!(lines.len() == 1 && lines[0].contains("status=200"), "{lines:?}");
}

/// R17: the provider ends the session; the page hears of it from whoever finds out.
#[tokio::test]
async fn the_end_of_a_refresh_token_reaches_an_idle_page() {
    let world = World::start().await;
    let browser = world.with_dead_token().await;
    let mut events = listen(&world, &browser).await;
    world.provider.on_refresh(Fault::InvalidGrant);
    assert_eq!(world.echo(&browser.copy()).await.status, 401);
    let ended = ("ended".to_owned(), json!({ "reason": "expired" }));
    assert_eq!(events.next().await.unwrap(), Some(ended));
}

/// A deploy is not delayed by who listens, and the pages come back by themselves.
#[tokio::test]
async fn a_stop_waits_for_no_stream() {
    let mut world = World::start().await;
    let browser = world.logged_in().await;
    let mut streams = Vec::new();
    for _ in 0..20 {
        streams.push(listen(&world, &browser).await);
    }
    let start = Instant::now();
    assert!(world.gateway.stop().await.success());
    // Open requests may take ten seconds.
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    for mut events in streams {
        assert_eq!(events.next().await.expect("ended in good order"), None);
        assert!(events.text().starts_with("retry: "), "{}", events.text());
    }
    world.gateway.restart().await;
    listen(&world, &browser).await;
}

type Client = SendRequest<Full<Bytes>>;

/// A connection with a hundred streams of events.
async fn listen_by_h2(client: &mut Client, url: &str, cookie: &str) -> Vec<Incoming> {
    let mut streams = Vec::new();
    for _ in 0..100 {
        let request = Request::get(url).version(Version::HTTP_2).header("cookie", cookie);
        let request = request.header("sec-fetch-site", "same-origin").body(Full::default());
        let answer = client.send_request(request.expect("a request")).await.expect("an answer");
        assert_eq!(answer.status(), 200);
        streams.push(answer.into_body());
    }
    streams
}

/// A thousand listeners take sixteen kilobytes each at most, get the end, and leave nothing behind.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_thousand_listeners_are_cheap() {
    let (mut world, authority) = secured(|config| config).await;
    let browser = Browser::trusting(&authority);
    browser.login(world.gateway.url(), USERS[0], PASSWORD, "/").await;
    let session = format!("{COOKIE}={}", cookie(&browser).expect("logged in"));
    let status = format!("/proc/{}/status", process_id(&world.gateway));
    let memory = || {
        let text = std::fs::read_to_string(&status).expect("procfs");
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
        line.trim_matches(['\t', ' ', 'k', 'B']).parse::<u64>().expect("kilobytes")
    };
    let url = world.at("/auth/events");
    let mut clients = Vec::new();
    for _ in 0..11 {
        let stream = connect(&world, &authority, &[b"h2"]).await.expect("a handshake");
        let (client, connection) =
            handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("HTTP/2");
        tokio::spawn(connection);
        clients.push(client);
    }
    // The first hundred warm everything up.
    let mut streams = listen_by_h2(&mut clients[0], &url, &session).await;
    let before = memory();
    for client in &mut clients[1..] {
        streams.extend(listen_by_h2(client, &url, &session).await);
    }
    let grown = memory().saturating_sub(before);
    assert!(grown < 16 * 1024, "{grown} kB for 1,000 listeners");
    let logout = browser.fetch("POST", &world.at("/auth/logout")).await;
    assert_eq!(logout.status, 200);
    for stream in streams {
        let text = stream.collect().await.expect("ended in good order").to_bytes();
        assert!(text.ends_with(b"event: ended\ndata: {\"reason\":\"logout\"}\n\n"), "{text:?}");
    }
    let start = Instant::now();
    assert!(world.gateway.stop().await.success());
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
}
