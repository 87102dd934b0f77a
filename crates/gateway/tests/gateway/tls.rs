//! HTTPS: the gateway ends TLS itself.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use cloakroom_testkit::{Authority, Browser, Gateway, GatewayConfig, Provider, Upstream};
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::world::{PASSWORD, USERS, World, binary, cookie, retry, with_users};

/// A world on https, and the authority that its browsers trust.
pub(crate) async fn secured(
    configure: impl FnOnce(GatewayConfig) -> GatewayConfig,
) -> (World, Authority) {
    let authority = Authority::new();
    let provider = with_users(Provider::builder()).start().await;
    let upstream = Upstream::start(&provider).await;
    let config = GatewayConfig::new(&provider, &upstream.url()).https(&provider, &authority);
    let gateway = Gateway::spawn(binary(), configure(config)).await;
    (World { provider, upstream, gateway }, authority)
}

/// A connection whose handshake is done.
pub(crate) async fn connect(
    world: &World,
    authority: &Authority,
    protocols: &[&[u8]],
) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(world.gateway.address()).await?;
    let name = ServerName::try_from("localhost").expect("a name");
    TlsConnector::from(authority.client_config(protocols)).connect(name, stream).await
}

/// The whole of it: login, call, WebSocket, logout.
#[tokio::test]
async fn a_login_and_a_web_socket_over_tls() {
    let (world, authority) = secured(|config| config).await;
    let browser = Browser::trusting(&authority);
    browser.login(world.gateway.url(), USERS[0], PASSWORD, "/").await;
    assert!(cookie(&browser).is_some(), "{}", world.gateway.log());
    let answer = world.echo(&browser).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["headers"]["x-forwarded-proto"][0], "https");

    let url = world.at("/api/ws");
    let socket = browser.request("GET", &url).from_page(world.gateway.url()).web_socket().await;
    let mut socket = socket.unwrap_or_else(|refusal| panic!("{refusal:?}"));
    socket.send("hello").await.unwrap();
    assert_eq!(socket.receive().await.unwrap().as_deref(), Some("hello"));

    assert_eq!(browser.fetch("POST", &world.at("/auth/logout")).await.status, 200);
    assert_eq!(world.echo(&browser).await.status, 401);
}

/// A renewed certificate is shown to new connections while others go on; a broken one changes nothing.
#[tokio::test]
async fn a_certificate_is_replaced_under_load() {
    let (world, authority) = secured(|config| config).await;
    let browser = Browser::trusting(&authority);
    let (going, sent) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
    let load: Vec<_> = (0..8)
        .map(|_| {
            let (browser, going, sent) = (browser.clone(), Arc::clone(&going), Arc::clone(&sent));
            let url = world.at("/auth/session");
            tokio::spawn(async move {
                while going.load(Ordering::Relaxed) {
                    assert_eq!(browser.fetch("GET", &url).await.status, 200);
                    sent.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let mut open = connect(&world, &authority, &[b"http/1.1"]).await.unwrap();
    let before = shown(&open);

    let replace = |certificate: &str, key: &str| {
        fs::write(world.gateway.folder().join("key.pem"), key).unwrap();
        fs::write(world.gateway.folder().join("cert.pem"), certificate).unwrap();
    };
    let renewed = authority.issue(&["localhost"]);
    replace(&renewed.certificate, &renewed.key);
    let now = retry(
        "the new certificate",
        || async { shown(&connect(&world, &authority, &[]).await.unwrap()) },
        |now| *now != before,
    )
    .await;
    replace(&renewed.certificate, "no key");
    retry(
        "the error",
        || async { world.gateway.log() },
        |log| log.contains("the certificate stays as it was"),
    )
    .await;
    assert_eq!(shown(&connect(&world, &authority, &[]).await.unwrap()), now);

    // The connection of before is none the worse for it.
    let request = format!(
        "GET /auth/session HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        world.gateway.url().trim_start_matches("https://")
    );
    open.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    open.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    going.store(false, Ordering::Relaxed);
    for load in load {
        load.await.expect("every request was answered");
    }
    assert!(sent.load(Ordering::Relaxed) > 50, "that was no load");
}

fn shown(stream: &TlsStream<TcpStream>) -> Vec<u8> {
    stream.get_ref().1.peer_certificates().expect("a certificate")[0].to_vec()
}

/// R71: as without TLS, an answer that comes before the body is through reaches who reads it later.
#[tokio::test]
async fn a_refusal_in_the_middle_of_an_upload_arrives() {
    let (world, authority) = secured(|config| config).await;
    let mut stream = connect(&world, &authority, &[]).await.unwrap();
    let length = 10_000_000;
    let head = format!(
        "POST /api/echo HTTP/1.1\r\nHost: {}\r\nContent-Length: {length}\r\n\r\n",
        world.gateway.url().trim_start_matches("https://")
    );
    let request = [head.as_bytes(), &vec![b'x'; length]].concat();
    stream.write_all(&request).await.expect("taken to the end");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("closed, not reset, and said so");
    assert!(answer.starts_with("HTTP/1.1 403") && answer.ends_with('}'), "{answer}");
}

/// R71: who does not come to the end of a handshake within ten seconds has to go. Ten real seconds are
/// what this takes.
#[tokio::test]
async fn a_handshake_has_ten_seconds() {
    let (world, _) = secured(|config| config).await;
    let start = Instant::now();
    let mut slow = TcpStream::connect(world.gateway.address()).await.unwrap();
    slow.write_all(&[22, 3, 1]).await.unwrap();
    let mut nothing = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(20), slow.read_to_end(&mut nothing)).await;
    let taken = start.elapsed();
    assert!((9..15).contains(&taken.as_secs()), "{taken:?}");
}

/// No TLS before 1.2, and no protocol but HTTP: a request meant for another protocol's server is not
/// read as one of ours.
#[tokio::test]
async fn foreign_protocols_are_refused() {
    let (world, authority) = secured(|config| config).await;
    assert!(connect(&world, &authority, &[b"ftp", b"imap"]).await.is_err());
    assert!(connect(&world, &authority, &[]).await.is_ok());
    let plain = world.send_raw("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert!(plain.closed && !plain.text().contains("HTTP/1.1"), "{}", plain.text());
}
