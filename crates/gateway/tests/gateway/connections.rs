//! Connections that take more than their share, and how they end (R71).

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::world::World;

/// An answer that comes before the body is through must reach also a client that reads after it has sent
/// all. A server that closes with unread bytes resets the connection, and many systems throw away what
/// was not read until then: the way back out of a cookie bomb would be lost.
#[tokio::test]
async fn a_refusal_in_the_middle_of_an_upload_arrives() {
    let world = World::start().await;
    let bomb = format!("Cookie: bomb={}\r\n", "x".repeat(17_000));
    for (headers, status) in [(bomb.as_str(), "431"), ("", "403")] {
        let length = 20_000_000;
        let head = format!(
            "POST /api/echo HTTP/1.1\r\nHost: {}\r\n{headers}Content-Length: {length}\r\n\r\n",
            world.host()
        );
        let answer = send_all(&world, &[head.as_bytes(), &vec![b'x'; length]].concat()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
        assert!(answer.ends_with('}'), "to its end: {answer}");
    }
    // hyper's own refusal, of a head that no browser sends.
    let endless = format!("GET /{} HTTP/1.1\r\n", "x".repeat(20_000_000));
    let answer = send_all(&world, endless.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
}

/// The answer to bytes that were all taken, on a connection that was closed and not reset.
async fn send_all(world: &World, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(world.gateway.address()).await.expect("a connection");
    stream.write_all(bytes).await.expect("taken to the end");
    stream.shutdown().await.expect("an open connection");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("closed, not reset");
    answer
}

/// The memory that a large head took is not kept for as long as its connection would be.
#[tokio::test]
async fn a_large_head_is_a_connections_last() {
    let world = World::start().await;
    let bombs: Vec<_> = (0..179).map(|n| format!("bomb{n}={}", "x".repeat(4085))).collect();
    let bomb = format!("Cookie: {}\r\n", bombs.join("; "));
    // Refused as a bomb, and refused for its host before anybody looks at its size.
    for (host, status) in [(world.host(), 431), ("elsewhere.example", 421)] {
        let request = format!("GET /api/echo HTTP/1.1\r\nHost: {host}\r\n{bomb}\r\n");
        let answer = world.send_raw(request).await;
        assert_eq!(answer.status(), Some(status), "{}", answer.text());
        assert!(answer.closed && answer.text().ends_with('}'), "{}", answer.text());
    }
}

/// Who connects and does not come to the end of a head within ten seconds has to go; a connection that
/// was used may wait for its next request. Ten real seconds are what this takes.
#[tokio::test]
async fn a_first_head_has_ten_seconds() {
    let world = World::start().await;
    let request = format!("GET /auth/session HTTP/1.1\r\nHost: {}\r\n\r\n", world.host());
    let connect = || TcpStream::connect(world.gateway.address());
    let start = Instant::now();
    let (mut slow, mut used) = (connect().await.unwrap(), connect().await.unwrap());
    slow.write_all(b"GET / HT").await.unwrap();
    assert!(ask(&mut used, &request).await.starts_with("HTTP/1.1 200"));

    let mut nothing = Vec::new();
    let _ = slow.read_to_end(&mut nothing).await;
    let taken = start.elapsed();
    assert!((9..15).contains(&taken.as_secs()), "{taken:?}");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(ask(&mut used, &request).await.starts_with("HTTP/1.1 200"));
}

async fn ask(stream: &mut TcpStream, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.expect("an open connection");
    let mut answer = vec![0; 4096];
    let length = stream.read(&mut answer).await.expect("an open connection");
    String::from_utf8_lossy(&answer[..length]).into_owned()
}
