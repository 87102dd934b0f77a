//! The guard over the wire (R36–R40, R42, R43): what other pages send ends before the upstream.

use cloakroom_testkit::Browser;

use crate::world::{World, assert_problem, bearer};

const EVIL: &str = "https://evil.example";
/// Another port of the same host: same-site, every cookie goes along, even a Strict one.
const SIBLING: &str = "http://localhost:1";

/// The attack table's CSRF rows, with every cookie along as in a browser without SameSite.
#[tokio::test]
async fn forged_requests_never_reach_the_upstream() {
    let world = World::start().await;
    let browser = world.logged_in().await;
    let url = world.at("/api/echo");
    let form = browser.cross_site_post(&url).await;
    assert_eq!(form.status, 403);
    assert!(form.text().contains("cross-site"), "{form:?}");

    for page in [EVIL, SIBLING] {
        let send =
            |method: &str| browser.request(method, &url).from_page(page).ignoring_same_site();
        let json = r#"{"amount":1000}"#;
        let rows = [
            send("POST").header("content-type", "text/plain").body(json),
            send("POST").header("content-type", "multipart/form-data; boundary=x").body(json),
            send("POST").body(""),
            send("PUT").json(&serde_json::json!({})),
            send("DELETE"),
            send("PATCH"),
            send("GET"),
            send("HEAD"),
            send("OPTIONS").header("access-control-request-method", "PUT"),
            send("GET").navigation(),
            send("POST").navigation().form(&[("a", "b")]),
        ];
        for request in rows {
            let answer = request.send().await;
            assert_eq!(answer.status, 403, "{page}: {answer:?}");
            assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("access-control")));
        }
    }
    assert!(world.upstream.requests().is_empty());
    assert_eq!(world.echo(&browser).await.status, 200, "our own page goes on");
}

/// Without Fetch Metadata the exact Origin decides (R38, R39).
#[tokio::test]
async fn an_old_browser_is_judged_by_its_origin() {
    let world = World::start().await;
    let browser = world.logged_in().await;
    let old = |method: &str| {
        browser
            .request(method, &world.at("/api/echo"))
            .without("sec-fetch-site")
            .without("sec-fetch-mode")
            .without("sec-fetch-dest")
    };
    let host = world.host();
    let foreign = [
        "null".to_owned(),
        String::new(),
        "https://evil.example".to_owned(),
        "http://localhost".to_owned(),
        "http://localhost:1".to_owned(),
        format!("https://{host}"),
        format!("http://evil.{host}"),
        format!("http://{host}.evil.example"),
        format!("http://{host}/"),
        format!("http://{}", host.to_uppercase()),
        format!("http://{host}, https://evil.example"),
    ];
    for origin in &foreign {
        for method in ["GET", "POST"] {
            let answer = old(method).header("origin", origin).send().await;
            assert_problem(&answer, 403, "foreign-origin");
        }
    }
    assert_problem(&old("POST").without("origin").send().await, 403, "origin-missing");
    assert_problem(&old("DELETE").without("origin").send().await, 403, "origin-missing");
    assert!(world.upstream.requests().is_empty());
    bearer(&old("POST").send().await);
    bearer(&old("GET").send().await);
}

/// Headers that contradict each other, or come twice, convince nobody.
#[tokio::test]
async fn contradictions_are_refused() {
    let world = World::start().await;
    let browser = world.logged_in().await;
    let post = || browser.request("POST", &world.at("/api/echo"));
    assert_problem(&post().header("origin", "null").send().await, 403, "foreign-origin");
    assert_problem(&post().header("origin", EVIL).send().await, 403, "foreign-origin");
    for site in ["none", "", "same-origin, cross-site", "Same-Origin", "unheard-of"] {
        let answer = post().header("sec-fetch-site", site).send().await;
        assert_problem(&answer, 403, "cross-site");
    }
    let cookie = crate::world::cookie(&browser).expect("a session");
    let twice = format!(
        "POST /api/echo HTTP/1.1\r\nHost: {0}\r\nCookie: __Host-session={cookie}\r\nOrigin: \
         http://{0}\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Site: cross-site\r\n\
         Content-Length: 0\r\nConnection: close\r\n\r\n",
        world.host()
    );
    assert_eq!(world.send_raw(twice).await.status(), Some(403));
    assert!(world.upstream.requests().is_empty());
}

