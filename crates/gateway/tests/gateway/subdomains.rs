//! Several hosts, one login for all of them, and the sibling subdomain that is not ours (R20, R27, R38,
//! R67). What it can and cannot do is told in `docs/subdomains.md`.

use cloakroom_testkit::browser::Response;
use cloakroom_testkit::{Browser, GatewayConfig, Provider, Upstream};

use crate::world::{
    PASSWORD, USERS, World, assert_login_required, assert_problem, bearer, binary, with_users,
};

const SHOP: &str = "www.shop.localhost";
const ADMIN: &str = "admin.shop.localhost";
const EVIL: &str = "evil.shop.localhost";
const SHARED: &str = "__Secure-session";

async fn start(configure: impl FnOnce(GatewayConfig) -> GatewayConfig) -> World {
    let provider = with_users(Provider::builder()).start().await;
    let upstream = Upstream::start(&provider).await;
    let config = GatewayConfig::new(&provider, &upstream.url()).hosts(&provider, &[SHOP, ADMIN]);
    let gateway = cloakroom_testkit::Gateway::spawn(binary(), configure(config)).await;
    World { provider, upstream, gateway }
}

fn for_all(config: GatewayConfig) -> GatewayConfig {
    config.set("cookie", "parent_domain = 'shop.localhost'")
}

fn on(world: &World, host: &str, path: &str) -> String {
    format!("http://{host}:{}{path}", world.gateway.address().port())
}

async fn log_in(world: &World, browser: &Browser, host: &str, user: &str) {
    let page = browser.login(&on(world, host, ""), user, PASSWORD, "/").await;
    assert_eq!(page.status, 200, "{page:?}\n{}", world.gateway.log());
    assert_eq!(page.url.host_str(), Some(host), "the login ends where it began");
    world.upstream.forget();
}

async fn echo(world: &World, browser: &Browser, host: &str) -> Response {
    browser.fetch("GET", &on(world, host, "/api/echo")).await
}

async fn user(world: &World, browser: &Browser, host: &str) -> Option<String> {
    let answer = browser.fetch("GET", &on(world, host, "/auth/session")).await;
    Some(answer.json()["claims"]["sub"].as_str()?.to_owned())
}

/// R67, R7, R38: each host is an origin of its own, and no host of ours is taken for another.
#[tokio::test]
async fn each_host_is_an_origin_of_its_own_r67() {
    let world = start(|config| config).await;
    let browser = Browser::new();
    log_in(&world, &browser, SHOP, USERS[0]).await;
    bearer(&echo(&world, &browser, SHOP).await);
    assert_login_required(&echo(&world, &browser, ADMIN).await);
    log_in(&world, &browser, ADMIN, USERS[0]).await;
    for host in [SHOP, ADMIN] {
        let cookie = browser.jar().get(host, "__Host-session").expect("a session of its own");
        assert!(cookie.host_only && cookie.host == host);
        assert_eq!(user(&world, &browser, host).await.as_deref(), Some(USERS[0]));
        let answer = echo(&world, &browser, host).await.json();
        let authority = on(&world, host, "").split_off("http://".len());
        assert_eq!(answer["headers"]["x-forwarded-host"][0], authority);
        assert_eq!(answer["headers"]["x-forwarded-proto"][0], "http");
    }
    world.upstream.forget();
    let post = |host, page: &str| {
        let request = browser.request("POST", &on(&world, host, "/api/echo"));
        request.from_page(page).send()
    };
    let (shop, admin) = (on(&world, SHOP, "/"), on(&world, ADMIN, "/"));
    assert_problem(&post(SHOP, &admin).await, 403, "cross-site");
    assert_problem(&post(ADMIN, &shop).await, 403, "cross-site");
    // Without Fetch Metadata the Origin is compared with the one that the request is for.
    let old = browser.request("POST", &on(&world, SHOP, "/api/echo")).from_page(&admin);
    assert_problem(&old.without("sec-fetch-site").send().await, 403, "foreign-origin");
    for host in ["shop.localhost", EVIL, "localhost", "www.shop.localhost.evil.localhost"] {
        let answer = browser.fetch("GET", &on(&world, host, "/api/echo")).await;
        assert_problem(&answer, 421, "wrong-host");
    }
    assert!(world.upstream.requests().is_empty());
    bearer(&post(SHOP, &shop).await);
    bearer(&post(ADMIN, &admin).await);
}

