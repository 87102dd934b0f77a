//! Answers of an upstream: what goes through as it is, what is taken off, what is refused.

use cloakroom_testkit::browser::{Browser, Response};

use crate::canned::Canned;
use crate::world::{COOKIE, World, assert_problem};

/// What the gateway makes of `answer` by an upstream behind a route with a session.
async fn relayed(method: &str, answer: &str) -> (World, Response) {
    let upstream = Canned::answering(answer).await;
    let settings = format!("upstream = '{}'", upstream.url());
    let world = World::configured(|config| config.route("/canned", &settings)).await;
    let browser = world.logged_in().await;
    let response = browser.fetch(method, &world.at("/canned/x")).await;
    (world, response)
}

/// R64, R35: hop-by-hop headers end here, and so do those that only the gateway says.
#[tokio::test]
async fn what_belongs_to_the_connection_is_taken_off() {
    let (_world, answer) = relayed(
        "GET",
        &format!(
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\n\
             Keep-Alive: timeout=5\r\nProxy-Connection: close\r\nUpgrade: h2c\r\n\
             Cloakroom-Session: login-required\r\nCloakroom-Expires-In: 9\r\nX-Request-Id: upstream\r\nX-Kept: 1\r\n\
             Set-Cookie: {COOKIE}=evil; Path=/; Secure\r\n\
             Set-Cookie: __HOST-SESSION=evil; Path=/; Secure\r\n\
             Set-Cookie: {COOKIE}-login-abcdefgh=evil; Path=/; Secure\r\n\
             Set-Cookie:  {COOKIE} =evil; Path=/; Secure\r\n\
             Set-Cookie: ={COOKIE}=evil; Path=/; Secure\r\n\
             Set-Cookie: own=kept; Path=/\r\nSet-Cookie: other=kept\r\n\r\nok"
        ),
    )
    .await;
    assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "ok"));
    let gone = ["connection", "x-hop", "keep-alive", "proxy-connection", "upgrade"];
    for gone in gone.into_iter().chain(["cloakroom-session", "cloakroom-expires-in"]) {
        assert_eq!(answer.header(gone), None, "{gone}");
    }
    assert_eq!(answer.header("x-kept"), Some("1"));
    assert_ne!(answer.header("x-request-id"), Some("upstream"));
    assert_eq!(answer.header_all("set-cookie"), ["own=kept; Path=/", "other=kept"]);
}

/// R69: a redirect goes to the browser; the gateway follows none, least of all with a token.
#[tokio::test]
async fn redirects_are_the_browsers_affair() {
    for status in [301, 302, 303, 307, 308] {
        let text = format!(
            "HTTP/1.1 {status} X\r\nLocation: http://evil.example/steal\r\nContent-Length: 0\r\n\r\n"
        );
        let (_world, answer) = relayed("GET", &text).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("location"), Some("http://evil.example/steal"));
    }
}

/// Answers without a body have none, and the connection stays in step.
#[tokio::test]
async fn answers_without_a_body_have_none() {
    let rows = [
        ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nETag: \"a\"\r\n\r\n", 200),
        ("GET", "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n", 304),
        ("GET", "HTTP/1.1 204 No Content\r\nETag: \"a\"\r\n\r\n", 204),
    ];
    for (method, text, status) in rows {
        let (_world, answer) = relayed(method, text).await;
        assert_eq!((answer.status.as_u16(), answer.body.len()), (status, 0));
        assert_eq!(answer.header("etag"), Some("\"a\""));
        let length = answer.header("content-length");
        assert_eq!(length, (method == "HEAD").then_some("1234"));
    }
    let world = World::start().await;
    let browser = world.logged_in().await;
    for code in [204, 304, 200, 404, 418, 500, 503] {
        let answer = browser.fetch("GET", &world.at(&format!("/api/status/{code}"))).await;
        assert_eq!(answer.status, code);
        let head = browser.fetch("HEAD", &world.at(&format!("/api/status/{code}"))).await;
        assert_eq!((head.status.as_u16(), head.body.len()), (code, 0));
    }
}

