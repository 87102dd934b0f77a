//! Login: how it begins and where it ends (R4, R11, R19, R21, R31, R40, R46).

use cloakroom_testkit::browser::{Cookie, SameSite};
use cloakroom_testkit::{Browser, eventually};

use crate::callback::{logins_under_way, up_to_callback};
use crate::world::{COOKIE, PASSWORD, USERS, World, assert_login_required, cookie};

/// R19, R31: the cookie as it leaves, and what it opens.
#[tokio::test]
async fn a_login_gives_a_host_cookie() {
    let world = World::start().await;
    let browser = Browser::new();
    assert_login_required(&world.echo(&browser).await);
    let back = up_to_callback(&world, &browser).await;
    let landed = browser.follow(&back).await;
    assert_eq!(landed.status, 303, "R11: whatever came before, a GET follows");
    let cookies = landed.header_all("set-cookie");
    let session = cookies.iter().find(|it| it.starts_with(COOKIE)).expect("a session cookie");
    for attribute in ["; Path=/", "; Secure", "; HttpOnly", "; SameSite=Lax", "; Max-Age="] {
        assert!(session.contains(attribute), "{attribute} is missing");
    }
    assert!(!session.contains("Domain"));
    assert_eq!(logins_under_way(&browser), 0, "R21: the transaction's cookie is gone");
    assert_eq!(world.echo(&browser).await.status, 200);
    assert_eq!(browser.jar().document_cookie("localhost"), "", "scripts see nothing");
}

/// R31, fixation: an id that somebody planted is never adopted, neither before a login nor by it.
#[tokio::test]
async fn a_planted_session_id_is_never_adopted() {
    let world = World::start().await;
    let planted = "A".repeat(64);
    let browser = Browser::new();
    browser.jar().put(Cookie {
        name: COOKIE.to_owned(),
        value: planted.clone(),
        host: "localhost".to_owned(),
        host_only: true,
        path: "/".to_owned(),
        secure: true,
        http_only: true,
        same_site: SameSite::Lax,
        expires: None,
    });
    let attacker = browser.copy();
    assert_login_required(&world.echo(&browser).await);
    world.log_in(&browser).await;
    assert_ne!(cookie(&browser).expect("a session"), planted);
    assert_eq!(world.echo(&browser).await.status, 200);
    assert_login_required(&world.echo(&attacker).await);
    assert!(!world.is_logged_in(&attacker).await);
}

/// R31: a new id at each login; the old one is destroyed, and its tokens are left alone, for they may
/// hang on the same grant.
#[tokio::test]
async fn a_new_login_ends_the_old_session() {
    let world = World::start().await;
    let browser = world.logged_in().await;
    let old = browser.copy();
    assert_eq!(world.echo(&old).await.status, 200);
    world.log_in(&browser).await;
    assert_ne!(cookie(&browser), cookie(&old));
    assert_login_required(&world.echo(&old).await);
    assert_eq!(world.echo(&browser).await.status, 200);
    assert_eq!(world.provider.revocations(), 0);
}

/// R4: tabs that log in at once all succeed, in whatever order they come back.
#[tokio::test]
async fn logins_in_several_tabs_all_succeed() {
    let world = World::start().await;
    let browser = Browser::new();
    let mut backs = Vec::new();
    for tab in 0..5 {
        let login = world.at(&format!("/auth/login?return_to=/tab{tab}"));
        let start = browser.navigate(&login).await;
        let page = browser.follow(&start).await;
        // The provider remembers the user after the first tab.
        let back = match page.is_redirect() {
            true => page,
            false => browser.submit(&page, &[("username", USERS[0]), ("password", PASSWORD)]).await,
        };
        backs.push((tab, back));
    }
    assert_eq!(logins_under_way(&browser), 5);
    for (tab, back) in backs.iter().rev() {
        let landed = browser.follow(back).await;
        assert_eq!(landed.location().expect("a redirect").path(), format!("/tab{tab}"));
    }
    assert_eq!(logins_under_way(&browser), 0);
    assert_eq!(world.echo(&browser).await.status, 200);
}

/// R21: logins that nobody finishes do not pile up, and the newest is the one that works.
#[tokio::test]
async fn abandoned_logins_stay_bounded() {
    let world = World::start().await;
    let browser = Browser::new();
    for _ in 0..30 {
        browser.navigate(&world.at("/auth/login")).await;
        assert!(logins_under_way(&browser) <= 8);
    }
    assert_eq!(logins_under_way(&browser), 8);
    world.log_in(&browser).await;
    assert_eq!(world.echo(&browser).await.status, 200);
}