/// R7: the provider is told the callback of the host where the login began, and no other takes the code.
#[tokio::test]
async fn a_login_ends_on_the_host_where_it_began_r7() {
    for configure in [|config| config, for_all as fn(_) -> _] {
        let world = start(configure).await;
        let browser = Browser::new();
        let start = browser.navigate(&on(&world, ADMIN, "/auth/login")).await;
        let sent = start.location().expect("to the provider");
        let told = sent.query_pairs().find(|(name, _)| name == "redirect_uri").expect("a callback");
        assert_eq!(told.1, on(&world, ADMIN, "/auth/callback/default"));
        let transaction = browser.jar().of(ADMIN).pop().expect("a login under way");
        assert!(transaction.name.starts_with("__Host-session-login-"), "{}", transaction.name);
        assert!(browser.jar().of(SHOP).is_empty());
        let page = browser.settle(start).await;
        let fields = [("username", USERS[0]), ("password", PASSWORD)];
        let back = browser.submit(&page, &fields).await;
        let callback = back.location().expect("a callback");
        let elsewhere = callback.as_str().replace(ADMIN, SHOP);
        let stray = browser.navigate(&elsewhere).await;
        assert_eq!(stray.status, 400, "{stray:?}");
        assert!(stray.text().contains("login-failed"));
        assert_eq!(user(&world, &browser, SHOP).await, None);
    }
}

/// Session modes, and what they need beside.
const MODES: [(&str, &str); 3] = [("server", ""), ("sealed", ""), ("jwt", "access_token")];

fn in_mode(config: GatewayConfig, mode: &str) -> GatewayConfig {
    let config = config.set("session", &format!("mode = '{mode}'"));
    match mode {
        "jwt" => config.set("provider", "access_token = { audience = 'https://api.example.com' }"),
        _ => config,
    }
}

/// R20: one login for all hosts, one logout for all, in every mode.
#[tokio::test]
async fn a_login_counts_on_every_host_in_every_mode_r20() {
    for (mode, access) in MODES {
        let world = start(|config| for_all(in_mode(config, mode))).await;
        let browser = Browser::new();
        log_in(&world, &browser, SHOP, USERS[0]).await;
        for cookie in browser.jar().of(SHOP) {
            assert!(
                cookie.http_only && cookie.secure && !cookie.host_only,
                "{mode}: {}",
                cookie.name
            );
        }
        bearer(&echo(&world, &browser, ADMIN).await);
        let refreshed = browser.fetch("POST", &on(&world, ADMIN, "/auth/refresh")).await;
        assert_eq!(refreshed.status, 204, "{mode}: {refreshed:?}");
        // R27: a twin of any of its cookies is no session.
        let main = if access.is_empty() { "session" } else { access };
        let victim = browser.copy();
        let twin = format!("__Secure-{main}=x; Domain=shop.localhost; Path=/api; Secure");
        assert!(victim.jar().set(&on(&world, EVIL, "/"), &twin));
        assert_login_required(&echo(&world, &victim, ADMIN).await);
        let mut out = browser.fetch("POST", &on(&world, ADMIN, "/auth/logout")).await;
        if out.status == 307 {
            out = browser.follow(&out).await;
        }
        assert_eq!(out.status, 200, "{mode}: {out:?}");
        let expired = out.header_all("set-cookie");
        let whole = |it: &&str| it.contains("; Domain=shop.localhost; Max-Age=0");
        assert!(expired.iter().all(whole) && !expired.is_empty(), "{mode}: {expired:?}");
        assert_login_required(&echo(&world, &browser, SHOP).await);
    }
}

