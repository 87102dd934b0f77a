//! The browser's rules, measured at a server that echoes.

use axum::Router;
use axum::routing::{any, get};
use cloakroom_testkit::browser::{Browser, SameSite};
use cloakroom_testkit::{Provider, Upstream, eventually};
use http::header::{LOCATION, SET_COOKIE};
use http::{HeaderMap, StatusCode};

const COOKIES: [&str; 7] = [
    "strict=1; Path=/; SameSite=Strict",
    "lax=1; Path=/; Max-Age=60; HttpOnly",
    "none=1; Path=/; SameSite=None; Secure",
    "below=1; Path=/below",
    "__Host-good=1; Path=/; Secure; HttpOnly; SameSite=Lax",
    "__Host-loose=1; Path=/",
    "gone=1; Path=/; Max-Age=0",
];

/// A server whose `/echo` answers with the `Cookie` header, one line per header of interest.
async fn server() -> Provider {
    let cookies = async || {
        let mut headers = HeaderMap::new();
        let too_large = format!("large={}; Path=/", "x".repeat(4092));
        for cookie in COOKIES.into_iter().chain([too_large.as_str()]) {
            headers.append(SET_COOKIE, cookie.parse().expect("a header's value"));
        }
        headers
    };
    let echo = async |headers: HeaderMap| {
        let names = ["cookie", "origin", "sec-fetch-site", "sec-fetch-mode"];
        let value = |name| headers.get(name).and_then(|value| value.to_str().ok());
        names.map(|name| format!("{name}: {}", value(name).unwrap_or("-"))).join("\n")
    };
    let clear =
        async || [("clear-site-data", "\"cookies\""), ("set-cookie", "late=1; Path=/; Max-Age=60")];
    let away = async || (StatusCode::SEE_OTHER, [(LOCATION, "/echo")]);
    let back = async |headers: HeaderMap| {
        let here = headers["host"].to_str().expect("a host").replace("127.0.0.1", "localhost");
        (StatusCode::SEE_OTHER, [(LOCATION, format!("http://{here}/echo"))])
    };
    let page =
        async || axum::response::Html(r#"<meta http-equiv="refresh" content="0;url=/echo">"#);
    let routes = Router::new()
        .route("/cookies", get(cookies))
        .route("/echo", any(echo))
        .route("/below/echo", any(echo))
        .route("/clear", get(clear))
        .route("/away", any(away))
        .route("/back", get(back))
        .route("/page", get(page));
    Provider::builder().routes(|_| routes).start().await
}

fn line<'a>(text: &'a str, name: &str) -> &'a str {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    line.unwrap_or_default()
}

#[tokio::test]
async fn cookies_are_stored_by_the_rules() {
    let server = server().await;
    let (browser, host) = (Browser::new(), "127.0.0.1");
    browser.navigate(&format!("{}/cookies", server.issuer())).await;
    let names: Vec<_> = browser.jar().of(host).into_iter().map(|cookie| cookie.name).collect();
    assert_eq!(names, ["strict", "lax", "none", "below", "__Host-good"]);
    assert_eq!(browser.jar().get(host, "strict").map(|it| it.same_site), Some(SameSite::Strict));
    assert_eq!(browser.jar().document_cookie(host), "strict=1; none=1; below=1");
    assert!(browser.jar().of("localhost").is_empty());

    let thief = browser.copy();
    browser.jar().restart();
    let names: Vec<_> = browser.jar().of(host).into_iter().map(|cookie| cookie.name).collect();
    assert_eq!(names, ["lax"]);
    assert_eq!(thief.jar().of(host).len(), 5);
    thief.navigate(&format!("{}/clear", server.issuer())).await;
    assert!(thief.jar().of(host).is_empty(), "the one in the same answer too");
}

/// Who may set which cookie for whom, and what goes along (rfc6265bis §5.1.3, §5.7, §5.8.3).
#[test]
fn a_domain_cookie_is_for_the_hosts_below() {
    let jar = Browser::new();
    let jar = jar.jar();
    let evil = "http://evil.shop.localhost:9/x";
    for (cookie, taken) in [
        ("a=host", true),
        ("a=domain; Domain=shop.localhost; Path=/", true),
        ("b=1; Domain=.Shop.Localhost; Path=/api", true),
        ("c=1; Domain=evil.shop.localhost; Path=/", true),
        ("d=1; Domain=admin.shop.localhost", false),
        ("e=1; Domain=localhost", false),
        ("f=1; Domain=hop.localhost", false),
        ("__Host-g=1; Domain=shop.localhost; Path=/; Secure", false),
        ("__Secure-h=1; Domain=shop.localhost; Path=/; Secure", true),
        ("__secure-i=1; Domain=shop.localhost; Path=/", false),
    ] {
        assert_eq!(jar.set(evil, cookie), taken, "{cookie}");
    }
    let names = |host| jar.of(host).into_iter().map(|it| format!("{}={}", it.name, it.value));
    assert_eq!(
        names("admin.shop.localhost").collect::<Vec<_>>(),
        ["a=domain", "b=1", "__Secure-h=1"]
    );
    assert_eq!(names("evil.shop.localhost").count(), 5);
    assert_eq!(names("localhost").count(), 0);
    assert_eq!(names("myshop.localhost").count(), 0);
}

