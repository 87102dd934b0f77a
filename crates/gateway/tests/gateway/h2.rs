//! HTTP/2: what it carries, and what no client may do with it (R66, R71).

mod wire;

use bytes::Bytes;
use cloakroom_testkit::{Authority, Browser};
use http::{Request, Response, Version};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;

use crate::{
    tls::{connect, secured},
    world::{COOKIE, PASSWORD, USERS, World, cookie},
};
use wire::{
    CANCEL, CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, Frame, GOAWAY, HEADERS,
    PROTOCOL_ERROR, RST_STREAM, Wire, block,
};

type Client = SendRequest<Full<Bytes>>;

/// A world on https with a route that asks for nothing.
async fn open_world() -> (World, Authority) {
    let free = "session = 'none'";
    secured(|config| config.route("/open", free).route("/api/slow", free)).await
}

async fn client(world: &World, authority: &Authority) -> Client {
    let stream = connect(world, authority, &[b"h2"]).await.expect("a handshake");
    let connected = handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
    let (client, connection) = connected.expect("HTTP/2");
    tokio::spawn(connection);
    client
}

fn get(url: &str) -> http::request::Builder {
    Request::get(url).version(Version::HTTP_2).header("sec-fetch-site", "same-origin")
}

async fn send(client: &mut Client, request: http::request::Builder) -> Response<Bytes> {
    let request = request.body(Full::default()).expect("a request");
    whole(client.send_request(request).await.expect("an answer")).await
}

async fn whole(answer: Response<hyper::body::Incoming>) -> Response<Bytes> {
    let (parts, body) = answer.into_parts();
    Response::from_parts(parts, body.collect().await.expect("whole").to_bytes())
}

/// RFC 9113 §8.2.3: browsers send every cookie in a field of its own; the session is found all the same,
/// and the upstream gets the others as the one header that HTTP/1.1 knows.
#[tokio::test]
async fn cookies_in_several_fields_are_one_header() {
    let (world, authority) = secured(|config| config).await;
    let browser = Browser::trusting(&authority);
    browser.login(world.gateway.url(), USERS[0], PASSWORD, "/").await;
    let session = format!("{COOKIE}={}", cookie(&browser).expect("logged in"));
    let mut client = client(&world, &authority).await;
    let request = get(&world.at("/api/echo"));
    let request =
        request.header("cookie", "a=1").header("cookie", &session).header("cookie", "b=2");
    let answer = send(&mut client, request).await;
    assert_eq!((answer.status().as_u16(), answer.version()), (200, Version::HTTP_2));
    let echo: Value = serde_json::from_slice(answer.body()).expect("JSON");
    assert!(echo["headers"]["authorization"][0].as_str().expect("a token").starts_with("Bearer "));
    assert_eq!(echo["headers"]["cookie"], serde_json::json!(["a=1; b=2"]));
    assert_eq!(echo["headers"]["x-forwarded-proto"][0], "https");

    // R27: the same cookie twice, in two fields.
    let twice = get(&world.at("/api/echo")).header("cookie", &session).header("cookie", &session);
    assert_eq!(send(&mut client, twice).await.status(), 401);
}

/// Answers without a body, which end with their head.
#[tokio::test]
async fn answers_may_be_heads_alone() {
    let (world, authority) = open_world().await;
    let mut client = client(&world, &authority).await;
    for path in ["/", "/open/x"] {
        let request = Request::head(world.at(path)).version(Version::HTTP_2);
        let answer = send(&mut client, request).await;
        assert!(
            answer.body().is_empty() && answer.headers().contains_key("content-length"),
            "{answer:?}"
        );
    }
    let answer = send(&mut client, get(&world.at("/"))).await;
    let modified = answer.headers()["last-modified"].clone();
    // More of them than may be cancelled.
    for _ in 0..300 {
        let again = get(&world.at("/")).header("if-modified-since", modified.clone());
        assert_eq!(send(&mut client, again).await.status(), 304);
    }
}

/// R71: the gate's 431 has the way back out of a cookie bomb in HTTP/2, too.
#[tokio::test]
async fn a_cookie_bomb_is_defused() {
    let (world, authority) = open_world().await;
    let mut client = client(&world, &authority).await;
    let mut request = get(&world.at("/open/x"));
    for n in 0..179 {
        request = request.header("cookie", format!("bomb{n}={}", "x".repeat(4085)));
    }
    let answer = send(&mut client, request).await;
    assert_eq!(answer.status(), 431);
    assert_eq!(answer.headers().get("clear-site-data").expect("a way back"), "\"cookies\"");
    let many = (0..200)
        .fold(get(&world.at("/open/x")), |request, n| request.header(format!("x-{n}"), "y"));
    assert_eq!(send(&mut client, many).await.status(), 431);
    assert!(world.upstream.requests().is_empty());
    assert_eq!(send(&mut client, get(&world.at("/"))).await.status(), 200);
}

