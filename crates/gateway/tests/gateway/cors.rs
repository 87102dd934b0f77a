//! Pages of listed origins over the wire (R42, with R38, R39 and R43), and who else tries.

use cloakroom_testkit::browser::Response;
use cloakroom_testkit::{Browser, GatewayConfig};

use crate::world::{World, assert_problem, bearer, cookie};

/// Another port of the gateway's host: another origin of the same site.
const APP: &str = "http://localhost:5173";
const LIST: &str = "allow_origins = ['http://localhost:5173', 'http://app.localhost:5173']";

async fn start(configure: impl FnOnce(GatewayConfig) -> GatewayConfig) -> World {
    World::configured(|config| {
        let config = config.set("guard", LIST).set("cookie", "same_site = 'none'");
        configure(config.set("guard", "csrf_token = { header = 'X-Token' }"))
    })
    .await
}

fn cors(answer: &Response) -> Vec<(String, String)> {
    let cors = |name: &str| name.starts_with("access-control-");
    let said = answer.headers.iter().filter(|(name, _)| cors(name.as_str()));
    let mut said: Vec<_> = said
        .map(|(name, value)| (name.to_string(), value.to_str().expect("text").to_owned()))
        .collect();
    said.sort();
    said
}

async fn preflight(world: &World, path: &str, asks: &[(&str, &str)]) -> Response {
    let request = Browser::new().request("OPTIONS", &world.at(path)).from_page(APP);
    asks.iter().fold(request, |request, (name, value)| request.header(name, value)).send().await
}

fn lines(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let name = |name: &str| format!("access-control-{name}");
    pairs.iter().map(|(key, value)| (name(key), (*value).to_owned())).collect()
}

/// A preflight is answered before any upstream: with the route's methods, with what would arrive.
#[tokio::test]
async fn a_listed_page_s_preflight_is_answered_here_r42() {
    let world = start(|config| {
        let config = config.route("/api/few", "methods = ['GET', 'PUT']");
        config.set("guard", "required_header = 'X-Requested-With'")
    })
    .await;
    let asks = [
        ("access-control-request-method", "PUT"),
        (
            "access-control-request-headers",
            "content-type,x-own, X-Token,x-forwarded-for,x_under,authorization,cloakroom-session,bad name",
        ),
    ];
    let answer = preflight(&world, "/api/few/1", &asks).await;
    assert_eq!((answer.status.as_u16(), answer.text().as_str()), (204, ""));
    let expected = lines(&[
        ("allow-credentials", "true"),
        ("allow-headers", "x-requested-with, x-token, content-type, x-own"),
        ("allow-methods", "GET, PUT, HEAD"),
        ("allow-origin", APP),
        ("max-age", "600"),
    ]);
    assert_eq!(cors(&answer), expected);
    assert_eq!(answer.header_all("vary"), ["Origin"]);
    let any = preflight(&world, "/api/echo", &[("access-control-request-method", "QUERY")]).await;
    let methods = "GET, HEAD, POST, PUT, PATCH, DELETE, QUERY";
    assert_eq!(any.header("access-control-allow-methods"), Some(methods));
    for (path, method, taken) in [
        ("/auth/session", "GET", true),
        ("/auth/events", "GET", true),
        ("/auth/refresh", "POST", true),
        ("/auth/logout", "POST", true),
        ("/auth/refresh/logout", "POST", true),
        // Navigations, and what is not there.
        ("/auth/logout", "GET", false),
        ("/auth/login", "GET", false),
        ("/auth/callback/default", "GET", false),
        ("/auth/session", "DELETE", false),
        ("/auth/nothing", "GET", false),
        ("/api;x/echo", "GET", false),
    ] {
        let answer = preflight(&world, path, &[("access-control-request-method", method)]).await;
        assert_eq!(answer.status == 204, taken, "{method} {path}: {answer:?}");
        assert_eq!(cors(&answer).is_empty(), !taken, "{method} {path}: {answer:?}");
    }
    assert!(world.upstream.requests().is_empty());
    // What asks for nothing is no preflight, and so a request like any other.
    let plain = preflight(&world, "/api/echo", &[]).await;
    assert_problem(&plain, 401, "login-required");
    assert_eq!(plain.header("access-control-allow-origin"), Some(APP));
}

