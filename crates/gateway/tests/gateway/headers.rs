//! What a client may tell the upstream, and what only the gateway may (R63, R64, R68).

use cloakroom_testkit::Browser;
use serde_json::Value;

use crate::world::World;

/// Everything that a server behind a proxy believes of the proxy.
const CLAIMS: [(&str, &str); 32] = [
    ("authorization", "Bearer evil"),
    ("proxy-authorization", "Basic ZXZpbDpldmls"),
    ("dpop", "evil"),
    ("forwarded", "for=1.2.3.4;host=evil.example"),
    ("x-forwarded-for", "1.2.3.4"),
    ("x-forwarded-host", "evil.example"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-port", "443"),
    ("x-forwarded-prefix", "/evil"),
    ("x-forwarded-server", "evil"),
    ("x-forwarded-user", "admin"),
    ("x-forwarded-email", "admin@example.com"),
    ("x-forwarded-uri", "/admin"),
    ("x-forwarded-method", "GET"),
    ("x-forwarded-access-token", "evil"),
    ("x_forwarded_user", "admin"),
    ("x_forwarded_for", "1.2.3.4"),
    ("remote_user", "admin"),
    ("x-remote_user", "admin"),
    ("remote-user", "admin"),
    ("x-remote-user", "admin"),
    ("x-auth-request-user", "admin"),
    ("x-authenticated-user", "admin"),
    ("x-webauth-user", "admin"),
    ("ssl-client-cert", "evil"),
    ("x-real-ip", "1.2.3.4"),
    ("x-client-ip", "1.2.3.4"),
    ("true-client-ip", "1.2.3.4"),
    ("x-original-url", "/admin"),
    ("x-rewrite-url", "/admin"),
    ("x-http-method-override", "DELETE"),
    ("x-request-id", "evil"),
];

fn values(echo: &Value, name: &str) -> Vec<String> {
    let values = echo["headers"][name].as_array().cloned().unwrap_or_default();
    values.iter().map(|value| value.as_str().expect("text").to_owned()).collect()
}

/// R63: claims by a client end at the gate, on every kind of route; ours stand instead.
#[tokio::test]
async fn claims_of_a_client_are_dropped() {
    let world = World::configured(|config| {
        config.route("/api/echo", "session = 'optional'").route("/open", "session = 'none'")
    })
    .await;
    let browser = world.logged_in().await;
    for (who, path) in
        [(&browser, "/api/echo"), (&Browser::new(), "/api/echo"), (&browser, "/open/x")]
    {
        world.upstream.forget();
        let request = who.request("GET", &world.at(path)).header("x-harmless", "kept");
        let request =
            CLAIMS.iter().fold(request, |request, (name, value)| request.header(name, value));
        let answer = request.send().await;
        let received = world.upstream.requests().pop().expect("passed on");
        for (name, value) in CLAIMS {
            let found = received.headers.get_all(name).iter().any(|it| it == value);
            assert!(!found, "{name} reached {path}");
            assert!(!name.contains('_') || !received.headers.contains_key(name), "{name}");
        }
        assert_eq!(received.header("x-harmless"), Some("kept"));
        assert_eq!(received.header("x-forwarded-for"), Some("127.0.0.1"));
        assert_eq!(received.header("x-forwarded-proto"), Some("http"));
        assert_eq!(received.header("x-forwarded-host"), Some(world.host()));
        assert_eq!(received.header("x-request-id"), answer.header("x-request-id"));
        let has_token = received.bearer().is_some_and(|token| token != "evil");
        assert_eq!(has_token, path == "/api/echo" && crate::world::cookie(who).is_some());
    }
}

/// R64: `Connection` names what goes; what the gateway injects comes after, and arrives.
#[tokio::test]
async fn connection_tokens_take_nothing_injected_away() {
    let world = World::start().await;
    let browser = world.logged_in().await;
    let theme = browser.request("GET", &world.at("/api/set-cookie")).send().await;
    assert_eq!(theme.header_all("set-cookie").len(), 1);
    let tokens = "close, Authorization, cookie, X-Forwarded-For, x-forwarded-host, x-request-id, \
                  x-mine, host, content-length, transfer-encoding";
    let answer = browser
        .request("POST", &world.at("/api/echo"))
        .header("connection", tokens)
        .header("x-mine", "1")
        .header("x-other", "2")
        .body("hello")
        .send()
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let echo = answer.json();
    assert!(values(&echo, "authorization")[0].starts_with("Bearer ey"), "{echo}");
    assert_eq!(values(&echo, "x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(values(&echo, "x-forwarded-host"), [world.host()]);
    assert_eq!(values(&echo, "x-request-id").len(), 1);
    assert_eq!(values(&echo, "cookie"), ["theme=dark"], "the application's own cookie stays");
    assert_eq!(values(&echo, "x-other"), ["2"]);
    assert_eq!(values(&echo, "x-mine"), [""; 0], "what was named is gone");
    for gone in ["connection", "keep-alive", "te", "proxy-connection"] {
        assert!(echo["headers"].get(gone).is_none(), "{gone}: {echo}");
    }
    assert_eq!(world.upstream.requests().pop().expect("passed on").body_length, 5);
}

/// R64: nobody wishes away what the guard judges by naming it there.
#[tokio::test]
async fn connection_tokens_do_not_blind_the_guard() {
    let world = World::start().await;
    let browser = world.logged_in().await;
    let tokens = "close, sec-fetch-site, sec-fetch-mode, origin, cookie";
    let post = browser.request("POST", &world.at("/api/echo")).from_page("https://evil.example");
    let answer = post.ignoring_same_site().header("connection", tokens).send().await;
    crate::world::assert_problem(&answer, 403, "cross-site");
    assert!(world.upstream.requests().is_empty());
}

/// R63: the token that goes up is the session's, once, whatever names and cases a client tries.
#[tokio::test]
async fn one_authorization_goes_up() {
    let world = World::start().await;
    let browser = world.logged_in().await;
    let cookie = crate::world::cookie(&browser).expect("a session");
    let request = format!(
        "GET /api/echo HTTP/1.1\r\nHost: {}\r\nCookie: __Host-session={cookie}\r\n\
         Sec-Fetch-Site: same-origin\r\nAuthorization: Bearer a\r\nAUTHORIZATION: Basic b\r\n\
         authorization: c\r\nConnection: close\r\n\r\n",
        world.host()
    );
    let answer = world.send_raw(request).await;
    assert_eq!(answer.status(), Some(200), "{}", answer.text());
    let received = world.upstream.requests().pop().expect("passed on");
    assert!(received.bearer().is_some_and(|token| token.starts_with("ey")), "exactly one");
}