/// A stop lets what is under way end, and tells the client to go elsewhere with the rest.
#[tokio::test]
async fn a_stop_lets_streams_end() {
    let (mut world, authority) = open_world().await;
    let mut client = client(&world, &authority).await;
    let slow = get(&world.at("/api/slow?ms=800")).body(Full::default()).expect("a request");
    let slow = client.send_request(slow);
    cloakroom_testkit::eventually("the request upstream", || !world.upstream.requests().is_empty())
        .await;
    let (answer, stopped) = tokio::join!(slow, world.gateway.stop());
    assert_eq!(whole(answer.expect("an answer")).await.status(), 200);
    assert!(stopped.success());
    assert!(client.ready().await.is_err(), "told to go");
}

/// R71: what is announced.
#[tokio::test]
async fn the_limits_are_announced() {
    let (world, authority) = open_world().await;
    let wire = Wire::open(&world, &authority).await;
    let setting =
        |id| wire.settings.iter().find(|(found, _)| *found == id).map(|(_, value)| *value);
    assert_eq!(setting(3), Some(100), "streams");
    assert_eq!(setting(6), Some(768 * 1024), "bytes of headers");
    assert_eq!(setting(8), None, "no WebSocket by HTTP/2");
}

/// The four pseudo fields of a good request (RFC 9113 §8.3.1), with further ones behind.
fn head<'f>(host: &'f str, more: &[(&'f [u8], &'f [u8])]) -> Vec<(&'f [u8], &'f [u8])> {
    let mut fields: Vec<(&[u8], &[u8])> = vec![
        (b":method", b"GET"),
        (b":scheme", b"https"),
        (b":authority", host.as_bytes()),
        (b":path", b"/open/x"),
    ];
    fields.extend(more);
    fields
}

fn host(world: &World) -> String {
    world.gateway.url().trim_start_matches("https://").to_owned()
}

/// R66: fields that would mean something else to an HTTP/1.1 upstream never get there.
#[tokio::test]
async fn r66_fields_that_smuggle_are_refused() {
    let (world, authority) = open_world().await;
    let host = host(&world);
    let smuggle: &[u8] = b"x\r\n\r\nGET /admin HTTP/1.1\r\nHost: evil\r\n\r\n";
    let rows: &[(&[u8], &[u8])] = &[
        (b"connection", b"keep-alive"),
        (b"connection", b"x-forwarded-for"),
        (b"keep-alive", b"timeout=5"),
        (b"proxy-connection", b"keep-alive"),
        (b"transfer-encoding", b"chunked"),
        (b"upgrade", b"websocket"),
        (b"te", b"gzip"),
        (b"X-Upper", b"x"),
        (b"x y", b"x"),
        (b"x:y", b"x"),
        (b"x\r\nevil", b"x"),
        (b"x\0", b"x"),
        (b"", b"x"),
        (b"x-value", smuggle),
        (b"x-value", b"x\ny"),
        (b"x-value", b"x\ry"),
        (b"x-value", b"x\0y"),
        (b":path", b"/open/twice"),
        (b":unknown", b"x"),
        (b":status", b"200"),
        (b"host", b"evil.example"),
        (b"content-length", b"5"),
        (b"content-length", b"-1"),
        (b"content-length", b"0x5"),
        (b"content-length", b"0, 0"),
    ];
    for row in rows {
        let mut wire = Wire::open(&world, &authority).await;
        wire.get(1, &head(&host, &[*row])).await;
        assert_refused(&world, wire.outcome(1).await, &format!("{row:?}"));
    }
    for (name, value) in [
        (&b":path"[..], &b"/open/x HTTP/1.1\r\nHost: evil\r\n\r\nGET /admin"[..]),
        (b":path", b"/open/x y"),
        (b":path", b"open/x"),
        (b":path", b""),
        (b":path", b"/open/x\0"),
        (b":path", b"*"),
        (b":path", b"/open/../api/echo"),
        (b":method", b"GET /admin HTTP/1.1\r\n\r\n"),
        (b":method", b"CONNECT"),
        (b":method", b""),
        (b":scheme", b"https\r\nx: y"),
        (b":authority", b"evil.example"),
        (b":authority", b""),
    ] {
        let mut fields = head(&host, &[]);
        fields.iter_mut().filter(|field| field.0 == name).for_each(|field| field.1 = value);
        let mut wire = Wire::open(&world, &authority).await;
        wire.get(1, &fields).await;
        assert_refused(&world, wire.outcome(1).await, &format!("{name:?} {value:?}"));
    }
    let user = format!("user@{host}");
    for authority_field in [user.as_str(), &format!("{host}:1"), &format!("{host}/")] {
        let mut wire = Wire::open(&world, &authority).await;
        wire.get(1, &head(authority_field, &[])).await;
        assert_refused(&world, wire.outcome(1).await, authority_field);
    }
    // The host is ours, the authority is not.
    let mut wire = Wire::open(&world, &authority).await;
    wire.get(1, &head("evil.example", &[(b"host", host.as_bytes())])).await;
    assert_refused(&world, wire.outcome(1).await, "authority beside host");
    // A good one, so that the rows above are refused for what they are about.
    let mut wire = Wire::open(&world, &authority).await;
    wire.get(1, &head(&host, &[(b"host", host.as_bytes()), (b"te", b"trailers")])).await;
    wire.outcome(1).await.expect("an answer");
    let requests = world.upstream.requests();
    assert_eq!(requests.len(), 1, "{}", world.gateway.log());
    assert_eq!(requests[0].header("te"), None);
}

