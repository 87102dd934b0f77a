//! Requests that two servers could read as different ones (R62, R65, R67): what comes of each, byte by
//! byte, at an upstream that records what it gets.
//!
//! Refused means: an answer with that status, a closed connection, and not one byte at the upstream.
//! Framed anew means: hyper resolves it (RFC 9112 §6.1, see `ARCHITECTURE.md`), and the upstream reads
//! exactly one request whose end is where the gateway saw it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use cloakroom_testkit::raw;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::world::World;

/// What an attacker hides in a body or behind it.
const SMUGGLED: &str = "GET /open/smuggled HTTP/1.1\r\nHost: x\r\nX-Smuggled: 1\r\n\r\n";

/// Records bytes, and answers a request when it is whole to the strictest reader.
struct Recorder {
    address: SocketAddr,
    connections: Connections,
    accept: JoinHandle<()>,
}

type Connections = Arc<Mutex<Vec<Vec<u8>>>>;

impl Recorder {
    async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let connections = Connections::default();
        let all = Arc::clone(&connections);
        let accept = tokio::spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let mut connections = all.lock().expect("no panic while it was held");
                connections.push(Vec::new());
                open.spawn(Self::record(stream, connections.len() - 1, Arc::clone(&all)));
            }
        });
        Self { address, connections, accept }
    }

    async fn record(mut stream: TcpStream, number: usize, connections: Connections) {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(read @ 1..) = stream.read(&mut buffer).await {
            let bytes = {
                let mut all = connections.lock().expect("no panic while it was held");
                all[number].extend_from_slice(&buffer[..read]);
                all[number].clone()
            };
            if find(&bytes, b"\r\n\r\n").is_some() && frames(&bytes).iter().all(|one| one.whole) {
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
                // An error is a gateway that has hung up.
                let _ = stream.write_all(answer).await;
            }
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.accept.abort();
    }
}

/// A gateway with an open route, so that only the framing is in question.
struct Line {
    upstream: Recorder,
    world: World,
}

impl Line {
    async fn start() -> Self {
        let upstream = Recorder::start().await;
        let settings = format!("session = 'none'\nupstream = 'http://{}'", upstream.address);
        let world = World::configured(|config| config.route("/open", &settings)).await;
        Self { upstream, world }
    }

    /// Sends `text` with `HOST` for the right host.
    async fn send(&self, text: &str) -> raw::Answer {
        self.world.send_raw(text.replace("HOST", self.world.host())).await
    }

    /// What has reached the upstream since the last time, as strict requests.
    fn arrived(&self) -> Vec<Framed> {
        let mut connections = self.upstream.connections.lock().expect("no panic while it was held");
        let new = connections.iter_mut().map(std::mem::take);
        new.flat_map(|bytes| frames(&bytes)).collect()
    }
}

#[derive(Debug)]
struct Framed {
    head: String,
    body: Vec<u8>,
    /// The body ended as its framing says.
    whole: bool,
}

impl Framed {
    fn target(&self) -> &str {
        self.head.split(' ').nth(1).expect("a target")
    }

    fn values(&self, wanted: &str) -> Vec<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines
            .filter(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value)
            .collect()
    }
}

/// Reads requests as the strictest server would; panics at anything that it could not agree to.
fn frames(mut bytes: &[u8]) -> Vec<Framed> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let end = find(bytes, b"\r\n\r\n").expect("a whole head");
        let head = String::from_utf8(bytes[..end + 2].to_vec()).expect("a head of text");
        assert!(head.split_inclusive("\r\n").all(|line| !line.trim_end().contains(['\r', '\n'])));
        bytes = &bytes[end + 4..];
        let mut framed = Framed { head, body: Vec::new(), whole: true };
        let (lengths, codings) =
            (framed.values("content-length"), framed.values("transfer-encoding"));
        match (lengths.as_slice(), codings.as_slice()) {
            ([], []) => {}
            ([length], []) => {
                let length: usize = length.parse().expect("a length");
                framed.whole = bytes.len() >= length;
                let (body, rest) = bytes.split_at(length.min(bytes.len()));
                (framed.body, bytes) = (body.to_vec(), rest);
            }
            ([], ["chunked"]) => (framed.body, framed.whole, bytes) = chunked(bytes),
            _ => panic!("an ambiguous request at the upstream: {framed:?}"),
        }
        all.push(framed);
    }
    all
}

