//! Logout: here first, then at the provider; no token in the page's hands (R17, R40, R47, R48).

use cloakroom_testkit::browser::Response;
use cloakroom_testkit::{Browser, Fault, eventually};

use crate::world::{PASSWORD, USERS, World, assert_login_required, assert_problem, cookie};

async fn log_out(world: &World, browser: &Browser) -> Response {
    let answer = browser.fetch("POST", &world.at("/auth/logout")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}

fn link(world: &World, answer: &Response) -> String {
    world.at(answer.json()["location"].as_str().expect("a location"))
}

async fn go(browser: &Browser, world: &World, url: &str) -> Response {
    browser.request("GET", url).navigation().from_page(&world.at("/")).send().await
}

/// R48: whatever else happens, the session is over; the cookie and what the page stored go.
#[tokio::test]
async fn a_logout_ends_the_session_at_once() {
    let world = World::start().await;
    let browser = world.logged_in().await;
    let thief = browser.copy();
    let answer = log_out(&world, &browser).await;
    assert_eq!(answer.header("clear-site-data"), Some("\"cookies\", \"storage\""));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let expired = answer.header_all("set-cookie");
    assert!(
        expired.iter().any(|it| it.starts_with("__Host-session=;") && it.contains("Max-Age=0"))
    );
    assert_eq!(cookie(&browser), None);
    assert_login_required(&world.echo(&thief).await);
    assert!(!world.is_logged_in(&thief).await);
    // R17: refresh token first, then the access token.
    eventually("the revocations", || world.provider.revocations() == 2).await;
    assert_eq!(world.provider.live_grants(), 0);
}

/// R47: the link leads through the provider's own logout and home again; then the provider has
/// forgotten the user, too.
#[tokio::test]
async fn the_link_ends_the_providers_session_too() {
    let world = World::configured(|config| config.set("auth", "after_logout = '/bye'")).await;
    let browser = world.logged_in().await;
    let link = link(&world, &log_out(&world, &browser).await);
    let to_provider = go(&browser, &world, &link).await;
    let end_session = to_provider.location().expect("a redirect to the provider");
    assert!(end_session.as_str().starts_with(&format!("{}/end_session?", world.provider.issuer())));
    let names: Vec<_> = end_session.query_pairs().map(|(name, _)| name.into_owned()).collect();
    for name in ["id_token_hint", "post_logout_redirect_uri", "state", "client_id"] {
        assert!(names.iter().any(|other| other == name), "{name} is missing of {names:?}");
    }
    assert_eq!(to_provider.body.len(), 0);
    let at_provider = browser.follow(&to_provider).await;
    assert_eq!(world.provider.logouts(), 1);
    let home = browser.follow(&at_provider).await;
    assert_eq!(home.header("location"), Some("/bye"));
    assert!(!world.gateway.log().contains("did not begin"), "R47: the state came back");

    let login = browser.follow(&browser.navigate(&world.at("/auth/login")).await).await;
    assert!(!login.is_redirect(), "the provider asks who is there");
}

/// R47: a tab that begins a login while another one stands at the provider's logout does not get it for nothing.
#[tokio::test]
async fn r47_a_login_during_the_providers_logout_is_asked_for() {
    let world = World::start().await;
    let browser = world.logged_in().await;
    let link = link(&world, &log_out(&world, &browser).await);
    let login = || async { browser.navigate(&world.at("/auth/login")).await };
    let prompt = |answer: &Response| -> Option<String> {
        let url = answer.location().expect("a redirect to the provider");
        url.query_pairs().find(|(name, _)| name == "prompt").map(|(_, value)| value.into_owned())
    };
    assert_eq!(prompt(&login().await), None, "before");
    let to_provider = go(&browser, &world, &link).await;
    assert_eq!(prompt(&login().await).as_deref(), Some("login"), "meanwhile");
    browser.follow(&browser.follow(&to_provider).await).await;
    assert_eq!(prompt(&login().await), None, "after");
}

/// R40: the link is good once; a forged or old one leads home, not to the provider.
#[tokio::test]
async fn the_link_is_good_once() {
    let world = World::start().await;
    let browser = world.logged_in().await;
    let link = link(&world, &log_out(&world, &browser).await);
    let ticket = link.rsplit('=').next().expect("a ticket");
    for sid in world.provider.issued_secrets() {
        assert!(!link.contains(&sid), "no token stands in the link");
    }
    let mut forged = link.clone();
    forged.pop();
    for bad in [forged, world.at("/auth/logout?ticket="), world.at("/auth/logout?ticket=AAAA")] {
        let answer = go(&browser, &world, &bad).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, Some("/")), "{bad}");
    }
    let twice = world.at(&format!("/auth/logout?ticket={ticket}&ticket={ticket}"));
    assert_eq!(go(&browser, &world, &twice).await.status, 405);
    assert!(go(&browser, &world, &link).await.header("location").is_some_and(|it| it != "/"));
    assert_eq!(go(&browser, &world, &link).await.header("location"), Some("/"));
    assert_eq!(go(&Browser::new(), &world, &link).await.header("location"), Some("/"));
}