/// A problem of ours, or an error of the protocol's; and the upstream has seen nothing.
#[track_caller]
fn assert_refused(world: &World, outcome: Result<String, u32>, what: &str) {
    let refused = match &outcome {
        Ok(body) => body.contains("urn:cloakroom:problem:"),
        Err(code) => *code == PROTOCOL_ERROR,
    };
    assert!(refused, "{what}: {outcome:?}");
    assert!(world.upstream.requests().is_empty(), "{what} came through");
}

/// R66: a length that is not the body's: more or less, or several lengths.
#[tokio::test]
async fn r66_a_body_has_the_length_that_it_says() {
    let (world, authority) = open_world().await;
    let host = host(&world);
    let post = |lengths: &[&[u8]]| {
        let mut fields = head(&host, &[]);
        fields[0].1 = b"POST";
        let lengths: Vec<_> = lengths.iter().map(|length| length.to_vec()).collect();
        let more: Vec<(&[u8], &[u8])> =
            lengths.iter().map(|length| (&b"content-length"[..], &length[..])).collect();
        fields.extend(more);
        Frame::new(HEADERS, END_HEADERS, 1, &block(&fields))
    };
    for (lengths, body) in [
        (&[&b"5"[..]][..], "GET /admin"),
        (&[b"50"], "GET /admin"),
        (&[b"5", b"10"], "GET /admin"),
        (&[b"10", b"5"], "GET /admin"),
        (&[b"10", b"10"], "GET /admin"),
        (&[b"0"], "GET /admin"),
        (&[b"+10"], "GET /admin"),
    ] {
        let mut wire = Wire::open(&world, &authority).await;
        let data = Frame::new(DATA, END_STREAM, 1, body.as_bytes());
        wire.send(&[post(lengths), data]).await.expect("an open connection");
        let outcome = wire.outcome(1).await;
        let refused = matches!(&outcome, Err(code) if *code == PROTOCOL_ERROR)
            || matches!(&outcome, Ok(body) if body.contains("bad-request"));
        assert!(refused, "{lengths:?}: {outcome:?}");
    }
    // What had begun to go on broke off: no upstream got a whole request out of these.
    for request in world.upstream.requests() {
        assert_eq!(request.header("content-length"), Some("50"));
    }
    world.upstream.forget();
    let mut wire = Wire::open(&world, &authority).await;
    let data = Frame::new(DATA, END_STREAM, 1, b"GET /admin");
    wire.send(&[post(&[b"10"]), data]).await.expect("an open connection");
    wire.outcome(1).await.expect("an answer");
    assert_eq!(world.upstream.requests().len(), 1);
}

/// R71, CVE-2023-44487: all at once, so that the streams are cancelled before anybody looks at them.
#[tokio::test]
async fn r71_a_burst_of_resets_ends_the_connection() {
    let (world, authority) = open_world().await;
    let host = host(&world);
    let mut wire = Wire::open(&world, &authority).await;
    let head = block(&head(&host, &[]));
    let frames: Vec<_> = (0..2000)
        .flat_map(|n| {
            let id = 2 * n + 1;
            let cancel = Frame::new(RST_STREAM, 0, id, &CANCEL.to_be_bytes());
            [Frame::new(HEADERS, END_HEADERS | END_STREAM, id, &head), cancel]
        })
        .collect();
    // The gateway may have hung up before the last of them.
    let _ = wire.send(&frames).await;
    assert_calmed(&mut wire).await;
    assert!(world.upstream.requests().len() < 400, "{}", world.upstream.requests().len());
}