/// Anybody can ask with a listed `Origin`, for as many headers as a head has room for: no more are looked at
/// than a request may have (R71).
#[tokio::test]
async fn a_preflight_that_asks_for_thousands_of_headers_is_little_work_r42() {
    let world = start(|config| config).await;
    let names: Vec<_> = (0..5000).map(|number| format!("x-{number}")).collect();
    let asks = [
        ("access-control-request-method", "PUT"),
        ("access-control-request-headers", &names.join(",")),
    ];
    let answer = preflight(&world, "/api/echo", &asks).await;
    let allowed = answer.header("access-control-allow-headers").expect("an answer to it");
    assert_eq!(allowed.split(", ").count(), 1 + 128, "{allowed}");
}

/// A bearer may come from a page only where bearers are taken at all.
#[tokio::test]
async fn a_listed_page_may_send_a_bearer_where_the_route_takes_one_r42() {
    let world = start(|config| {
        let config =
            config.set("provider", "access_token = { audience = 'https://api.example.com' }");
        config.set("route", "accept_bearer = true")
    })
    .await;
    let asks = [
        ("access-control-request-method", "GET"),
        ("access-control-request-headers", "authorization"),
    ];
    let answer = preflight(&world, "/api/echo", &asks).await;
    assert_eq!(answer.header("access-control-allow-headers"), Some("x-token, authorization"));
}

/// The attack table of the list: everything that is nearly an entry, over raw connections, with a good
/// cookie. None reaches the upstream, none is told anything.
#[tokio::test]
async fn near_misses_of_a_listed_origin_are_refused_r39_r42() {
    let world = start(|config| config).await;
    let browser = world.logged_in().await;
    let (host, cookie) = (world.host(), cookie(&browser).unwrap());
    let origins = [
        "",
        "null",
        "*",
        "http://localhost",
        "http://localhost:51730",
        "http://localhost:517",
        "http://localhost:5173/",
        "http://localhost:5173.",
        "http://LOCALHOST:5173",
        "HTTP://localhost:5173",
        "https://localhost:5173",
        "http://evil.localhost:5173",
        "http://evil.app.localhost:5173",
        "http://evilapp.localhost:5173",
        "http://app.localhost:5173.evil.example",
        "http://app.localhost.evil.example:5173",
        "http://user@app.localhost:5173",
        "http://app.localhost:5173, http://app.localhost:5173",
        "http://app.localhost:5173 http://evil.example",
        "http://app.localhost:5173\r\nOrigin: http://app.localhost:5173",
        "http://app.localhost:5173\r\nOrigin: http://evil.example",
        "http://evil.example\r\nOrigin: http://app.localhost:5173",
    ];
    for origin in origins {
        for site in ["", "Sec-Fetch-Site: same-site\r\n", "Sec-Fetch-Site: cross-site\r\n"] {
            for rest in [
                "GET /api/echo",
                "POST /api/echo",
                "GET /auth/session",
                "GET /auth/events",
                "POST /auth/refresh",
                "POST /auth/logout",
                "OPTIONS /api/echo",
            ] {
                let answer = world
                    .send_raw(format!(
                        "{rest} HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\n{site}\
                         Access-Control-Request-Method: POST\r\nCookie: __Host-session={cookie}\r\n\
                         Content-Length: 0\r\nConnection: close\r\n\r\n"
                    ))
                    .await;
                assert_eq!(
                    answer.status(),
                    Some(403),
                    "{rest} {origin:?} {site}: {}",
                    answer.text()
                );
                let head = answer.text().to_ascii_lowercase();
                assert!(!head.contains("access-control-"), "{rest} {origin:?}: {head}");
                assert!(head.contains("vary: origin") || rest.starts_with("OPTIONS"), "{head}");
            }
        }
    }
    assert!(world.upstream.requests().is_empty());
    assert!(world.is_logged_in(&browser).await);
}

