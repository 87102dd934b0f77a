//! Login: whose it is, once only, and where it leads (R2, R4–R7, R21, R31, R40, R46).

use cloakroom_testkit::browser::{Cookie, Response, SameSite};
use cloakroom_testkit::{Browser, Fault, eventually};

use crate::world::{COOKIE, PASSWORD, USERS, World, assert_login_required, cookie};

/// A login up to the redirect that leads back to the gateway, which is not followed yet.
async fn up_to_callback(world: &World, browser: &Browser) -> Response {
    let start = browser.navigate(&world.at("/auth/login")).await;
    let page = browser.follow(&start).await;
    let back = browser.submit(&page, &[("username", USERS[0]), ("password", PASSWORD)]).await;
    let callback = back.location().expect("a redirect to the callback");
    assert!(callback.as_str().starts_with(&world.at("/auth/callback/default?")), "{callback}");
    back
}

/// The page that a failed login ends on, and no session by it.
#[track_caller]
fn assert_login_failed(answer: &Response) {
    assert_eq!(answer.status, 400, "{answer:?}");
    assert!(answer.text().contains("login-failed"), "{answer:?}");
    assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html")));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let session = format!("{COOKIE}=");
    let cookies = answer.header_all("set-cookie");
    assert!(!cookies.iter().any(|cookie| cookie.starts_with(&session)), "no session cookie");
}

fn logins_under_way(browser: &Browser) -> usize {
    let cookies = browser.jar().of("localhost");
    cookies.iter().filter(|cookie| cookie.name.contains("-login-")).count()
}

async fn visit(browser: &Browser, url: impl AsRef<str>) -> Response {
    browser.request("GET", url.as_ref()).navigation().from_page("http://127.0.0.1:1").send().await
}

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

/// R4: a callback counts once, also for a copy of the browser, and also for a restarted gateway.
#[tokio::test]
async fn a_replayed_callback_makes_no_token_request() {
    let mut world = World::start().await;
    let browser = Browser::new();
    let back = up_to_callback(&world, &browser).await;
    let (replay, later) = (browser.copy(), browser.copy());
    browser.follow(&back).await;
    let mine = cookie(&browser).expect("a session");
    assert_eq!(world.provider.code_exchanges(), 1);

    assert_login_failed(&replay.follow(&back).await);
    assert_login_failed(&browser.follow(&back).await);
    world.gateway.restart().await;
    assert_login_failed(&later.follow(&back).await);
    assert_eq!(world.provider.code_exchanges(), 1, "the code is not even sent");
    assert_eq!(cookie(&browser), Some(mine), "the first login stands");
    assert_eq!(world.echo(&browser).await.status, 200);
}

