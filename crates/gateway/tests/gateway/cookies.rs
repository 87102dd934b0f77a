//! Cookies in requests: which one is ours, and which go up (R26, R27, R35).

use cloakroom_testkit::raw;

use crate::world::{COOKIE, World, cookie};

/// Sends `GET target` with these `Cookie` headers, byte for byte.
async fn get(world: &World, target: &str, cookies: &[Vec<u8>]) -> raw::Answer {
    let mut request = format!(
        "GET {target} HTTP/1.1\r\nHost: {}\r\nSec-Fetch-Site: same-origin\r\nConnection: close\r\n",
        world.host()
    )
    .into_bytes();
    for cookie in cookies {
        request.extend_from_slice(b"Cookie: ");
        request.extend_from_slice(cookie);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    world.send_raw(request).await
}

/// R27: twice the same name is no session: not the first, not the last, not even twice the same value.
#[tokio::test]
async fn a_cookie_that_comes_twice_is_no_session() {
    let world = World::start().await;
    let value = cookie(&world.logged_in().await).expect("a session");
    let ours = format!("{COOKIE}={value}");
    let planted = format!("{COOKIE}={}", "A".repeat(64));
    let rows = [
        vec![format!("{ours}; {planted}")],
        vec![format!("{planted}; {ours}")],
        vec![format!("{ours}; {ours}")],
        vec![format!("{ours}; {COOKIE}=")],
        vec![ours.clone(), planted.clone()],
        vec![planted.clone(), ours.clone()],
        vec![format!("a=b; {ours}; c=d"), format!("e=f; {planted}")],
    ];
    for row in rows {
        let cookies: Vec<_> = row.iter().map(|it| it.clone().into_bytes()).collect();
        let answer = get(&world, "/api/echo", &cookies).await;
        assert_eq!(answer.status(), Some(401), "{}", answer.text());
    }
    assert!(world.upstream.requests().is_empty());
    assert!(world.gateway.log().contains("sent twice"), "R27: logged");
    let alone = get(&world, "/api/echo", &[ours.into_bytes()]).await;
    assert_eq!(alone.status(), Some(200), "{}", alone.text());
}

/// R26: the name is compared byte by byte and the value taken as it is.
#[tokio::test]
async fn twins_of_our_cookie_are_not_ours() {
    let world = World::start().await;
    let value = cookie(&world.logged_in().await).expect("a session");
    let rows: Vec<Vec<u8>> = vec![
        format!("__host-session={value}").into(),
        format!("__HOST-SESSION={value}").into(),
        format!("\u{2000}{COOKIE}={value}").into(),
        format!("{COOKIE}\u{2000}={value}").into(),
        [b"\xa0".as_slice(), format!("{COOKIE}={value}").as_bytes()].concat(),
        format!("session={value}").into(),
        format!("__Secure-session={value}").into(),
        format!("{COOKIE}.={value}").into(),
        format!("%5f%5fHost-session={value}").into(),
        format!("={COOKIE}={value}").into(),
        COOKIE.into(),
        format!("{COOKIE}=\"{value}\"").into(),
        format!("$Version=1; {COOKIE}=\"{value}\"; $Path=/").into(),
        format!("a=\"b; {COOKIE}={value}\"").into(),
        format!("{COOKIE}={value}=").into(),
        format!("{COOKIE}={value}A").into(),
        format!("{COOKIE}={}", &value[..63]).into(),
        format!("{COOKIE}={}", value.replace(|c: char| c.is_ascii_digit(), "%30")).into(),
        format!("{COOKIE}={value},{COOKIE}={value}").into(),
    ];
    for row in rows {
        let answer = get(&world, "/api/echo", std::slice::from_ref(&row)).await;
        assert_eq!(answer.status(), Some(401), "{}", answer.text());
    }
    assert!(world.upstream.requests().is_empty());
}

/// R27: a twin beside the real one does not take its place, and R35: does not go up in its name.
#[tokio::test]
async fn a_tossed_twin_changes_nothing() {
    let world = World::start().await;
    let value = cookie(&world.logged_in().await).expect("a session");
    let line = format!(
        "theme=dark; __host-session=tossed; {COOKIE}={value}; \u{2000}{COOKIE}=x; \
         {COOKIE}-login-abcdefgh=y; ={COOKIE}=z; nameless; lang=de"
    );
    let answer = get(&world, "/api/echo", &[line.into()]).await;
    assert_eq!(answer.status(), Some(200), "{}", answer.text());
    let received = world.upstream.requests().pop().expect("passed on");
    let cookies = String::from_utf8_lossy(received.headers["cookie"].as_bytes()).into_owned();
    assert_eq!(cookies, format!("theme=dark; \u{2000}{COOKIE}=x; nameless; lang=de"));
    assert!(!cookies.contains(&value));
}

/// R35: our cookies go up on no route, with or without a session in them.
#[tokio::test]
async fn our_cookies_never_go_up() {
    let world = World::configured(|config| {
        config.route("/open", "session = 'none'").route("/opt", "session = 'optional'")
    })
    .await;
    let value = cookie(&world.logged_in().await).expect("a session");
    for target in ["/api/echo", "/open/x", "/opt/x"] {
        world.upstream.forget();
        let lines = [
            format!("a=1; {COOKIE}={value}; b=2").into_bytes(),
            format!("{COOKIE}-logout={value}").into_bytes(),
        ];
        get(&world, target, &lines).await;
        let received = world.upstream.requests().pop().expect("passed on");
        assert_eq!(received.header("cookie"), Some("a=1; b=2"), "{target}");
        for (name, header) in &received.headers {
            let text = String::from_utf8_lossy(header.as_bytes()).into_owned();
            assert!(!text.contains(&value), "{target}: {name}");
        }
    }
}

/// R35: an upstream sets no cookie of our name, in any case of letters; its own pass.
#[tokio::test]
async fn an_upstream_cannot_set_our_cookies() {
    let world = World::start().await;
    let browser = world.logged_in().await;
    let before = cookie(&browser);
    let answer = browser.fetch("GET", &world.at("/api/set-cookie")).await;
    assert_eq!(answer.header_all("set-cookie"), ["theme=dark; Path=/"]);
    assert_eq!(cookie(&browser), before);
    assert_eq!(world.echo(&browser).await.status, 200);
}
