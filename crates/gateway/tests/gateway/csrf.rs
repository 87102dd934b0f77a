//! The CSRF token (R41): whose it is, where it travels, and what comes without it.

use cloakroom_testkit::browser::{Response, SameSite};
use cloakroom_testkit::{Browser, GatewayConfig};

use crate::world::{PASSWORD, USERS, World, assert_login_required, assert_problem, bearer, cookie};

const EVIL: &str = "https://evil.example";
/// Another port of the same host: same-site, so that every cookie goes along.
const SIBLING: &str = "http://localhost:1";
const HEADER: &str = "x-csrf-token";

fn with_token(config: GatewayConfig) -> GatewayConfig {
    config.set("guard", "csrf_token = { header = 'X-CSRF-Token' }")
}

/// What Angular and axios do by themselves.
fn with_companion(config: GatewayConfig) -> GatewayConfig {
    config.set("guard", "csrf_token = { header = 'X-XSRF-TOKEN', cookie = 'XSRF-TOKEN' }")
}

/// The token that the page gets.
async fn token(world: &World, browser: &Browser) -> String {
    let answer = browser.fetch("GET", &world.at("/auth/session")).await;
    answer.json()["csrfToken"].as_str().unwrap_or_else(|| panic!("a token: {answer:?}")).to_owned()
}

async fn post(world: &World, browser: &Browser, token: Option<&str>) -> Response {
    send(world, browser, "POST", "/api/echo", token).await
}

async fn send(
    world: &World,
    browser: &Browser,
    method: &str,
    path: &str,
    token: Option<&str>,
) -> Response {
    let request = browser.request(method, &world.at(path));
    match token {
        Some(token) => request.header(HEADER, token).send().await,
        None => request.send().await,
    }
}

#[tokio::test]
async fn an_unsafe_request_brings_the_token_of_its_session_r41() {
    let world = World::configured(with_token).await;
    let (browser, other) = (world.logged_in().await, Browser::new());
    other.login(world.gateway.url(), USERS[1], PASSWORD, "/").await;
    world.upstream.forget();
    let (mine, theirs) = (token(&world, &browser).await, token(&world, &other).await);
    let swapped = format!("{}{}", &mine[..35], &theirs[35..]);
    let wrong = [
        None,
        Some(""),
        Some("undefined"),
        Some(theirs.as_str()),
        Some(&mine[..69]),
        Some(&mine[1..]),
        Some(swapped.as_str()),
    ];
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        for token in wrong {
            let answer = send(&world, &browser, method, "/api/echo", token).await;
            assert_problem(&answer, 403, "csrf-token");
        }
    }
    assert!(world.upstream.requests().is_empty());
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        bearer(&send(&world, &browser, method, "/api/echo", Some(&mine)).await);
    }
    bearer(&post(&world, &other, Some(&theirs)).await);
    for method in ["GET", "HEAD", "OPTIONS"] {
        let answer = send(&world, &browser, method, "/api/echo", None).await;
        assert_eq!(answer.status, 200, "{method} changes nothing");
    }
    for request in world.upstream.requests() {
        assert!(!request.headers.contains_key(HEADER), "R35: the token is ours");
    }
    assert!(!world.gateway.log().contains(&mine), "R72");
}

/// The token is the session's, not the user's and not the browser's.
#[tokio::test]
async fn a_token_ends_with_its_session_r41() {
    let world = World::configured(with_token).await;
    let browser = world.logged_in().await;
    let before = token(&world, &browser).await;
    let out = send(&world, &browser, "POST", "/auth/logout", Some(&before)).await;
    assert_eq!(out.status, 200, "{out:?}");
    assert_login_required(&post(&world, &browser, Some(&before)).await);
    world.log_in(&browser).await;
    assert_problem(&post(&world, &browser, Some(&before)).await, 403, "csrf-token");
    let again = token(&world, &browser).await;
    bearer(&post(&world, &browser, Some(&again)).await);
}

/// Several tabs have a token each, and a refresh or a restart makes none of them stale.
#[tokio::test]
async fn every_tab_keeps_its_token_r41() {
    let mut world = World::configured(with_token).await;
    let browser = world.with_dead_token().await;
    let mut tabs = Vec::new();
    for _ in 0..3 {
        tabs.push(token(&world, &browser).await);
    }
    assert!(tabs[0] != tabs[1] && tabs[1] != tabs[2]);
    let refreshed = send(&world, &browser, "POST", "/auth/refresh", Some(&tabs[0])).await;
    assert_eq!(refreshed.status, 204, "{refreshed:?}");
    world.gateway.restart().await;
    for tab in &tabs {
        bearer(&post(&world, &browser, Some(tab)).await);
    }
}