/// R48: a provider that is down changes nothing of it.
#[tokio::test]
async fn a_logout_needs_no_provider() {
    let world = World::start().await;
    let browser = world.logged_in().await;
    let thief = browser.copy();
    world.provider.stop_answering();
    log_out(&world, &browser).await;
    assert_login_required(&world.echo(&thief).await);

    world.provider.resume();
    let browser = world.logged_in().await;
    world.provider.on_revocation(Fault::Hold.always());
    log_out(&world, &browser).await;
    world.provider.release();
}

/// R40: no logout by a link, by another site, or by a sibling.
#[tokio::test]
async fn nobody_else_logs_anybody_out() {
    let world = World::start().await;
    let browser = world.logged_in().await;
    let url = world.at("/auth/logout");
    assert_eq!(browser.copy().navigate(&url).await.status, 405);
    assert_eq!(browser.copy().cross_site_post(&url).await.status, 403);
    for page in ["https://evil.example", "http://localhost:1"] {
        let post = browser.request("POST", &url).from_page(page).ignoring_same_site();
        assert_problem(&post.send().await, 403, "cross-site");
        let get = browser.request("GET", &url).navigation().from_page(page).ignoring_same_site();
        assert_eq!(get.send().await.status, 405);
    }
    assert!(world.is_logged_in(&browser).await);
    assert_eq!(world.provider.revocations(), 0);
}

/// Asked by a form, it leads on by itself; asked by nobody in particular, it leads home.
#[tokio::test]
async fn a_form_and_a_stranger_can_log_out() {
    let world = World::start().await;
    let browser = world.logged_in().await;
    let page = world.at("/");
    let form = browser.request("POST", &world.at("/auth/logout")).navigation().from_page(&page);
    let answer = form.form(&[]).send().await;
    assert_eq!(answer.status, 303);
    let link = answer.location().expect("a redirect");
    assert_eq!(link.path(), "/auth/logout");
    assert!(browser.settle(answer).await.url.as_str().starts_with(&page));
    assert_eq!(world.provider.logouts(), 1);

    let nobody = Browser::new();
    assert_eq!(log_out(&world, &nobody).await.json()["location"], "/");
}

/// A logout ends one session, not the same user's others.
#[tokio::test]
async fn other_sessions_of_the_user_live_on() {
    let world = World::start().await;
    let (here, there) = (world.logged_in().await, world.logged_in().await);
    log_out(&world, &here).await;
    assert_eq!(world.echo(&there).await.status, 200);
    eventually("the revocations", || world.provider.revocations() == 2).await;
    assert_eq!(world.provider.live_grants(), 1);
}

/// R30: an id without its secret half ends nothing.
#[tokio::test]
async fn half_a_cookie_ends_nothing() {
    let world = World::start().await;
    let browser = world.logged_in().await;
    let thief = browser.copy();
    let mut cookie = thief.jar().get("localhost", crate::world::COOKIE).expect("a session");
    let end = if cookie.value.ends_with('A') { 'B' } else { 'A' };
    cookie.value.pop();
    cookie.value.push(end);
    thief.jar().put(cookie);
    assert_login_required(&world.echo(&thief).await);
    log_out(&world, &thief).await;
    assert!(world.is_logged_in(&browser).await);
}

/// R33: all sessions of the user end, over a restart of the gateway, and nobody else's.
#[tokio::test]
async fn a_logout_everywhere_ends_what_was_begun_before_a_restart_r33() {
    let mut world = World::start().await;
    let (laptop, phone, lost) =
        (world.logged_in().await, world.logged_in().await, world.logged_in().await);
    let other = Browser::new();
    other.login(world.gateway.url(), USERS[1], PASSWORD, "/").await;
    world.gateway.restart().await;
    let answer = laptop.fetch("POST", &world.at("/auth/logout?everywhere=true")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(cookie(&laptop), None);
    for browser in [&phone, &lost] {
        assert_login_required(&world.echo(browser).await);
    }
    assert!(world.upstream.requests().is_empty());
    assert!(world.is_logged_in(&other).await);
    world.gateway.kill9().await;
    world.gateway.restart().await;
    assert_login_required(&world.echo(&phone).await);
    assert!(world.is_logged_in(&other).await);
    let log = world.gateway.log();
    assert!(log.contains("sessions ended: logout everywhere count=2"), "{log}");
    // It is for our own page alone, as any logout (R38), and by POST (R40).
    let url = world.at("/auth/logout?everywhere=true");
    assert_problem(
        &other.request("POST", &url).from_page("https://evil.example").send().await,
        403,
        "cross-site",
    );
    assert_problem(&other.fetch("GET", &url).await, 405, "method-not-allowed");
    assert!(world.is_logged_in(&other).await);
}