/// R4: without this browser's own state there is no login and no token request.
#[tokio::test]
async fn a_wrong_state_makes_no_token_request() {
    let world = World::start().await;
    let browser = Browser::new();
    let back = up_to_callback(&world, &browser).await;
    let good = back.location().expect("a callback");
    let change = |wanted: &str, value: Option<&str>| {
        let mut url = good.clone();
        let kept = good.query_pairs().filter_map(|(key, old)| match (key == wanted, value) {
            (true, None) => None,
            (true, Some(value)) => Some((key, value.to_owned().into())),
            (false, _) => Some((key, old)),
        });
        url.query_pairs_mut().clear().extend_pairs(kept);
        url
    };
    let state = good.query_pairs().find(|(key, _)| key == "state").expect("a state").1.into_owned();
    let rows = [
        change("state", None),
        change("state", Some("")),
        change("state", Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")),
        change("state", Some(&state.to_uppercase())),
        change("state", Some(&format!("{state}A"))),
        change("state", Some(&state[..state.len() - 1])),
        format!("{good}&state={state}").parse().unwrap(),
        format!("{good}&state=other").parse().unwrap(),
    ];
    for url in rows {
        assert_login_failed(&visit(&browser.copy(), &url).await);
    }
    assert_eq!(world.provider.code_exchanges(), 0);
    // The right one still works: attempts by others spend nothing.
    assert_eq!(visit(&browser, &good).await.status, 303);
    assert!(cookie(&browser).is_some());
}

/// Login CSRF: the attacker's callback in a browser that began no login, or another one.
#[tokio::test]
async fn another_browsers_callback_is_refused() {
    let world = World::start().await;
    let attacker = Browser::new();
    let callback = up_to_callback(&world, &attacker).await.location().expect("a callback");
    let strangers = Browser::new();
    assert_login_failed(&visit(&strangers, &callback).await);
    assert_login_required(&world.echo(&strangers).await);

    let victim = Browser::new();
    up_to_callback(&world, &victim).await;
    assert_login_failed(&visit(&victim, &callback).await);
    let logged_in = world.logged_in().await;
    let (before, exchanges) = (cookie(&logged_in), world.provider.code_exchanges());
    assert_login_failed(&visit(&logged_in, &callback).await);
    assert_eq!(cookie(&logged_in), before, "who is logged in stays who they are");
    assert_eq!(world.provider.code_exchanges(), exchanges);
}

/// R2, code injection: the attacker's code with the victim's own state fails at PKCE.
#[tokio::test]
async fn an_injected_code_is_refused() {
    let world = World::start().await;
    let (attacker, victim) = (Browser::new(), Browser::new());
    let stolen = up_to_callback(&world, &attacker).await.location().expect("a callback");
    let code = stolen.query_pairs().find(|(key, _)| key == "code").expect("a code").1.into_owned();
    world.provider.tamper_authorization_response(move |parameters| {
        parameters.iter_mut().filter(|(key, _)| key == "code").for_each(|it| it.1 = code.clone());
    });
    let injected = up_to_callback(&world, &victim).await;
    assert_login_failed(&victim.follow(&injected).await);
    assert_login_required(&world.echo(&victim).await);
}

/// R6, R7: a callback of another issuer, or at another provider's address, is a mix-up.
#[tokio::test]
async fn a_mix_up_makes_no_token_request() {
    let world = World::start().await;
    let other: fn(&mut Vec<(String, String)>) = |parameters| {
        parameters.iter_mut().filter(|(key, _)| key == "iss").for_each(|it| it.1.push('/'));
    };
    let missing: fn(&mut Vec<(String, String)>) =
        |parameters| parameters.retain(|(key, _)| key != "iss");
    let twice: fn(&mut Vec<(String, String)>) = |parameters| {
        let iss = parameters.iter().find(|(key, _)| key == "iss").cloned();
        parameters.extend(iss);
    };
    for change in [other, missing, twice] {
        world.provider.tamper_authorization_response(change);
        let browser = Browser::new();
        assert_login_failed(&world.log_in(&browser).await);
    }
    // R6: a refusal by another issuer is not this provider's refusal either.
    world.provider.tamper_authorization_response(|parameters| {
        *parameters = vec![
            ("error".into(), "temporarily_unavailable".into()),
            ("iss".into(), "https://evil.example".into()),
            parameters.iter().find(|(key, _)| key == "state").cloned().expect("a state"),
        ];
    });
    assert_login_failed(&world.log_in(&Browser::new()).await);

    world.provider.heal();
    let browser = Browser::new();
    let callback = up_to_callback(&world, &browser).await.location().expect("a callback");
    let elsewhere = callback.as_str().replace("/callback/default", "/callback/other");
    assert_login_failed(&visit(&browser, elsewhere).await);
    assert_eq!(world.provider.code_exchanges(), 0);
}

/// What the provider says instead of a code: a refusal is a page, an outage is a 503.
#[tokio::test]
async fn error_responses_end_without_a_session() {
    let world = World::start().await;
    let rows = [
        ("access_denied", 400),
        ("login_required", 400),
        ("invalid_request", 400),
        ("<script>alert(1)</script>", 400),
        ("server_error", 503),
        ("temporarily_unavailable", 503),
    ];
    for (error, status) in rows {
        world.provider.tamper_authorization_response(move |parameters| {
            parameters.retain(|(key, _)| key != "code");
            parameters.push(("error".into(), error.into()));
            parameters.push(("error_description".into(), "<img src=x onerror=alert(1)>".into()));
        });
        let browser = Browser::new();
        let answer = world.log_in(&browser).await;
        assert_eq!(answer.status, status, "{error}: {answer:?}");
        assert_eq!(answer.header("retry-after").is_some(), status == 503);
        assert!(
            !answer.text().contains("<script") && !answer.text().contains("<img"),
            "{answer:?}"
        );
        assert_eq!(cookie(&browser), None);
        assert_eq!(logins_under_way(&browser), 0, "the transaction is spent");
    }
    // Both a code and an error: whoever made that, it is not this provider.
    world.provider.tamper_authorization_response(|parameters| {
        parameters.push(("error".into(), "access_denied".into()));
    });
    assert_login_failed(&world.log_in(&Browser::new()).await);
    assert_eq!(world.provider.code_exchanges(), 0);
}

/// What the token endpoint says instead of tokens.
#[tokio::test]
async fn a_code_that_yields_no_tokens_gives_no_session() {
    let world = World::start().await;
    let rows = [
        (Fault::InvalidGrant, 400),
        (Fault::EmptyBody400, 400),
        (Fault::Status(401), 400),
        (Fault::Status(500), 503),
        (Fault::Garbage, 503),
        (Fault::CutBeforeRotation, 503),
        (Fault::CutAfterRotation, 503),
    ];
    for (number, (fault, status)) in rows.into_iter().enumerate() {
        world.provider.on_code_exchange(fault);
        let browser = Browser::new();
        let answer = world.log_in(&browser).await;
        assert_eq!(answer.status, status, "{fault:?}: {answer:?}");
        assert_eq!(world.provider.code_exchanges(), number + 1, "a code is never sent twice");
        assert_eq!(cookie(&browser), None);
    }
    world.provider.tamper_token_response(|answer| answer["token_type"] = "DPoP".into());
    assert_login_failed(&world.log_in(&Browser::new()).await);
    world.provider.tamper_token_response(|answer| {
        answer.as_object_mut().expect("an object").remove("id_token");
    });
    assert_login_failed(&world.log_in(&Browser::new()).await);
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
