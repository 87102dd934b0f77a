//! Requests that are too large, and the way back from them (R71).

use crate::world::{COOKIE, World, cookie};

fn get(world: &World, headers: &str) -> String {
    format!(
        "GET /api/echo HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{headers}\r\n",
        world.host()
    )
}

/// Cookie bomb: 431, and an answer that clears the cookies, so that the browser is not shut out for
/// good; by size, by number, and as large as a browser's jar can be for one host (180 of 4096 bytes).
#[tokio::test]
async fn a_cookie_bomb_is_defused() {
    let world = World::start().await;
    let value = cookie(&world.logged_in().await).expect("a session");
    let pairs = |count: usize, size: usize| {
        let bombs: Vec<_> = (0..count).map(|n| format!("bomb{n}={}", "x".repeat(size))).collect();
        format!("Cookie: {COOKIE}={value}; {}\r\n", bombs.join("; "))
    };
    let rows = [(5, 4000), (300, 1), (12, 4000), (17, 4000), (60, 4000), (179, 4085)];
    for (count, size) in rows {
        let answer = world.send_raw(get(&world, &pairs(count, size))).await;
        let text = answer.text();
        assert_eq!(answer.status(), Some(431), "{count} × {size}: {text}");
        let clears = text.to_ascii_lowercase().contains("clear-site-data: \"cookies\"");
        assert!(clears, "{count} × {size}: {text}");
    }
    assert!(world.upstream.requests().is_empty());
    let fits = world
        .send_raw(get(&world, &format!("Sec-Fetch-Site: same-origin\r\n{}", pairs(100, 100))))
        .await;
    assert_eq!(fits.status(), Some(200), "{}", fits.text());
}

/// Other headers have bounds, too.
#[tokio::test]
async fn too_large_a_head_is_refused() {
    let world = World::start().await;
    let large = format!("X-Large: {}\r\n", "x".repeat(50_000));
    let many: String = (0..200).map(|n| format!("X-{n}: y\r\n")).collect();
    let long = format!("GET /{} HTTP/1.1\r\nHost: {}\r\n\r\n", "x".repeat(80_000), world.host());
    for request in [get(&world, &large), get(&world, &many), long] {
        let answer = world.send_raw(request).await;
        assert!(matches!(answer.status(), Some(414 | 431)), "{}", answer.text());
    }
    assert!(world.upstream.requests().is_empty());
}
