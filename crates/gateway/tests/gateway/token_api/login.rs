//! The page's own login, and what follows from it.

use cloakroom_testkit::Browser;
use serde_json::{Value, json};

use super::{Shop, whole};
use crate::world::{COOKIE, PASSWORD, assert_login_required, assert_problem, cookie};

#[tokio::test]
async fn the_page_logs_in_as_ever_and_gets_no_token() {
    let shop = Shop::start().await;
    let browser = Browser::new();
    let answer = shop.log_in(&browser).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let user = json!({ "email": "anna@example.com", "name": "anna" });
    assert_eq!(answer.json(), json!({ "expiresIn": 300.0, "user": user }));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("content-length"), Some(answer.body.len().to_string().as_str()));
    let set: Vec<_> = answer.header_all("set-cookie");
    assert!(set.len() == 1 && set[0].starts_with(COOKIE) && set[0].contains("HttpOnly"), "{set:?}");

    let whoami = shop.whoami(&browser).await;
    assert_eq!(whoami.json()["sub"], "anna", "the session's token goes to the API");
    let session = shop.session(&browser).await;
    assert_eq!((&session["loggedIn"], &session["claims"]), (&json!(true), &user));
    assert!((290..=300).contains(&session["expiresIn"].as_u64().unwrap()), "{session}");
    let texts = [whole(&answer), session.to_string(), shop.gateway.log()];
    shop.assert_free_of_tokens(&texts.each_ref().map(String::as_str));
}

#[tokio::test]
async fn what_reaches_the_service_is_the_page_s_own_request() {
    let shop = Shop::start().await;
    let browser = shop.logged_in().await;
    let form = [("username", "anna"), ("password", PASSWORD)];
    let login = browser.request("POST", &shop.at("/api/login?from=menu")).form(&form);
    let answer = login.header("authorization", "Bearer kept").send().await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let requests = shop.service.requests();
    let [request] = &requests[..] else { panic!("one request") };
    assert_eq!(
        (request.method.as_str(), request.target.as_str()),
        ("POST", "/api/login?from=menu")
    );
    assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(request.header("accept-encoding"), Some("identity"));
    assert_eq!(request.header("authorization"), None, "no token goes along with a login");
    assert_eq!(request.header("cookie"), None, "nor a cookie of ours (R35)");
}

/// Nor a form of the answer in which nobody would find its tokens.
#[tokio::test]
async fn the_answer_is_asked_for_whole_and_in_json() {
    let shop = Shop::start().await;
    for (accept, asked) in [
        ("application/xml, text/html;q=0.5, */*;q=0.1", "application/json"),
        ("application/json, text/plain, */*", "application/json"),
        ("application/vnd.shop+json;v=2, application/xml", "application/vnd.shop+json;v=2"),
    ] {
        shop.service.forget();
        let login = Browser::new().request("POST", &shop.at("/api/login"));
        let login = login.json(&json!({ "username": "anna", "password": PASSWORD }));
        let login = login.header("accept", accept).header("range", "bytes=2-");
        let answer = login.header("if-range", "\"x\"").send().await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let requests = shop.service.requests();
        let [request] = &requests[..] else { panic!("one request") };
        assert_eq!(request.header("accept"), Some(asked));
        assert_eq!((request.header("range"), request.header("if-range")), (None, None));
    }
}

#[tokio::test]
async fn r31_a_new_login_has_a_new_id_and_destroys_the_old_session() {
    let shop = Shop::start().await;
    let browser = shop.logged_in().await;
    let (before, thief) = (cookie(&browser), browser.copy());
    shop.log_in_as(&browser, "ben", PASSWORD).await;
    assert_ne!(cookie(&browser), before);
    assert_eq!(shop.whoami(&browser).await.json()["sub"], "ben");
    assert_login_required(&shop.whoami(&thief).await);
    // One that nobody knows is not adopted.
    let planted = Browser::new();
    let login = planted.request("POST", &shop.at("/api/login"));
    let answer = login
        .json(&json!({ "username": "anna", "password": PASSWORD }))
        .header("cookie", &format!("{COOKIE}={}", before.as_deref().unwrap()))
        .send()
        .await;
    assert_eq!(answer.status, 200);
    assert!(cookie(&planted).is_some_and(|own| Some(own) != before));
}