/// Logout and refresh change something, so they ask too; where the session is over they need nothing.
#[tokio::test]
async fn logout_and_refresh_ask_for_the_token_r41() {
    let world = World::configured(with_token).await;
    let browser = world.logged_in().await;
    for path in ["/auth/logout", "/auth/refresh"] {
        let answer = send(&world, &browser, "POST", path, None).await;
        assert_problem(&answer, 403, "csrf-token");
        assert!(answer.header("clear-site-data").is_none());
    }
    assert!(world.is_logged_in(&browser).await);
    let stale = browser.copy();
    let mine = token(&world, &browser).await;
    let out = send(&world, &browser, "POST", "/auth/logout", Some(&mine)).await;
    assert_eq!(out.status, 200, "{out:?}");
    assert_login_required(&send(&world, &stale, "POST", "/auth/refresh", None).await);
    let out = send(&world, &stale, "POST", "/auth/logout", None).await;
    assert_eq!(out.status, 200, "{out:?}");
    assert_eq!(cookie(&stale), None, "R48");
}

/// The attack table's CSRF rows, with every cookie along, with the token setting and without it. Who
/// forges has a token too: one of a session of his own.
#[tokio::test]
async fn forged_requests_fail_with_and_without_the_token_setting_r36_r41() {
    for asked in [false, true] {
        let configure = if asked { with_token } else { |config| config };
        let world = World::configured(configure).await;
        let browser = world.logged_in().await;
        let attackers = match asked {
            true => token(&world, &world.logged_in().await).await,
            false => "A".repeat(70),
        };
        let url = world.at("/api/echo");
        for page in [EVIL, SIBLING] {
            let from = || browser.request("POST", &url).from_page(page).ignoring_same_site();
            let json = r#"{"amount":1000}"#;
            let rows = [
                from().navigation().form(&[("amount", "1000")]),
                from().header("content-type", "text/plain").body(json),
                from().json(&serde_json::json!({})).header(HEADER, &attackers),
                from().without("sec-fetch-site").header("origin", "null"),
                from()
                    .without("sec-fetch-site")
                    .header("origin", "null")
                    .header(HEADER, &attackers),
                from().without("sec-fetch-site").without("origin"),
            ];
            for request in rows {
                let answer = request.send().await;
                assert_eq!(answer.status, 403, "{page}, asked {asked}: {answer:?}");
            }
        }
        assert!(world.upstream.requests().is_empty());
    }
}

/// Should a forged request ever look like ours to the guard, the token is what is left.
#[tokio::test]
async fn the_token_stands_where_the_guard_is_deceived_r41() {
    let world = World::configured(with_token).await;
    let browser = world.logged_in().await;
    // A form of our own origin, planted in the page as markup: no script, so no header.
    let form = browser.request("POST", &world.at("/api/echo")).navigation().form(&[("a", "1")]);
    let answer = form.send().await;
    assert_eq!(answer.status, 403, "{answer:?}");
    assert!(answer.text().contains("csrf-token"));
    assert!(world.upstream.requests().is_empty());
}

/// The companion: scripts read it, it is not the session, nobody behind us sees or sets it.
#[tokio::test]
async fn the_companion_cookie_is_readable_and_is_not_the_session_r41() {
    let world = World::configured(with_companion).await;
    let browser = world.logged_in().await;
    let companion = browser.jar().get("localhost", "XSRF-TOKEN").expect("set at login");
    assert!(!companion.http_only && companion.secure && companion.host_only);
    assert_eq!((companion.same_site, companion.path.as_str()), (SameSite::Lax, "/"));
    let session = browser.jar().get("localhost", "__Host-session").expect("a session");
    assert!(session.http_only);
    assert!(!companion.value.contains(&session.value) && !session.value.contains(&companion.value));
    assert_eq!(
        browser.jar().document_cookie("localhost"),
        format!("XSRF-TOKEN={}", companion.value)
    );
    // The cookie alone is not the proof, however often a browser sends it by itself.
    assert_problem(&post(&world, &browser, None).await, 403, "csrf-token");
    // As axios and Angular do: out of `document.cookie`, into the header of their name.
    let page = browser.request("POST", &world.at("/api/set-cookie?name=XSRF-TOKEN"));
    let answer = page.header("x-xsrf-token", &companion.value).send().await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let received = world.upstream.requests().pop().expect("passed on");
    assert!(received.header("cookie").is_none() && received.header("x-xsrf-token").is_none());
    let out = browser.request("POST", &world.at("/auth/logout"));
    let out = out.header("x-xsrf-token", &companion.value).send().await;
    let expired = out.header_all("set-cookie");
    assert!(expired.iter().any(|it| it.starts_with("XSRF-TOKEN=; Path=/; Secure")), "{expired:?}");
}