/// Mode `jwt`: the refresh cookie has a path and so no `__Host-`; a sibling can plant one of its own
/// session. Without that session's access token, whose cookie is bound to the host, it counts for nothing.
#[tokio::test]
async fn a_planted_refresh_cookie_begins_no_session_r31() {
    let world = start(|config| in_mode(config, "jwt")).await;
    let (attacker, name) = (Browser::new(), "__Secure-session-refresh");
    log_in(&world, &attacker, SHOP, USERS[1]).await;
    let theirs = attacker.jar().of(SHOP).into_iter().find(|it| it.name == name).expect(name);
    assert_eq!(theirs.path, "/auth/refresh");
    let planted =
        format!("{name}={}; Domain=shop.localhost; Path=/auth/refresh; Secure", theirs.value);
    let (nobody, victim) = (Browser::new(), Browser::new());
    log_in(&world, &victim, SHOP, USERS[0]).await;
    // As if the victim's own had been deleted by the sibling's, or had ended.
    let own = format!("{name}=; Path=/auth/refresh; Secure; Max-Age=0");
    assert!(victim.jar().set(&on(&world, SHOP, "/"), &own));
    for browser in [&nobody, &victim] {
        assert!(browser.jar().set(&on(&world, EVIL, "/"), &planted));
        let answer = browser.fetch("POST", &on(&world, SHOP, "/auth/refresh")).await;
        assert!(
            answer.header_all("set-cookie").iter().all(|it| it.contains("Max-Age=0")),
            "{answer:?}"
        );
        assert_ne!(user(&world, browser, SHOP).await.as_deref(), Some(USERS[1]));
    }
    let refreshed = attacker.fetch("POST", &on(&world, SHOP, "/auth/refresh")).await;
    assert_eq!(refreshed.status, 204, "its own browser goes on: {refreshed:?}");
}

/// R19, F1: every prefix logs in; the login's own cookie is bound to the host under each.
#[tokio::test]
async fn every_prefix_logs_in_r19() {
    for (prefix, login) in [
        ("__Host-", "__Host-session-login-"),
        ("__Host-Http-", "__Host-Http-session-login-"),
        ("__Secure-", "__Host-session-login-"),
        ("unprotected", "__Host-session-login-"),
    ] {
        let settings = format!("prefix = '{prefix}'");
        let world = World::configured(|config| config.set("cookie", &settings)).await;
        let browser = Browser::new();
        browser.navigate(&world.at("/auth/login")).await;
        let transaction = browser.jar().of("localhost").pop().expect("a login under way");
        assert!(transaction.name.starts_with(login), "{prefix}: {}", transaction.name);
        world.log_in(&browser).await;
        let name = format!("{}session", prefix.replace("unprotected", ""));
        let cookie = browser.jar().get("localhost", &name).expect(prefix);
        assert!(cookie.host_only && cookie.secure && cookie.http_only && cookie.path == "/");
        bearer(&world.echo(&browser).await);
        assert!(world.upstream.requests().iter().all(|it| it.header("cookie").is_none()));
        assert_eq!(browser.fetch("POST", &world.at("/auth/logout")).await.status, 200);
        assert_eq!(browser.jar().get("localhost", &name).map(|it| it.name), None);
    }
}

/// R20: one login for all hosts, one logout for all; a named choice that is warned of at every start.
#[tokio::test]
async fn a_login_counts_on_every_host_of_the_domain_r20() {
    let world = start(for_all).await;
    let log = world.gateway.log();
    assert!(log.contains("every host below shop.localhost gets the session cookie"), "{log}");
    let browser = Browser::new();
    log_in(&world, &browser, SHOP, USERS[0]).await;
    let cookie = browser.jar().get(SHOP, SHARED).expect("a session");
    assert!(cookie.secure && cookie.http_only && !cookie.host_only && cookie.path == "/");
    assert_eq!(cookie.host, "shop.localhost");
    for host in [SHOP, ADMIN] {
        bearer(&echo(&world, &browser, host).await);
    }
    // The hosts stay foreign to each other, whatever cookie they share (R38).
    world.upstream.forget();
    let from_admin = browser.request("POST", &on(&world, SHOP, "/api/echo"));
    let answer = from_admin.from_page(&on(&world, ADMIN, "/")).send().await;
    assert_problem(&answer, 403, "cross-site");
    assert!(world.upstream.requests().is_empty());
    // Our cookie goes to no upstream, and a twin of the old name is nobody's.
    echo(&world, &browser, ADMIN).await;
    assert!(world.upstream.requests()[0].header("cookie").is_none());
    let thief = browser.copy();
    let out = browser.fetch("POST", &on(&world, ADMIN, "/auth/logout")).await;
    assert_eq!(out.status, 200, "{out:?}");
    let expired = out.header_all("set-cookie").join("\n");
    assert!(expired.contains("__Secure-session=; Path=/; Secure; HttpOnly; SameSite=Lax; Domain=shop.localhost; Max-Age=0"), "{expired}");
    for browser in [&browser, &thief] {
        for host in [SHOP, ADMIN] {
            assert_login_required(&echo(&world, browser, host).await);
        }
    }
}