#[tokio::test]
async fn a_failed_login_passes_untouched_and_ends_nothing() {
    let shop = Shop::start().await;
    let browser = shop.logged_in().await;
    let refused = shop.log_in_as(&browser, "anna", "wrong").await;
    assert_eq!(refused.status, 401);
    assert_eq!(refused.text(), r#"{"error":"wrong username or password"}"#);
    assert_eq!(refused.header("cloakroom-session"), None, "it is the service's own 401");
    assert!(refused.header_all("set-cookie").is_empty());
    assert!(shop.is_logged_in(&browser).await);
}

#[tokio::test]
async fn r38_another_site_logs_nobody_in() {
    let shop = Shop::configured(|config| config.set("route", "session = 'none'")).await;
    let victim = Browser::new();
    let login = victim.request("POST", &shop.at("/api/login")).navigation();
    let form = [("username", "ben"), ("password", PASSWORD)];
    let answer = login.from_page("https://evil.example").form(&form).send().await;
    assert_eq!(answer.status, 403, "whatever the route's rule: {answer:?}");
    assert!(shop.service.requests().is_empty() && cookie(&victim).is_none());
}

/// Some servers take a slash at the end, another case or an escape for the same path: so must we. This
/// service takes the escape alone, and the others are let through to its 404.
#[tokio::test]
async fn every_spelling_of_the_login_is_lifted() {
    let shop = Shop::start().await;
    for (path, status) in
        [("/api/%6cogin", 200), ("/api/login/", 404), ("/api/LOGIN", 404), ("/api/login.json", 404)]
    {
        let login = Browser::new().request("POST", &shop.at(path));
        let fields = json!({ "username": "anna", "password": PASSWORD });
        let answer = login.json(&fields).send().await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        assert_eq!(answer.problem(), None, "{path}");
        shop.assert_free_of_tokens(&[&whole(&answer)]);
    }
}

#[tokio::test]
async fn only_its_post_is_the_login() {
    let shop = Shop::start().await;
    assert_login_required(&Browser::new().fetch("GET", &shop.at("/api/login")).await);
    assert_login_required(&Browser::new().fetch("POST", &shop.at("/api/login/otp")).await);
    assert!(shop.service.requests().is_empty());
}

#[tokio::test]
async fn the_control_login_says_that_the_application_logs_in() {
    let shop = Shop::start().await;
    let browser = Browser::new();
    for path in ["/auth/login", "/auth/login?provider=shop"] {
        let page = browser.navigate(&shop.at(path)).await;
        assert_eq!(page.status, 400, "{page:?}");
        assert!(page.text().contains("login-in-app"), "{page:?}");
    }
    let answer = browser.navigate(&shop.at("/auth/callback/shop?state=x&code=y")).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    let protected = browser.navigate(&shop.at("/api/whoami")).await;
    assert_eq!(protected.status, 401, "there is no page to lead to");
    assert_problem(&shop.whoami(&browser).await, 401, "login-required");
}

#[tokio::test]
async fn a_placeholder_stands_for_the_tokens_and_opens_nothing() {
    let shop =
        Shop::configured(|config| config.set("provider", "placeholder = 'kept-by-cloakroom'"))
            .await;
    let browser = Browser::new();
    let answer = shop.log_in(&browser).await.json();
    assert_eq!(
        (&answer["token"], &answer["refreshToken"]),
        (&json!("kept-by-cloakroom"), &json!("kept-by-cloakroom"))
    );
    let call = browser.request("GET", &shop.at("/api/whoami"));
    let whoami = call.header("authorization", "Bearer kept-by-cloakroom").send().await;
    assert_eq!(whoami.json()["sub"], "anna", "it counts as a request with the cookie");
    let stolen = Browser::new().request("GET", &shop.at("/api/whoami"));
    let stolen = stolen.header("authorization", "Bearer kept-by-cloakroom").send().await;
    assert_login_required(&stolen);
}

#[tokio::test]
async fn the_token_goes_by_the_header_that_the_api_wants() {
    let shop = Shop::configured(|config| {
        config
            .set("route", "token_header = 'X-Access-Token'\ntoken_scheme = ''")
            .route("/api/echo", "token_scheme = 'Token'\nsession = 'optional'")
            .route("/api/echo/own", "token_header = 'X-Access-Token'\nsession = 'optional'")
    })
    .await;
    let browser = shop.logged_in().await;
    let call = browser.request("GET", &shop.at("/api/whoami")).header("x-access-token", "mine");
    assert_eq!(call.send().await.json()["sub"], "anna");
    let echo = browser.fetch("GET", &shop.at("/api/echo")).await.json();
    let value = echo["headers"]["authorization"][0].as_str().unwrap();
    assert!(value.starts_with("Token ey"), "{value}");
    assert_eq!(echo["headers"]["x-access-token"], Value::Null);
    // Without a session nothing of the client's goes on under that name.
    for (path, name) in [("/api/echo", "authorization"), ("/api/echo/own", "x-access-token")] {
        let stranger = Browser::new().request("GET", &shop.at(path));
        let echo = stranger.header(name, "Token mine").send().await.json();
        assert_eq!(echo["headers"][name], Value::Null);
    }
}
