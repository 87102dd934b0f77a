//! The callback: what comes back from the provider, from somebody who says so, or a second time
//! (R2, R4-R7). Refused means: a page, no session, and no token request.

use cloakroom_testkit::browser::Response;
use cloakroom_testkit::{Browser, Fault};

use crate::world::{COOKIE, PASSWORD, USERS, World, assert_login_required, cookie};

/// A login up to the redirect that leads back to the gateway, which is not followed yet.
pub(crate) async fn up_to_callback(world: &World, browser: &Browser) -> Response {
    let start = browser.navigate(&world.at("/auth/login")).await;
    let page = browser.follow(&start).await;
    let back = browser.submit(&page, &[("username", USERS[0]), ("password", PASSWORD)]).await;
    let callback = back.location().expect("a redirect to the callback");
    assert!(callback.as_str().starts_with(&world.at("/auth/callback/default?")), "{callback}");
    back
}

pub(crate) fn logins_under_way(browser: &Browser) -> usize {
    let cookies = browser.jar().of("localhost");
    cookies.iter().filter(|cookie| cookie.name.contains("-login-")).count()
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

async fn visit(browser: &Browser, url: impl AsRef<str>) -> Response {
    browser.request("GET", url.as_ref()).navigation().from_page("http://127.0.0.1:1").send().await
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