/// R19: by default nothing that a sibling plants changes a session: browsers refuse it, or it is another
/// name.
#[tokio::test]
async fn tossed_cookies_do_not_reach_a_host_bound_session_r19() {
    let world = start(|config| config).await;
    let (browser, attacker) = (Browser::new(), Browser::new());
    log_in(&world, &browser, SHOP, USERS[0]).await;
    log_in(&world, &attacker, SHOP, USERS[1]).await;
    let theirs = attacker.jar().get(SHOP, "__Host-session").expect("a session").value;
    let tossed = |name: &str, rest: &str| {
        let cookie = format!("{name}={theirs}; Domain=shop.localhost; Secure{rest}");
        browser.jar().set(&on(&world, EVIL, "/"), &cookie)
    };
    for name in
        ["__Host-session", "__host-session", "__HOST-SESSION", "__Host-session-login-aaaaaaaa"]
    {
        assert!(
            !tossed(name, "; Path=/") && !tossed(name, "; Path=/api"),
            "a browser refuses {name}"
        );
    }
    for name in ["session", "__Secure-session", "\u{2000}__Host-session", "__Host_session"] {
        assert!(tossed(name, "; Path=/") && tossed(name, "; Path=/api"), "a browser takes {name}");
    }
    for _ in 0..2 {
        assert_eq!(user(&world, &browser, SHOP).await.as_deref(), Some(USERS[0]));
        bearer(&echo(&world, &browser, SHOP).await);
        log_in(&world, &browser, SHOP, USERS[0]).await;
    }
}

/// R27, R20: with a cookie for the whole domain a sibling can toss twins. A duplicate is no session, and
/// says so in the log: nobody acts for somebody else.
#[tokio::test]
async fn a_tossed_twin_of_a_domain_cookie_is_no_session_r27() {
    let world = start(for_all).await;
    let (browser, attacker) = (Browser::new(), Browser::new());
    log_in(&world, &browser, SHOP, USERS[0]).await;
    log_in(&world, &attacker, SHOP, USERS[1]).await;
    let theirs = attacker.jar().get(SHOP, SHARED).expect("a session").value;
    for (value, path) in [(theirs.as_str(), "/api"), ("x", "/api/echo"), ("", "/api")] {
        let victim = browser.copy();
        let twin = format!("{SHARED}={value}; Domain=shop.localhost; Path={path}; Secure");
        assert!(victim.jar().set(&on(&world, EVIL, "/"), &twin));
        world.upstream.forget();
        assert_login_required(&echo(&world, &victim, SHOP).await);
        assert_login_required(&echo(&world, &victim, ADMIN).await);
        assert!(world.upstream.requests().is_empty(), "{path}");
        assert_eq!(
            user(&world, &victim, SHOP).await.as_deref(),
            Some(USERS[0]),
            "elsewhere it counts"
        );
    }
    assert!(world.gateway.log().contains("sent twice"), "R27: logged");
    // Cookies of another host, or of a name in another case, are not ours.
    for (cookie, taken) in [
        (format!("{SHARED}={theirs}; Domain={ADMIN}; Path=/; Secure"), false),
        (format!("{SHARED}={theirs}; Domain={EVIL}; Path=/; Secure"), true),
        (format!("{SHARED}={theirs}; Path=/; Secure"), true),
        (format!("__secure-session={theirs}; Domain=shop.localhost; Path=/; Secure"), true),
    ] {
        assert_eq!(browser.jar().set(&on(&world, EVIL, "/"), &cookie), taken, "{cookie}");
    }
    assert_eq!(user(&world, &browser, SHOP).await.as_deref(), Some(USERS[0]));
}