/// R71, CVE-2023-44487: one after the other, each seen and begun.
#[tokio::test]
async fn r71_a_stream_of_resets_ends_the_connection() {
    let (world, authority) = secured(|config| {
        config.route("/open", "session = 'none'\nupstream = 'http://127.0.0.1:9'")
    })
    .await;
    let host = host(&world);
    let mut wire = Wire::open(&world, &authority).await;
    let head = block(&head(&host, &[]));
    let mut sent = 0;
    for n in 0..2000 {
        let id = 2 * n + 1;
        let open = Frame::new(HEADERS, END_HEADERS, id, &head);
        let cancel = Frame::new(RST_STREAM, 0, id, &CANCEL.to_be_bytes());
        if wire.send(&[open]).await.is_err() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        if wire.send(&[cancel]).await.is_err() {
            break;
        }
        sent += 1;
        if world.gateway.log().contains("request after request") {
            break;
        }
    }
    assert!((150..600).contains(&sent), "{sent} resets\n{}", world.gateway.log());
    let frames = wire.until(|frame| frame.kind == GOAWAY).await;
    assert_eq!(frames.last().map(|frame| frame.kind), Some(GOAWAY));
}

/// R71, CVE-2024-27316: a head without an end.
#[tokio::test]
async fn r71_a_flood_of_continuations_ends_the_connection() {
    let (world, authority) = open_world().await;
    let host = host(&world);
    for size in [0, 1, 4096, 16_000] {
        let mut wire = Wire::open(&world, &authority).await;
        let start = Frame::new(HEADERS, END_STREAM, 1, &block(&head(&host, &[])));
        let filler = block(&[(b"x-filler", &vec![b'x'; size])]);
        let filler = if size == 0 { Vec::new() } else { filler };
        let endless = vec![Frame::new(CONTINUATION, 0, 1, &filler); 200];
        wire.send(&[start]).await.expect("an open connection");
        let _ = wire.send(&endless).await;
        assert_calmed(&mut wire).await;
    }
    assert!(world.upstream.requests().is_empty());
}

/// R71: more streams than announced are refused, the others live on.
#[tokio::test]
async fn r71_streams_beyond_the_limit_are_refused() {
    let (world, authority) = open_world().await;
    let host = host(&world);
    let mut wire = Wire::open(&world, &authority).await;
    let mut fields = head(&host, &[]);
    fields[0].1 = b"POST";
    let head = block(&fields);
    // Bodies that never come.
    let open: Vec<_> =
        (0..120).map(|n| Frame::new(HEADERS, END_HEADERS, 2 * n + 1, &head)).collect();
    wire.send(&open).await.expect("an open connection");
    let frames = wire.until(|frame| frame.kind == RST_STREAM && frame.stream == 239).await;
    let refused: Vec<_> = frames.iter().filter(|frame| frame.kind == RST_STREAM).collect();
    assert_eq!(refused.len(), 20, "{refused:?}");
    assert!(refused.iter().all(|frame| frame.stream > 200));
    assert!(!frames.iter().any(|frame| frame.kind == GOAWAY));
}

async fn assert_calmed(wire: &mut Wire) {
    let frames = wire.until(|frame| frame.kind == GOAWAY).await;
    let end = frames.iter().find(|frame| frame.kind == GOAWAY).map(Frame::code);
    assert_eq!(end, Some(ENHANCE_YOUR_CALM), "{:?}", frames.last());
}

/// R71: what floods leave behind is nothing, and while they last they take no more than the limits say.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn r71_memory_stays_flat_under_floods() {
    let (world, authority) = open_world().await;
    let status = format!("/proc/{}/status", crate::world::process_id(&world.gateway));
    let megabytes = |line: &str| {
        let text = std::fs::read_to_string(&status).expect("procfs");
        let kilobytes = text.lines().find_map(|found| found.strip_prefix(line)).expect("a line");
        kilobytes.trim_matches([':', '\t', ' ', 'k', 'B']).parse::<u64>().expect("a number") / 1024
    };
    let host = host(&world);
    let head_block = block(&head(&host, &[]));
    let filler = block(&[(b"x-filler", &vec![b'x'; 16_000])]);
    // Sixty-four megabytes, if anybody took them.
    let mut endless = vec![Frame::new(HEADERS, END_STREAM, 1, &head_block)];
    endless.resize(4000, Frame::new(CONTINUATION, 0, 1, &filler));
    let resets: Vec<_> = (0..2000)
        .flat_map(|n| {
            let id = 2 * n + 1;
            let cancel = Frame::new(RST_STREAM, 0, id, &CANCEL.to_be_bytes());
            [Frame::new(HEADERS, END_HEADERS | END_STREAM, id, &head_block), cancel]
        })
        .collect();
    let before = megabytes("VmRSS");
    let mut wires = Vec::new();
    for flood in [&endless, &resets, &resets, &endless, &resets, &resets] {
        let mut wire = Wire::open(&world, &authority).await;
        let _ = wire.send(flood).await;
        wires.push(wire);
    }
    let (after, peak) = (megabytes("VmRSS"), megabytes("VmHWM"));
    assert!(peak < before + 48, "before {before} MB, after {after} MB, peak {peak} MB");
}