/// R43: a WebSocket needs our Origin, for it sends cookies and asks nobody.
#[tokio::test]
async fn a_foreign_websocket_is_refused() {
    let world = World::start().await;
    let browser = world.logged_in().await;
    let url = world.at("/api/ws");
    for page in [EVIL, SIBLING] {
        let socket = browser.request("GET", &url).from_page(page).ignoring_same_site();
        let refused = socket.web_socket().await.err().expect("a refusal");
        assert_problem(&refused, 403, "foreign-origin");
    }
    let refused = browser.request("GET", &url).header("origin", "null").web_socket().await;
    assert_problem(&refused.err().expect("a refusal"), 403, "foreign-origin");
    let refused = browser.request("GET", &url).without("origin").web_socket().await;
    assert_problem(&refused.err().expect("a refusal"), 403, "origin-missing");
    // With Fetch Metadata that says good things, the Origin is demanded all the same.
    let liar =
        browser.request("GET", &url).without("origin").header("sec-fetch-site", "same-origin");
    assert_problem(&liar.web_socket().await.err().expect("a refusal"), 403, "origin-missing");
    assert!(world.upstream.requests().is_empty());
    let nobody = Browser::new().request("GET", &url).web_socket().await;
    assert_eq!(nobody.err().expect("a refusal").status, 401);
    assert!(browser.request("GET", &url).web_socket().await.is_ok());
}

/// R37: a header that no form can send, where it is asked for.
#[tokio::test]
async fn a_required_header_is_required() {
    let world =
        World::configured(|config| config.set("guard", "required_header = 'X-Requested-With'"))
            .await;
    let browser = world.logged_in().await;
    let post = |path: &str| browser.request("POST", &world.at(path));
    assert_problem(&post("/api/echo").send().await, 403, "header-required");
    assert_problem(&post("/auth/logout").send().await, 403, "header-required");
    assert_problem(&post("/auth/refresh").send().await, 403, "header-required");
    let empty = post("/api/echo").header("x-requested-with", " ").send().await;
    assert_problem(&empty, 403, "header-required");
    assert!(world.upstream.requests().is_empty());
    let named = |path| post(path).header("x-requested-with", "page");
    bearer(&named("/api/echo").send().await);
    bearer(&world.echo(&browser).await);
    // It convinces nobody by itself.
    let foreign = named("/api/echo").from_page(EVIL).ignoring_same_site().send().await;
    assert_problem(&foreign, 403, "cross-site");
    assert_eq!(named("/auth/logout").send().await.status, 200);
}

/// A route without sessions lets everybody in, and nothing of ours goes along.
#[tokio::test]
async fn webhooks_pass_without_token_and_cookies() {
    let world = World::configured(|config| config.route("/api/hook", "session = 'none'")).await;
    let browser = world.logged_in().await;
    let url = world.at("/api/hook");
    let server = format!(
        "POST /api/hook HTTP/1.1\r\nHost: {}\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
        world.host()
    );
    assert_eq!(world.send_raw(server).await.status(), Some(404), "the upstream's own answer");
    let foreign = browser.request("POST", &url).from_page(EVIL).ignoring_same_site();
    assert_eq!(foreign.form(&[("a", "b")]).send().await.status, 404);
    assert_eq!(browser.fetch("POST", &url).await.status, 404);
    let received = world.upstream.requests();
    assert_eq!(received.len(), 3);
    for request in received {
        assert_eq!(request.header("authorization"), None);
        assert_eq!(request.header("cookie"), None);
    }
}

/// The control endpoints are guarded like the API: no foreign page learns who is logged in.
#[tokio::test]
async fn control_endpoints_answer_our_own_page_only() {
    let world = World::start().await;
    let browser = world.logged_in().await;
    for page in [EVIL, SIBLING] {
        for (method, path) in
            [("GET", "/auth/session"), ("POST", "/auth/refresh"), ("POST", "/auth/logout")]
        {
            let request = browser.request(method, &world.at(path)).from_page(page);
            let answer = request.ignoring_same_site().send().await;
            assert_problem(&answer, 403, "cross-site");
            assert!(answer.header_all("set-cookie").is_empty());
            assert!(answer.header("clear-site-data").is_none());
        }
    }
    assert!(world.is_logged_in(&browser).await);
}

/// A person who follows a foreign link to a guarded page gets a link to go on, and nothing happened.
#[tokio::test]
async fn a_foreign_link_leads_to_a_page_that_leads_on() {
    let world = World::start().await;
    let browser = world.logged_in().await;
    let url = world.at("/api/echo?a=%22b%22");
    let page = browser.request("GET", &url).navigation().from_page(EVIL).send().await;
    assert_eq!(page.status, 403);
    assert!(page.text().contains("href=\"/api/echo?a=%22b%22\""), "{page:?}");
    assert!(world.upstream.requests().is_empty());
    let clicked = browser.request("GET", &url).navigation().from_page(&world.at("/")).send().await;
    assert_eq!(clicked.status, 200);
}