/// What a listed page has no `Origin` for stays another site's: links, images, frames.
#[tokio::test]
async fn only_what_names_its_origin_is_a_listed_page_s_r38_r42() {
    let world = start(|config| config).await;
    let browser = world.logged_in().await;
    let from_app = |method: &str| {
        browser.request(method, &world.at("/api/echo")).from_page(APP).without("origin")
    };
    assert_problem(&from_app("GET").send().await, 403, "cross-site");
    assert_problem(&from_app("POST").send().await, 403, "cross-site");
    // A login is the user's own to begin (R40).
    let link = browser.request("GET", &world.at("/auth/login")).navigation().from_page(APP);
    let page = link.send().await;
    assert_eq!((page.status.as_u16(), page.location()), (200, None), "a page to click on");
    assert!(world.upstream.requests().is_empty());
    // The token of the session is asked of a listed page as of ours (R41).
    let post = || browser.request("POST", &world.at("/api/echo")).from_page(APP);
    assert_problem(&post().send().await, 403, "csrf-token");
    let session = browser.request("GET", &world.at("/auth/session")).from_page(APP);
    let token = session.send().await.json()["csrfToken"].as_str().unwrap().to_owned();
    bearer(&post().header("x-token", &token).send().await);
}

/// R43: a WebSocket of a listed page opens; one of its neighbour does not.
#[tokio::test]
async fn a_listed_page_opens_a_websocket_r43() {
    let world = start(|config| config).await;
    let browser = world.logged_in().await;
    let open = |page: &str| browser.request("GET", &world.at("/api/ws")).from_page(page);
    assert!(open(APP).web_socket().await.is_ok());
    for page in ["http://localhost:5174", "http://evil.app.localhost:5173"] {
        let refused = open(page).ignoring_same_site().web_socket().await;
        assert_problem(&refused.err().expect("a refusal"), 403, "foreign-origin");
    }
    assert_eq!(world.upstream.requests().len(), 1);
}

/// One policy where sessions are taken; the upstream's own where none are, and without a list as ever.
#[tokio::test]
async fn an_upstream_s_own_cors_counts_only_where_no_session_is_taken_r42() {
    let guarded = start(|config| config).await;
    let open = start(|config| config.route("/api/cors", "session = 'none'")).await;
    let plain = World::start().await;
    let theirs = |origin: &str| {
        lines(&[
            ("allow-credentials", "true"),
            ("allow-methods", "DELETE"),
            ("allow-origin", origin),
            ("expose-headers", "ETag"),
        ])
    };
    let get = async |world: &World, page: &str| {
        let browser = world.logged_in().await;
        browser.request("GET", &world.at("/api/cors")).from_page(page).send().await
    };
    let answer = get(&guarded, APP).await;
    assert_eq!(answer.status, 204, "{answer:?}");
    let expected = lines(&[
        ("allow-credentials", "true"),
        ("allow-origin", APP),
        ("expose-headers", "cloakroom-session, cloakroom-expires-in, retry-after, etag"),
    ]);
    assert_eq!(cors(&answer), expected);
    // Our own page is told nothing: it needs no leave. The answer still depends on who asks.
    let own = get(&guarded, guarded.gateway.url()).await;
    assert_eq!((own.status.as_u16(), cors(&own)), (204, vec![]));
    assert_eq!(own.header_all("vary"), ["Origin"]);

    for page in [APP, "https://evil.example"] {
        let answer = get(&open, page).await;
        assert_eq!((answer.status.as_u16(), cors(&answer)), (204, theirs(page)));
        assert_eq!(answer.header("vary"), None);
        let asked = [("access-control-request-method", "DELETE")];
        let answer = preflight(&open, "/api/cors", &asked).await;
        assert_eq!((answer.status.as_u16(), cors(&answer)), (204, theirs(APP)), "the upstream's");
    }
    let answer = get(&plain, plain.gateway.url()).await;
    assert_eq!((answer.status.as_u16(), cors(&answer)), (204, theirs("*")));
    assert_eq!(answer.header("vary"), None);
    assert_problem(&get(&plain, APP).await, 403, "cross-site");
}

/// Answers that come from the gateway itself, too: a page must be able to read why.
#[tokio::test]
async fn a_listed_page_reads_errors_too_r42() {
    let world = start(|config| config.route("/api/down", "upstream = 'http://127.0.0.1:1'")).await;
    let browser = world.logged_in().await;
    let get = |path: &str| browser.request("GET", &world.at(path)).from_page(APP).send();
    let down = get("/api/down").await;
    assert_problem(&down, 502, "upstream-unreachable");
    let rejected = get("/api/status/401?invalid_token=1").await;
    assert_eq!(rejected.status, 401);
    for answer in [&down, &rejected] {
        assert_eq!(answer.header("access-control-allow-origin"), Some(APP), "{answer:?}");
        assert_eq!(answer.header_all("vary"), ["Origin"]);
    }
}