#[tokio::test]
async fn same_site_decides_which_cookies_go_along() {
    let server = server().await;
    let browser = Browser::new();
    browser.navigate(&format!("{}/cookies", server.issuer())).await;
    let echo = format!("{}/echo", server.issuer());
    let sent = |text: String| line(&text, "cookie").to_owned();

    let typed = browser.navigate(&echo).await;
    assert_eq!(sent(typed.text()), "strict=1; lax=1; none=1; __Host-good=1");
    let foreign = || browser.request("GET", &echo).from_page("http://localhost:9");
    assert_eq!(sent(foreign().navigation().send().await.text()), "lax=1; none=1; __Host-good=1");
    assert_eq!(sent(foreign().send().await.text()), "none=1");
    let all = foreign().ignoring_same_site().send().await;
    assert_eq!(sent(all.text()), "strict=1; lax=1; none=1; __Host-good=1");
    let below = browser.fetch("GET", &format!("{}/below/echo", server.issuer())).await;
    assert!(sent(below.text()).contains("below=1"));
}

#[tokio::test]
async fn fetch_metadata_and_origin_tell_where_a_request_comes_from() {
    let server = server().await;
    let (browser, origin) = (Browser::new(), server.issuer());
    let echo = format!("{origin}/echo");
    let get = || browser.request("GET", &echo);
    let post = || browser.request("POST", &echo);
    let neighbour = "http://127.0.0.1:9";
    let foreign = "http://localhost:9";
    for (request, expected) in [
        (get().navigation().typed(), ["-", "none", "navigate"]),
        (get(), ["-", "same-origin", "cors"]),
        (post(), [origin, "same-origin", "cors"]),
        (get().from_page(neighbour), [neighbour, "same-site", "cors"]),
        (get().from_page(foreign).navigation(), ["-", "cross-site", "navigate"]),
        (post().from_page(foreign).navigation(), [foreign, "cross-site", "navigate"]),
        (post().without("sec-fetch-site").header("origin", "null"), ["null", "-", "cors"]),
    ] {
        let text = request.send().await.text();
        let seen = ["origin", "sec-fetch-site", "sec-fetch-mode"].map(|name| line(&text, name));
        assert_eq!(seen, expected);
    }
    let forged = browser.cross_site_post(&echo).await.text();
    assert_eq!(line(&forged, "sec-fetch-site"), "cross-site");
}

#[tokio::test]
async fn redirects_and_navigating_pages_are_followed_on_request() {
    let server = server().await;
    let browser = Browser::new();
    let at = |path| format!("{}{path}", server.issuer());
    let redirect = browser.navigate(&at("/away#part")).await;
    assert!(redirect.is_redirect());
    let end = browser.follow(&redirect).await;
    assert_eq!(end.url.as_str(), at("/echo#part"));
    assert_eq!(line(&end.text(), "sec-fetch-site"), "none");

    let foreign = browser.request("POST", &at("/away")).from_page("http://localhost:9");
    let end = browser.settle(foreign.navigation().send().await).await;
    assert_eq!(line(&end.text(), "sec-fetch-site"), "cross-site");

    let round =
        browser.request("GET", &at("/back")).from_page(&at("/").replace("127.0.0.1", "localhost"));
    let end = browser.settle(round.navigation().send().await).await;
    assert_eq!(line(&end.text(), "sec-fetch-site"), "cross-site", "one foreign hop is enough");

    let end = browser.settle(browser.navigate(&at("/page")).await).await;
    assert_eq!(line(&end.text(), "sec-fetch-site"), "same-origin");
}

#[tokio::test]
async fn a_dropped_fetch_hangs_up() {
    let provider = server().await;
    let upstream = Upstream::start(&provider).await;
    let browser = Browser::new();
    let url = format!("{}/api/stream", upstream.url());
    tokio::select! {
        _ = browser.fetch("GET", &url) => panic!("nothing was released"),
        () = eventually("it streams", || upstream.open_streams() == 1) => {}
    }
    eventually("it hangs up", || upstream.open_streams() == 0).await;
}

#[tokio::test]
async fn a_dropped_answer_ends_the_upload() {
    let provider = server().await;
    let upstream = Upstream::start(&provider).await;
    let url = format!("{}/api/upload?early=1", upstream.url());
    let (body, request) = Browser::new().request("POST", &url).streaming();
    let mut answer = request.open().await.expect("an early answer");
    body.send("piece".into()).await.expect("a body that is read");
    answer.chunk().await.expect("a line for the piece");
    drop(answer);
    eventually("the upload ends", || body.is_closed()).await;
}