/// What `parent_domain` costs, so that the documentation tells the truth: a sibling's server receives the
/// cookie, and can put a session of its own in its place. The page's CSRF token notices the latter.
#[tokio::test]
async fn what_a_sibling_can_do_to_a_domain_cookie_r20() {
    let token = "csrf_token = { header = 'X-CSRF-Token' }";
    let world = start(|config| for_all(config).set("guard", token)).await;
    let (browser, attacker) = (Browser::new(), Browser::new());
    log_in(&world, &browser, SHOP, USERS[0]).await;
    log_in(&world, &attacker, SHOP, USERS[1]).await;
    let page = browser.fetch("GET", &on(&world, SHOP, "/auth/session")).await;
    let token = page.json()["csrfToken"].as_str().expect("a token").to_owned();
    // The sibling's own server gets the cookie with any request to it.
    let sent = browser.jar().of(EVIL);
    assert!(sent.iter().any(|cookie| cookie.name == SHARED), "it can act as the user");
    // And overwrites it: from here on the victim works in the attacker's account,
    let theirs = attacker.jar().get(SHOP, SHARED).expect("a session").value;
    let swap = format!("{SHARED}={theirs}; Domain=shop.localhost; Path=/; Secure; HttpOnly");
    assert!(browser.jar().set(&on(&world, EVIL, "/"), &swap));
    assert_eq!(user(&world, &browser, SHOP).await.as_deref(), Some(USERS[1]));
    // but what a page that was open before would change there is refused.
    world.upstream.forget();
    let post = browser.request("POST", &on(&world, SHOP, "/api/echo"));
    assert_problem(&post.header("x-csrf-token", &token).send().await, 403, "csrf-token");
    // Its page still cannot send requests in the victim's name (R38).
    let forged = browser.request("POST", &on(&world, SHOP, "/api/echo"));
    let forged = forged.from_page(&on(&world, EVIL, "/")).header("x-csrf-token", &token);
    assert_problem(&forged.send().await, 403, "cross-site");
    assert!(world.upstream.requests().is_empty());
}

/// R41: the companion is for one host, also where the session is for all: a sibling's page must not read
/// the token. Each host of ours gets its own.
#[tokio::test]
async fn the_companion_is_never_for_the_domain_r41() {
    let token = "csrf_token = { header = 'X-XSRF-TOKEN', cookie = 'XSRF-TOKEN' }";
    let world = start(|config| for_all(config).set("guard", token)).await;
    let browser = Browser::new();
    log_in(&world, &browser, SHOP, USERS[0]).await;
    assert!(browser.jar().get(SHOP, "XSRF-TOKEN").expect("a companion").host_only);
    assert_eq!(browser.jar().document_cookie(EVIL), "");
    // Nobody logged in on the other host: the first answer with the session brings it.
    assert!(browser.jar().get(ADMIN, "XSRF-TOKEN").is_none());
    bearer(&echo(&world, &browser, ADMIN).await);
    let value = browser.jar().get(ADMIN, "XSRF-TOKEN").expect("a companion").value;
    let post = |token: &str| {
        let request = browser.request("POST", &on(&world, ADMIN, "/api/echo"));
        request.header("x-xsrf-token", token).send()
    };
    bearer(&post(&value).await);
    // A twin that the sibling plants comes first in `document.cookie`; it is a nuisance, no way in.
    let attacker = Browser::new();
    log_in(&world, &attacker, SHOP, USERS[1]).await;
    let theirs = attacker.jar().get(SHOP, "XSRF-TOKEN").expect("a companion").value;
    let twin = format!("XSRF-TOKEN={theirs}; Domain=shop.localhost; Path=/api; Secure");
    assert!(browser.jar().set(&on(&world, EVIL, "/"), &twin));
    world.upstream.forget();
    assert_problem(&post(&theirs).await, 403, "csrf-token");
    assert!(world.upstream.requests().is_empty());
    bearer(&post(&value).await);
    assert!(world.upstream.requests()[0].header("cookie").is_none());
}

/// R46: a login leads back to its own host alone; the other one is a foreign address like any.
#[tokio::test]
async fn a_return_url_names_no_other_host_r46() {
    let world = start(for_all).await;
    for target in [on(&world, ADMIN, "/x"), format!("//{ADMIN}/x"), format!("/\\{ADMIN}/x")] {
        let browser = Browser::new();
        let page = browser.login(&on(&world, SHOP, ""), USERS[0], PASSWORD, &target).await;
        assert_eq!(page.url.as_str(), on(&world, SHOP, "/"), "{target}");
    }
}
