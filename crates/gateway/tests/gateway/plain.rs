//! Plain HTTP where https is the only way in (F3), and proxies that say how a request came (R68).

use std::{net::SocketAddr, time::Duration};

use cloakroom_testkit::{free_port, raw};

use crate::{tls::secured, world::World};

const PAGE: &str = "Accept: text/html\r\n";

/// F3, R70: visits are led on, everything else is refused and closed, and nothing comes near an
/// upstream. HSTS is never said in clear.
#[tokio::test]
async fn the_plain_port_leads_visits_to_https_and_refuses_the_rest() {
    let port = free_port();
    let (world, _) = secured(|config| {
        config
            .set("listen", &format!("redirect_from = '127.0.0.1:{port}'"))
            .route("/open", "session = 'none'")
    })
    .await;
    let plain = SocketAddr::from(([127, 0, 0, 1], port));
    let ask = async |head: &str| {
        let answer = raw::send(plain, head, Duration::from_secs(5)).await;
        let text = answer.text().to_ascii_lowercase();
        assert!(answer.closed && text.contains("connection: close"), "{text}");
        assert!(!text.contains("strict-transport-security"), "{text}");
        assert!(!text.contains("set-cookie"), "{text}");
        (answer.status(), text)
    };
    let (status, text) =
        ask(&format!("GET /open/x?y=z HTTP/1.1\r\nHost: localhost\r\n{PAGE}\r\n")).await;
    assert_eq!(status, Some(308));
    let target = format!("location: {}/open/x?y=z\r\n", world.gateway.url());
    assert!(text.contains(&target), "{text}");

    let cookie = "Cookie: __Host-session=stolen\r\n";
    let length = 3_000_000;
    let upload = format!(
        "POST /open/x HTTP/1.1\r\nHost: localhost\r\n{cookie}Content-Length: {length}\r\n\r\n{}",
        "x".repeat(length)
    );
    for head in [
        "GET /open/x HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n",
        "GET /open/x HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer x\r\n\r\n",
        "POST /auth/logout HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n",
        "GET /open/x HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        &upload,
    ] {
        let (status, text) = ask(head).await;
        assert_eq!(status, Some(403), "{text}");
        assert!(text.contains("https-required"), "{text}");
    }
    let (status, _) = ask(&format!("GET / HTTP/1.1\r\nHost: evil.example\r\n{PAGE}\r\n")).await;
    assert_eq!(status, Some(421));
    assert!(world.upstream.requests().is_empty());
}

/// R68: only the proxies that are named say how a request came and from whom.
#[tokio::test]
async fn a_named_proxy_says_who_comes_and_how() {
    let world = World::configured(|config| {
        config
            .set("public", "url = 'https://shop.example'")
            .set("listen", "trusted_proxies = ['127.0.0.0/8', '10.0.0.0/8']")
            .route("/open", "session = 'none'")
    })
    .await;
    let ask = async |headers: &str| {
        let request = format!(
            "GET /open/x HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n{headers}\r\n"
        );
        world.send_raw(request).await
    };
    for (headers, chain) in [
        ("X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n", "192.0.2.1, 127.0.0.1"),
        ("X-Forwarded-For: 1.1.1.1, 192.0.2.1, 10.0.0.7\r\n", "192.0.2.1, 10.0.0.7, 127.0.0.1"),
        ("X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: unknown\r\n", "127.0.0.1"),
        ("Forwarded: for=1.1.1.1\r\nX-Real-IP: 1.1.1.1\r\n", "127.0.0.1"),
    ] {
        world.upstream.forget();
        let answer = ask(headers).await;
        let requests = world.upstream.requests();
        assert_eq!(requests.len(), 1, "{}", answer.text());
        assert_eq!(requests[0].header("x-forwarded-for"), Some(chain), "{headers}");
        assert_eq!(requests[0].header("x-forwarded-proto"), Some("https"));
        assert_eq!(requests[0].header("forwarded"), None);
        assert!(answer.text().to_ascii_lowercase().contains("strict-transport-security"));
    }
    world.upstream.forget();
    for (headers, status) in [
        ("X-Forwarded-Proto: http\r\n", 308),
        ("X-Forwarded-Proto: http\r\nAccept: */*\r\n", 403),
        ("X-Forwarded-Proto: https\r\nX-Forwarded-Proto: http\r\nAccept: */*\r\n", 403),
    ] {
        let answer = ask(headers).await;
        assert_eq!(answer.status(), Some(status), "{headers}: {}", answer.text());
        assert!(!answer.text().to_ascii_lowercase().contains("strict-transport-security"));
    }
    assert!(world.upstream.requests().is_empty());
}

/// R68: where it is said who ends TLS, whoever else comes in clear came in clear, whatever it claims;
/// and is not believed over TLS either.
#[tokio::test]
async fn who_is_no_proxy_is_not_believed() {
    let world = World::configured(|config| {
        config
            .set("public", "url = 'https://shop.example'")
            .set("listen", "trusted_proxies = ['10.0.0.0/8']")
            .route("/open", "session = 'none'")
    })
    .await;
    let answer = world
        .send_raw(
            "GET /open/x HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\nAccept: */*\r\n\
             X-Forwarded-Proto: https\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n",
        )
        .await;
    assert_eq!(answer.status(), Some(403), "{}", answer.text());
    assert!(world.upstream.requests().is_empty());

    let (world, authority) = secured(|config| {
        config.set("listen", "trusted_proxies = ['10.0.0.0/8']").route("/open", "session = 'none'")
    })
    .await;
    let browser = cloakroom_testkit::Browser::trusting(&authority);
    let request = browser.request("GET", &world.at("/open/x"));
    request.header("x-forwarded-for", "1.1.1.1").header("x-forwarded-proto", "http").send().await;
    let requests = world.upstream.requests();
    assert_eq!(requests.len(), 1, "{}", world.gateway.log());
    assert_eq!(requests[0].header("x-forwarded-for"), Some("127.0.0.1"));
}