/// An interim answer is not the answer.
#[tokio::test]
async fn interim_answers_are_not_taken_for_the_answer() {
    let (_world, answer) = relayed(
        "GET",
        "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    )
    .await;
    assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "ok"));
}

/// An answer that is none is a 502, not half an answer, and none of its bytes reach the browser.
#[tokio::test]
async fn nonsense_is_a_502() {
    let rows = [
        "SSH-2.0-OpenSSH_9\r\n",
        "HTTP/1.1 abc OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\nfolded",
        "HTTP/1.1 200 OK\r\nX\0: a\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
        "",
    ];
    for row in rows {
        let (_world, answer) = relayed("GET", row).await;
        assert_problem(&answer, 502, "upstream-unreachable");
    }
}

/// An answer that breaks off is broken for the browser, too: it must not look complete.
#[tokio::test]
async fn a_broken_answer_does_not_look_whole() {
    let rows = [
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    ];
    for row in rows {
        let upstream = Canned::answering(row).await;
        let settings = format!("upstream = '{}'", upstream.url());
        let world = World::configured(|config| config.route("/canned", &settings)).await;
        let browser = world.logged_in().await;
        let answer = browser.request("GET", &world.at("/canned")).try_send().await;
        assert!(answer.is_err(), "{row:?}");
    }
}

/// Large heads of an upstream pass.
#[tokio::test]
async fn large_headers_pass() {
    let large = "x".repeat(30_000);
    let text = format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Large: {large}\r\n\r\n");
    let (_world, answer) = relayed("GET", &text).await;
    assert_eq!(answer.header("x-large").map(str::len), Some(large.len()));
}

/// R45, R44: every kind of answer carries the security headers; what the upstream has decided stays.
#[tokio::test]
async fn security_headers_are_everywhere() {
    let world = World::start().await;
    let browser = world.logged_in().await;
    let paths = ["/", "/api/echo", "/auth/session", "/auth/nothing", "/api/status/500", "/api/%zz"];
    for path in paths {
        let answer = browser.fetch("GET", &world.at(path)).await;
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("cross-origin-resource-policy"), Some("same-origin"), "{path}");
        let policy = answer.header("content-security-policy").unwrap_or_default();
        assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert!(answer.header("x-request-id").is_some(), "{path}");
        assert!(answer.header("server").is_none() && answer.header("x-powered-by").is_none());
        assert_eq!(answer.header("strict-transport-security"), None, "plain http: {path}");
    }
    let echo = world.echo(&browser).await;
    assert_eq!(echo.header("cache-control"), Some("private"), "made with a token");

    let (_world, answer) = relayed(
        "GET",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Security-Policy: default-src 'self'\r\n\
         Cache-Control: public, max-age=5\r\nReferrer-Policy: origin\r\n\r\n",
    )
    .await;
    assert_eq!(answer.header_all("content-security-policy"), ["default-src 'self'"]);
    assert_eq!(answer.header_all("cache-control"), ["public, max-age=5"]);
    assert_eq!(answer.header_all("referrer-policy"), ["origin"]);
}

/// R70, R68: with an https public URL (TLS ends in front of the gateway) come HSTS and the scheme for
/// the upstream; the configured host counts, never the listener's.
#[tokio::test]
async fn https_is_said_where_it_is_true() {
    let world = World::configured(|config| {
        config.set("public", "url = 'https://shop.example'").route("/open", "session = 'none'")
    })
    .await;
    for (host, status) in [
        ("shop.example", 404),
        ("SHOP.example:443", 404),
        ("shop.example:80", 421),
        ("localhost", 421),
    ] {
        let request = format!("GET /open/x HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let answer = world.send_raw(request).await;
        assert_eq!(answer.status(), Some(status), "{host}: {}", answer.text());
        let text = answer.text().to_ascii_lowercase();
        assert!(text.contains("strict-transport-security: max-age=31536000"), "{text}");
    }
    for request in world.upstream.requests() {
        assert_eq!(request.header("x-forwarded-proto"), Some("https"));
        assert_eq!(request.header("x-forwarded-host"), Some("shop.example"));
    }
    assert_eq!(world.upstream.requests().len(), 2);
    assert!(Browser::new().jar().of("localhost").is_empty());
}