/// R46: path, query and fragment come back; nothing leads elsewhere, in whatever disguise.
#[tokio::test]
async fn return_to_stays_with_us() {
    let world = World::start().await;
    let good = ["/", "/orders/7?tab=a%20b&x=1#top", "/caf%C3%A9#a/b?c", "/api/echo?x=1"];
    for path in good {
        let browser = Browser::new();
        let landed = browser.login(world.gateway.url(), "anna", PASSWORD, path).await;
        let arrived = landed.url.as_str().strip_prefix(world.gateway.url());
        assert_eq!(arrived, Some(path), "{landed:?}");
        assert_eq!(landed.status, 200);
    }
    let evil = [
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "\t//evil.example",
        "/%09/evil.example",
        "https://evil.example/",
        "https:evil.example",
        "//user@evil.example",
        "user@evil.example",
        "/\r\nSet-Cookie: a=b",
        "/%0d%0aSet-Cookie:a=b",
        "javascript:alert(1)",
        "/.//evil.example",
        "/a/..//evil.example",
        "",
    ];
    for path in evil {
        let browser = Browser::new();
        let landed = browser.login(world.gateway.url(), "anna", PASSWORD, path).await;
        assert_eq!(landed.url.as_str(), world.at("/"), "{path:?}");
        assert_eq!(landed.status, 200);
        let cookies = browser.jar().of("localhost");
        assert_eq!(cookies.len(), 1, "{path:?} sets no cookie");
    }
}

/// R40: another site's link begins no login; a fetch cannot; both without asking the provider.
#[tokio::test]
async fn a_foreign_link_asks_first() {
    let world = World::start().await;
    let browser = Browser::new();
    for site in ["https://evil.example", "http://localhost:1"] {
        let url = world.at("/auth/login?return_to=/x");
        let page = browser.request("GET", &url).navigation().from_page(site).send().await;
        assert_eq!(page.status, 200, "{site}");
        assert!(page.text().contains("href=\"/auth/login?return_to=/x\""), "{page:?}");
        assert!(page.header_all("set-cookie").is_empty());
    }
    let fetched = browser.fetch("GET", &world.at("/auth/login")).await;
    assert_eq!(
        (fetched.status.as_u16(), fetched.problem().as_deref()),
        (400, Some("navigation-required"))
    );
    assert!(fetched.header_all("set-cookie").is_empty());
    assert_eq!(browser.fetch("POST", &world.at("/auth/login")).await.status, 405);
}

/// R22, F2: with a Strict cookie the callback answers with a page of ours that navigates.
#[tokio::test]
async fn a_strict_cookie_survives_the_way_back() {
    let world = World::configured(|config| config.set("cookie", "same_site = 'strict'")).await;
    let browser = Browser::new();
    let back = up_to_callback(&world, &browser).await;
    let landed = browser.follow(&back).await;
    assert_eq!(landed.status, 200);
    assert!(landed.text().contains("http-equiv=\"refresh\""), "{landed:?}");
    let session = browser.jar().get("localhost", COOKIE).expect("a session");
    assert_eq!(session.same_site, SameSite::Strict);
    // To a route that takes sessions, where the cookie is needed at once.
    let browser = Browser::new();
    let landed = browser.login(world.gateway.url(), "anna", PASSWORD, "/api/whoami").await;
    assert_eq!(landed.json()["sub"], "anna");
}

/// The cookie's persistence as it is set.
#[tokio::test]
async fn a_browser_session_ends_with_the_browser() {
    let world = World::configured(|config| config.set("cookie", "persistence = 'session'")).await;
    let browser = world.logged_in().await;
    browser.jar().restart();
    assert_login_required(&world.echo(&browser).await);
    let world = World::start().await;
    let browser = world.logged_in().await;
    browser.jar().restart();
    assert_eq!(world.echo(&browser).await.status, 200, "persistent by default");
}

/// A public client, and a secret in the body, work like the default.
#[tokio::test]
async fn every_client_authentication_logs_in() {
    let world = World::configured(|config| config.set("provider", "client_auth = 'post'")).await;
    let browser = world.with_dead_token().await;
    assert_eq!(world.echo(&browser).await.status, 200);
    browser.fetch("POST", &world.at("/auth/logout")).await;
    eventually("the revocation", || world.provider.live_grants() == 0).await;
}

/// What a navigation and a fetch without a session get, and how a route changes that.
#[tokio::test]
async fn without_a_session_a_person_is_led_to_the_login() {
    let world = World::configured(|config| {
        config
            .route("/api/strict", "unauthenticated = '401'")
            .route("/api/led", "unauthenticated = 'login'")
    })
    .await;
    let browser = Browser::new();
    let led = browser.navigate(&world.at("/api/echo?a=b")).await;
    assert_eq!(led.status, 303);
    assert_eq!(led.header("location"), Some("/auth/login?return_to=%2Fapi%2Fecho%3Fa%3Db"));
    assert_login_required(&world.echo(&browser).await);
    let strict = browser.navigate(&world.at("/api/strict")).await;
    assert_eq!((strict.status.as_u16(), strict.is_redirect()), (401, false));
    let led = browser.fetch("GET", &world.at("/api/led")).await;
    assert_eq!(led.status, 303);
    assert!(world.upstream.requests().is_empty());
}