/// A page that lost the companion, or has another's, gets it with the next answer, also with a refusal.
#[tokio::test]
async fn a_lost_or_planted_companion_is_replaced_r41() {
    let world = World::configured(with_companion).await;
    let browser = world.logged_in().await;
    let value = || browser.jar().get("localhost", "XSRF-TOKEN").expect("a companion").value;
    let first = value();
    world.echo(&browser).await;
    assert_eq!(value(), first, "the good one stays");
    let other = world.logged_in().await;
    let theirs = other.jar().get("localhost", "XSRF-TOKEN").expect("a companion").value;
    for planted in ["", "x", theirs.as_str()] {
        browser.jar().set(&world.at("/"), &format!("XSRF-TOKEN={planted}; Path=/; Secure"));
        world.echo(&browser).await;
        assert!(value() != planted);
        let answer = browser.request("POST", &world.at("/api/echo"));
        bearer(&answer.header("x-xsrf-token", &value()).send().await);
    }
    browser.jar().set(&world.at("/"), "XSRF-TOKEN=x; Path=/; Secure");
    assert_problem(&post(&world, &browser, None).await, 403, "csrf-token");
    bearer(
        &browser
            .request("POST", &world.at("/api/echo"))
            .header("x-xsrf-token", &value())
            .send()
            .await,
    );
    assert!(world.upstream.requests().iter().all(|it| it.header("cookie").is_none()));
}

/// With `SameSite=None` the cookie goes along from everywhere, and the token is asked for unasked.
#[tokio::test]
async fn same_site_none_forces_the_token_r41() {
    let world = World::configured(|config| config.set("cookie", "same_site = 'none'")).await;
    let browser = world.logged_in().await;
    let session = browser.jar().get("localhost", "__Host-session").expect("a session");
    assert!(session.same_site == SameSite::None && session.secure && session.http_only);
    assert_problem(&post(&world, &browser, None).await, 403, "csrf-token");
    let foreign = browser.request("POST", &world.at("/api/echo")).from_page(EVIL).send().await;
    assert_problem(&foreign, 403, "cross-site");
    let mine = token(&world, &browser).await;
    bearer(&post(&world, &browser, Some(&mine)).await);
    assert!(world.gateway.log().contains("cookie same_site is none"), "R20-like warning at start");
}

/// Routes without sessions have nothing to protect; where a session is optional, it counts.
#[tokio::test]
async fn only_a_session_needs_a_token() {
    let world = World::configured(|config| {
        with_token(config)
            .route("/open", "session = 'none'")
            .route("/api/o", "session = 'optional'")
    })
    .await;
    let (browser, nobody) = (world.logged_in().await, Browser::new());
    assert_eq!(send(&world, &browser, "POST", "/open/x", None).await.status, 404, "passed on");
    assert_eq!(send(&world, &nobody, "POST", "/api/o/x", None).await.status, 404, "passed on");
    assert_problem(&send(&world, &browser, "POST", "/api/o/x", None).await, 403, "csrf-token");
    assert_login_required(&post(&world, &nobody, None).await);
    let anonymous = nobody.fetch("GET", &world.at("/auth/session")).await;
    assert!(anonymous.json().get("csrfToken").is_none());
}

#[tokio::test]
async fn nobody_is_told_of_a_token_that_is_not_asked_for() {
    let world = World::start().await;
    let browser = world.logged_in().await;
    let answer = browser.fetch("GET", &world.at("/auth/session")).await;
    assert!(answer.json().get("csrfToken").is_none());
    bearer(&post(&world, &browser, None).await);
}
