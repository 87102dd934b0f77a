//! Paths that two servers could read as different ones (R61, R62): what is matched is what goes up.

use cloakroom_testkit::Browser;

use crate::world::World;

/// `/api` needs a session, `/open` needs none: can a path come in by the one and come out as the other?
async fn world() -> World {
    World::configured(|config| {
        config.route("/open", "session = 'none'").route("/api/public", "session = 'none'")
    })
    .await
}

/// The attack table's path rows. None reaches the protected API, in any reading.
#[tokio::test]
async fn no_path_leads_around_the_session() {
    let world = world().await;
    let rows = [
        ("/open/..;/api/echo", 400),
        ("/open;/../api/echo", 400),
        ("/open/..;a=b/api/echo", 400),
        ("/open/../api/echo", 400),
        ("/open/%2e%2e/api/echo", 400),
        ("/open/.%2e/api/echo", 400),
        ("/open/%2E./api/echo", 400),
        ("/open/%252e%252e/api/echo", 400),
        ("/open/%25252e%25252e/api/echo", 400),
        ("/open/..%2fapi/echo", 400),
        ("/open%2f..%2fapi%2fecho", 400),
        ("/open/..%5capi/echo", 400),
        ("/open/..\\api/echo", 400),
        ("/open\\..\\api\\echo", 400),
        ("/open/..%00/api/echo", 400),
        ("/open/%c0%ae%c0%ae/api/echo", 400),
        ("/open/%u002e%u002e/api/echo", 400),
        ("/open/%ef%bc%8e%ef%bc%8e/api/echo", 404),
        ("/open/./x", 400),
        ("/open//api/echo", 400),
        ("//api/echo", 400),
        ("///api/echo", 400),
        ("//evil.example/api/echo", 400),
        ("/./api/echo", 400),
        ("/api/public/../echo", 400),
        ("/api/public/..;/echo", 400),
        ("/api/public%2f..%2fecho", 400),
        ("/api%2fpublic", 400),
        ("/%61pi/echo", 401),
        ("/%61%70%69/%65cho", 401),
        ("/api/echo%20", 401),
        ("/api/echo?x=/open", 401),
        ("/api/echo?/../open", 401),
        ("/open/%zz", 400),
        ("/open/%", 400),
        ("/open/a%0d%0aX:y", 400),
        ("/open/caf\u{e9}", 400),
    ];
    for (target, status) in rows {
        let request =
            format!("GET {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", world.host());
        let answer = world.send_raw(request).await;
        assert_eq!(answer.status(), Some(status), "{target}: {}", answer.text());
    }
    // Parameters and case: another path to us. Whoever reads them as the API's must not get them.
    for target in ["/api;x/echo", "/api;/echo", "/API/echo", "/api%20/echo", "/api./echo"] {
        let request =
            format!("GET {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", world.host());
        let answer = world.send_raw(request).await;
        assert!(!answer.text().contains("\"target\""), "{target}: {}", answer.text());
    }
    for request in world.upstream.requests() {
        assert!(request.target.starts_with("/open/%EF%BC%8E"), "{}", request.target);
    }
}

/// R62: what goes up is the normal form, query untouched; prefixes match whole segments.
#[tokio::test]
async fn the_matched_path_goes_up() {
    let world = world().await;
    let browser = world.logged_in().await;
    let rows = [
        ("/%61pi/echo", "/api/echo"),
        ("/api/%65cho?a=%2e%2e/&b=%00", "/api/echo?a=%2e%2e/&b=%00"),
        ("/api/caf%c3%a9", "/api/caf%C3%A9"),
        ("/api/echo?", "/api/echo?"),
        ("/api/a;v=1/b", "/api/a;v=1/b"),
        ("/api/x[1]|y^z", "/api/x%5B1%5D%7Cy%5Ez"),
        ("/api", "/api"),
        ("/api/", "/api/"),
    ];
    let cookie = crate::world::cookie(&browser).expect("a session");
    for (target, forwarded) in rows {
        let host = world.host();
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: {host}\r\nCookie: __Host-session={cookie}\r\n\
             Sec-Fetch-Site: same-origin\r\nConnection: close\r\n\r\n"
        );
        let answer = world.send_raw(request).await;
        let arrived = world.upstream.requests().pop().map(|request| request.target);
        assert_eq!(arrived.as_deref(), Some(forwarded), "{target}: {}", answer.text());
        world.upstream.forget();
    }
    // Not below /api.
    for path in ["/apix", "/api2/echo", "/ap"] {
        assert_eq!(browser.navigate(&world.at(path)).await.status, 200, "the site's own page");
    }
    assert!(world.upstream.requests().is_empty());
}

/// R61: the longest prefix decides, also where it takes the session away; methods per route.
#[tokio::test]
async fn routes_keep_their_own_rules() {
    let world = World::configured(|config| {
        config
            .route("/api/public", "session = 'none'")
            .route("/api/optional", "session = 'optional'")
            .route("/api/read", "methods = ['GET', 'HEAD']")
    })
    .await;
    let (browser, nobody) = (world.logged_in().await, Browser::new());
    for (who, path, bearer) in [
        (&browser, "/api/public/x", false),
        (&nobody, "/api/public/x", false),
        (&browser, "/api/optional/x", true),
        (&nobody, "/api/optional/x", false),
        (&browser, "/api/read", true),
    ] {
        world.upstream.forget();
        who.fetch("GET", &world.at(path)).await;
        let request = world.upstream.requests().pop().expect("passed on");
        assert_eq!(request.bearer().is_some(), bearer, "{path}");
        assert_eq!(request.header("cookie"), None, "{path}");
    }
    world.upstream.forget();
    let refused = browser.fetch("POST", &world.at("/api/read")).await;
    crate::world::assert_problem(&refused, 405, "method-not-allowed");
    assert_eq!(refused.header("allow"), Some("GET, HEAD"));
    assert!(world.upstream.requests().is_empty());
}