fn chunked(mut bytes: &[u8]) -> (Vec<u8>, bool, &[u8]) {
    let mut body = Vec::new();
    while let Some(end) = find(bytes, b"\r\n") {
        let size = std::str::from_utf8(&bytes[..end]).expect("a size of text");
        let size = usize::from_str_radix(size, 16).expect("a size without extensions");
        bytes = &bytes[end + 2..];
        if size == 0 {
            let rest = bytes.strip_prefix(b"\r\n").expect("no trailers");
            return (body, true, rest);
        }
        if bytes.len() < size + 2 {
            return (body, false, b"");
        }
        body.extend_from_slice(&bytes[..size]);
        assert_eq!(&bytes[size..size + 2], b"\r\n");
        bytes = &bytes[size + 2..];
    }
    (body, false, b"")
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

fn post(headers: &str, body: &str) -> String {
    format!("POST /open/first HTTP/1.1\r\nHost: HOST\r\n{headers}\r\n{body}")
}

/// R65, the rows that end with 400 and a closed connection. (What hyper itself refuses has an empty
/// answer.)
#[tokio::test]
async fn ambiguous_requests_are_refused_and_the_connection_closed() {
    let line = Line::start().await;
    let after = |text: String| format!("{text}{SMUGGLED}");
    let rows: Vec<(&str, String)> = vec![
        // Two lengths.
        ("conflicting lengths", post("Content-Length: 5\r\nContent-Length: 0\r\n", "hello")),
        ("a list of lengths", post("Content-Length: 5, 0\r\n", "hello")),
        ("a length with a sign", post("Content-Length: +5\r\n", "hello")),
        ("a negative length", post("Content-Length: -5\r\n", "hello")),
        ("a hexadecimal length", post("Content-Length: 0x5\r\n", "hello")),
        ("a length in two parts", post("Content-Length: 5 5\r\n", "hello")),
        ("no length in the header", post("Content-Length: \r\n", "hello")),
        ("a length past all bounds", post("Content-Length: 99999999999999999999\r\n", "hello")),
        ("a length with a point", post("Content-Length: 5.0\r\n", "hello")),
        // TE.TE: codings that some servers do not recognise.
        ("an unknown coding", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n")),
        ("chunked is not last", post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n")),
        (
            "chunked, then another",
            post("Transfer-Encoding: chunked\r\nTransfer-Encoding: cow\r\n", "0\r\n\r\n"),
        ),
        ("identity", post("Transfer-Encoding: identity\r\n", "0\r\n\r\n")),
        ("quoted", post("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n")),
        ("a vertical tab before", post("Transfer-Encoding: \x0bchunked\r\n", "0\r\n\r\n")),
        ("a space before the colon", post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n")),
        ("a space before the length's colon", post("Content-Length : 5\r\n", "hello")),
        // The shape of lines.
        ("obs-fold", post("X-A: b\r\n c\r\nContent-Length: 0\r\n", "")),
        ("obs-fold with a tab", post("X-A: b\r\n\tc\r\nContent-Length: 0\r\n", "")),
        ("obs-fold in the coding", post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n")),
        (
            "a space before the first header",
            "GET /open/first HTTP/1.1\r\n X: y\r\nHost: HOST\r\n\r\n".into(),
        ),
        ("a NUL in a value", post("X-A: b\0c\r\nContent-Length: 0\r\n", "")),
        ("a NUL in a name", post("X-\0A: b\r\nContent-Length: 0\r\n", "")),
        ("a CR in a value", post("X-A: b\rX-B: c\r\nContent-Length: 0\r\n", "")),
        ("a header without a colon", post("X-A\r\nContent-Length: 0\r\n", "")),
        ("a header without a name", post(": b\r\nContent-Length: 0\r\n", "")),
        ("a name with a space", post("X A: b\r\nContent-Length: 0\r\n", "")),
        ("a name in brackets", post("[X]: b\r\nContent-Length: 0\r\n", "")),
        // The request line.
        ("no target", "GET HTTP/1.1\r\nHost: HOST\r\n\r\n".into()),
        ("two targets", "GET /open/first /open/second HTTP/1.1\r\nHost: HOST\r\n\r\n".into()),
        ("a tab for a space", "GET\t/open/first\tHTTP/1.1\r\nHost: HOST\r\n\r\n".into()),
        ("a NUL in the target", "GET /open/\0first HTTP/1.1\r\nHost: HOST\r\n\r\n".into()),
        ("a CR in the target", "GET /open/first\rX: y HTTP/1.1\r\nHost: HOST\r\n\r\n".into()),
        ("a target of no form", "GET open/first HTTP/1.1\r\nHost: HOST\r\n\r\n".into()),
        ("HTTP/0.9", "GET /open/first\r\n\r\n".into()),
        ("HTTP/1.2", "GET /open/first HTTP/1.2\r\nHost: HOST\r\n\r\n".into()),
        ("HTTP/2.0 by name", "GET /open/first HTTP/2.0\r\nHost: HOST\r\n\r\n".into()),
        ("a method with a bracket", "GET[] /open/first HTTP/1.1\r\nHost: HOST\r\n\r\n".into()),
    ];
    for (what, request) in rows {
        let answer = line.send(&after(request)).await;
        assert_eq!(answer.status(), Some(400), "{what}: {}", answer.text());
        assert!(answer.closed, "{what}: the connection stays open");
        assert_eq!(answer.text().matches("HTTP/1.1 ").count(), 1, "{what}: {}", answer.text());
        assert!(line.arrived().is_empty(), "{what}");
    }
    // HTTP/2 is not spoken here: hyper hangs up at its preface without a word.
    let preface = line.send(&after("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned())).await;
    assert!(preface.closed && preface.bytes.is_empty(), "{}", preface.text());
    assert!(line.arrived().is_empty());
}

/// R65, the rows that hyper resolves: `Transfer-Encoding` beats `Content-Length` and the connection
/// closes after the answer, so that what is behind the body is nobody's request.
#[tokio::test]
async fn a_length_beside_chunks_is_framed_anew_and_the_connection_closed() {
    let line = Line::start().await;
    let clte = format!("0\r\n\r\n{SMUGGLED}");
    let tecl = format!("{:x}\r\n{SMUGGLED}\r\n0\r\n\r\n", SMUGGLED.len());
    let rows = [
        (
            "CL.TE",
            post(
                &format!("Content-Length: {}\r\nTransfer-Encoding: chunked\r\n", clte.len()),
                &clte,
            ),
            "",
        ),
        ("TE.CL", post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", &tecl), SMUGGLED),
        ("TE.0", post("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", &tecl), SMUGGLED),
        (
            "TE in capitals",
            post("Content-Length: 4\r\nTRANSFER-ENCODING: CHUNKED\r\n", &tecl),
            SMUGGLED,
        ),
    ];
    for (what, request, body) in rows {
        let answer = line.send(&request).await;
        assert_eq!(answer.status(), Some(200), "{what}: {}", answer.text());
        assert!(answer.closed, "{what}: the connection stays open");
        assert_eq!(answer.text().matches("HTTP/1.1 ").count(), 1, "{what}: one answer");
        let arrived = line.arrived();
        assert_eq!(arrived.len(), 1, "{what}: {arrived:?}");
        assert_eq!((arrived[0].target(), arrived[0].whole), ("/open/first", true), "{what}");
        assert_eq!(arrived[0].body, body.as_bytes(), "{what}: a body and nothing else");
    }
}

/// 0.CL and its like: a body where many servers expect none. It has one end, at the gateway and at the
/// upstream, and what is in it stays a body.
#[tokio::test]
async fn a_request_inside_a_body_stays_a_body() {
    let line = Line::start().await;
    let length = SMUGGLED.len();
    let with = |method: &str, headers: &str| {
        format!(
            "{method} /open/first HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\
             Content-Length: {length}\r\n{headers}\r\n{SMUGGLED}"
        )
    };
    let rows = [
        ("0.CL", with("GET", "")),
        ("0.CL by HEAD", with("HEAD", "")),
        ("0.CL by OPTIONS", with("OPTIONS", "")),
        ("0.CL by DELETE", with("DELETE", "")),
        ("Expect", with("POST", "Expect: 100-continue\r\n")),
        ("Expect by GET", with("GET", "Expect: 100-continue\r\n")),
        ("an unknown Expect", with("POST", "Expect: y 100-continue\r\n")),
        ("a length named in Connection", with("POST", "Connection: content-length\r\n")),
        (
            "an upgrade to h2c",
            with(
                "GET",
                "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
            ),
        ),
        ("equal lengths", with("POST", &format!("Content-Length: {length}\r\n"))),
    ];
    for (what, request) in rows {
        let answer = line.send(&request).await;
        let arrived = line.arrived();
        assert!(!answer.text().contains("HTTP/1.1 101"), "{what}");
        if answer.status() == Some(400) {
            assert!(answer.closed && arrived.is_empty(), "{what}: {arrived:?}");
            continue;
        }
        assert_eq!(arrived.len(), 1, "{what}: {} {arrived:?}", answer.text());
        assert_eq!((arrived[0].target(), arrived[0].whole), ("/open/first", true), "{what}");
        assert_eq!(arrived[0].body, SMUGGLED.as_bytes(), "{what}");
        for gone in ["expect", "upgrade", "http2-settings", "connection"] {
            assert!(arrived[0].values(gone).is_empty(), "{what}: {gone} {arrived:?}");
        }
    }
}

/// R65: chunks that end elsewhere for other readers. What has gone up before is left unfinished there,
/// and the connection closes on both sides; nothing behind is a request.
#[tokio::test]
async fn bad_chunks_end_the_connection() {
    let line = Line::start().await;
    let chunked = |body: &str| post("Transfer-Encoding: chunked\r\n", body);
    let rows = [
        ("a size that is no number", chunked("xyz\r\nhello\r\n0\r\n\r\n")),
        ("a size with a prefix", chunked("0x5\r\nhello\r\n0\r\n\r\n")),
        ("a negative size", chunked("-5\r\nhello\r\n0\r\n\r\n")),
        ("a size past all bounds", chunked("FFFFFFFFFFFFFFFF1\r\nhello\r\n0\r\n\r\n")),
        ("an empty size", chunked("\r\nhello\r\n0\r\n\r\n")),
        ("more data than the size says", chunked("3\r\nhello\r\n0\r\n\r\n")),
        ("a bare LF behind the size", chunked("5\nhello\r\n0\r\n\r\n")),
        ("a bare LF in an extension", chunked("5;a\nb\r\nhello\r\n0\r\n\r\n")),
        ("a bare CR in an extension", chunked("5;a\rb\r\nhello\r\n0\r\n\r\n")),
        ("a bare LF behind the data", chunked("5\r\nhello\n0\r\n\r\n")),
    ];
    for (what, request) in rows {
        let answer = line.send(&format!("{request}{SMUGGLED}")).await;
        assert_eq!(answer.status(), Some(400), "{what}: {}", answer.text());
        assert!(answer.closed, "{what}: the connection stays open: {}", answer.text());
        assert!(answer.text().matches("HTTP/1.1 ").count() <= 1, "{what}: {}", answer.text());
        let arrived = line.arrived();
        assert!(arrived.iter().all(|one| one.target() == "/open/first"), "{what}: {arrived:?}");
        assert!(arrived.iter().all(|one| !one.whole), "{what}: {arrived:?}");
    }
}

/// Extensions and trailers that are in order end at the gateway.
#[tokio::test]
async fn extensions_and_trailers_are_left_out() {
    let line = Line::start().await;
    let body = "5;name=value\r\nhello\r\n0\r\nAuthorization: Bearer x\r\n\r\n";
    let answer = line
        .send(&post(
            "Connection: close\r\nTrailer: Authorization\r\nTransfer-Encoding: chunked\r\n",
            body,
        ))
        .await;
    assert_eq!(answer.status(), Some(200), "{}", answer.text());
    let arrived = line.arrived();
    assert_eq!(arrived.len(), 1);
    assert_eq!((arrived[0].body.as_slice(), arrived[0].whole), (&b"hello"[..], true));
    assert!(arrived[0].values("trailer").is_empty());
}

/// R65 asks for a 400 at a bare LF. hyper reads it as the end of a line (RFC 9112 §2.2 allows that);
/// what goes up has proper ends, and means the same.
#[tokio::test]
async fn a_bare_lf_is_written_anew() {
    let line = Line::start().await;
    let request =
        "POST /open/first HTTP/1.1\nHost: HOST\nContent-Length: 5\nConnection: close\n\nhello";
    let answer = line.send(request).await;
    assert_eq!(answer.status(), Some(200), "{}", answer.text());
    assert!(answer.closed);
    let arrived = line.arrived();
    assert_eq!(arrived.len(), 1);
    assert_eq!((arrived[0].body.as_slice(), arrived[0].whole), (&b"hello"[..], true));
}

/// R67: one host, ours, wherever it stands; never forwarded as a client sent it.
#[tokio::test]
async fn the_host_is_ours_or_the_request_ends() {
    let line = Line::start().await;
    let get = |target: &str, hosts: &str| {
        format!("GET {target} HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n")
    };
    let rows = [
        ("two hosts", get("/open/first", "Host: HOST\r\nHost: HOST\r\n"), 400),
        ("two different hosts", get("/open/first", "Host: HOST\r\nHost: evil.example\r\n"), 400),
        ("no host", get("/open/first", ""), 400),
        ("no host, HTTP/1.0", "GET /open/first HTTP/1.0\r\n\r\n".to_owned(), 400),
        ("an empty host", get("/open/first", "Host: \r\n"), 421),
        ("another host", get("/open/first", "Host: evil.example\r\n"), 421),
        ("another port", get("/open/first", "Host: localhost:1\r\n"), 421),
        ("the address", get("/open/first", "Host: 127.0.0.1\r\n"), 421),
        ("a user before", get("/open/first", "Host: evil@HOST\r\n"), 421),
        ("a list", get("/open/first", "Host: HOST, evil.example\r\n"), 421),
        ("a dot behind", get("/open/first", "Host: localhost.\r\n"), 421),
        ("absolute, another host", get("http://evil.example/open/first", "Host: HOST\r\n"), 400),
        ("absolute, another header", get("http://HOST/open/first", "Host: evil.example\r\n"), 400),
        (
            "absolute, both another",
            get("http://evil.example/open/first", "Host: evil.example\r\n"),
            421,
        ),
        ("absolute with a user", get("http://evil@HOST/open/first", "Host: HOST\r\n"), 400),
        (
            "X-Forwarded-Host for the host",
            get("/open/first", "X-Forwarded-Host: HOST\r\nHost: evil.example\r\n"),
            421,
        ),
        (
            "every resource",
            "OPTIONS * HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n".to_owned(),
            400,
        ),
        (
            "a tunnel",
            "CONNECT HOST HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n".to_owned(),
            405,
        ),
        (
            "a trace",
            "TRACE /open/first HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n".to_owned(),
            405,
        ),
    ];
    for (what, request, status) in rows {
        let answer = line.send(&request).await;
        assert_eq!(answer.status(), Some(status), "{what}: {}", answer.text());
        assert!(line.arrived().is_empty(), "{what}");
    }
    let absolute = get("http://HOST/open/first?a=b", "Host: HOST\r\n");
    for good in [absolute, get("/open/first?a=b", "Host: LocalHost:PORT\r\n")] {
        let port = line.world.gateway.address().port().to_string();
        let answer = line.send(&good.replace("PORT", &port)).await;
        assert_eq!(answer.status(), Some(200), "{}", answer.text());
        let arrived = line.arrived();
        assert_eq!(arrived[0].target(), "/open/first?a=b", "origin form goes up");
        assert_eq!(arrived[0].values("host"), [line.upstream.address.to_string()]);
    }
}
