//! Ways by which a token could reach the page beside the place in a login's answer where it is expected.

use cloakroom_testkit::Browser;
use cloakroom_testkit::login_service::{Answer, Issued};
use serde_json::json;

use super::answers::{body, with_header};
use super::{Shop, whole};
use crate::world::{PASSWORD, assert_problem, cookie};

/// What the page sends, in the query too for methods without a body.
const LOGINS: [&str; 2] = [
    "/api/login?username=anna&password=open%20sesame",
    "/api/%6cogin?username=anna&password=open%20sesame",
];

#[tokio::test]
async fn a_service_that_answers_any_method_hands_no_token_to_the_page() {
    let shop = Shop::start().await;
    let browser = shop.logged_in().await;
    let fields = json!({ "username": "anna", "password": PASSWORD });
    for path in LOGINS {
        for method in ["PUT", "PATCH", "DELETE", "GET"] {
            shop.service.forget();
            let request = browser.request(method, &shop.at(path));
            let request = if method == "GET" { request } else { request.json(&fields) };
            let range = request.header("range", "bytes=2-").header("accept-encoding", "zstd");
            let refused = range.send().await;
            assert_problem(&refused, 502, "login-answer-unusable");
            shop.assert_free_of_tokens(&[&whole(&refused), &shop.gateway.log()]);
            let requests = shop.service.requests();
            let [request] = &requests[..] else { panic!("one request") };
            assert!(request.header("authorization").is_some(), "with its session, as ever");
            let asked = (request.header("range"), request.header("accept-encoding"));
            assert_eq!(asked, (None, Some("identity")), "{method}");
        }
    }
    assert!(shop.gateway.log().contains("is no POST"), "{}", shop.gateway.log());
    assert!(shop.is_logged_in(&browser).await);
    let cases: [fn(&Issued) -> Answer; 4] = [
        |issued| body(format!("{{\"refreshToken\":\"{}\"}}", issued.refresh_token)),
        |issued| body(format!("{{\"token\":\"{}\"", issued.access_token)),
        |issued| with_header(body(issued.answer.to_string()), "content-type", "text/html"),
        |_| with_header(body("{}"), "content-encoding", "zstd"),
    ];
    for answer in cases {
        shop.service.answer_logins(answer);
        let refused = browser.fetch("GET", &shop.at(LOGINS[0])).await;
        assert_problem(&refused, 502, "login-answer-unusable");
        shop.assert_free_of_tokens(&[&whole(&refused)]);
    }
}

#[tokio::test]
async fn what_else_is_at_the_login_s_path_passes_untouched() {
    let shop = Shop::start().await;
    let browser = shop.logged_in().await;
    let cases: [fn(&Issued) -> Answer; 6] = [
        |_| body("{ \"captcha\" : true }"),
        |_| with_header(body("<input name=\"token\">"), "content-type", "text/html"),
        |_| with_header(body("f({token:1})"), "content-type", "text/javascript"),
        |_| with_header(body("\u{1}eyJ"), "content-type", "image/png"),
        |_| with_header(body("data: 1\n\n"), "content-type", "text/event-stream"),
        |_| Answer { status: Some(204), ..Answer::default() },
    ];
    let issued = Issued {
        access_token: String::new(),
        refresh_token: String::new(),
        answer: serde_json::Value::Null,
    };
    for answer in cases {
        shop.service.answer_logins(answer);
        let passed = browser.fetch("GET", &shop.at(LOGINS[0])).await;
        assert!(passed.status.is_success(), "{passed:?}");
        assert_eq!(passed.body, answer(&issued).body, "{passed:?}");
    }
    shop.service.heal();
    let wrong = browser.fetch("GET", &shop.at("/api/login")).await;
    assert_eq!((wrong.status.as_u16(), wrong.problem()), (401, None), "its own errors too");
}

/// The service's answer with an ID Token too, in a header once more.
fn with_id_token(issued: &Issued) -> Answer {
    let mut answer = issued.answer.clone();
    answer["id_token"] = json!(ID_TOKEN);
    with_header(body(answer.to_string()), "x-id", ID_TOKEN)
}

const ID_TOKEN: &str = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm5hIn0.AAAA";

#[tokio::test]
async fn other_tokens_are_lifted_too_and_dropped() {
    let tokens =
        "tokens = { access = '/token', refresh = '/refreshToken', others = ['/id_token'] }";
    for placeholder in [None, Some("kept")] {
        let shop = Shop::configured(|config| {
            let config = config.set("provider", tokens);
            match placeholder {
                Some(text) => config.set("provider", &format!("placeholder = '{text}'")),
                None => config,
            }
        })
        .await;
        shop.service.answer_logins(with_id_token);
        let browser = Browser::new();
        let answer = shop.log_in(&browser).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(!whole(&answer).contains(ID_TOKEN), "{answer:?}");
        assert_eq!(answer.json().get("id_token"), placeholder.map(|text| json!(text)).as_ref());
        assert_eq!(shop.whoami(&browser).await.json()["sub"], "anna");
        let log = shop.gateway.log();
        assert!(!log.contains("shaped like a JWT") && !log.contains(ID_TOKEN), "{log}");
        // Without an access token it is refused, and not handed to the page.
        shop.service.answer_logins(|_| body(format!("{{\"id_token\":\"{ID_TOKEN}\"}}")));
        assert_problem(&shop.log_in(&Browser::new()).await, 502, "login-answer-unusable");
    }
}

#[tokio::test]
async fn a_jwt_that_is_left_in_the_answer_is_a_warning() {
    let shop = Shop::start().await;
    shop.log_in(&Browser::new()).await;
    assert!(!shop.gateway.log().contains("shaped like a JWT"));
    shop.service.answer_logins(with_id_token);
    let answer = shop.log_in(&Browser::new()).await;
    assert!(answer.text().contains(ID_TOKEN), "nobody said that it is one: {answer:?}");
    let log = shop.gateway.log();
    assert!(log.contains("shaped like a JWT") && log.contains("tokens.others"), "{log}");
    assert!(!log.contains(ID_TOKEN));
}

#[tokio::test]
async fn a_cookie_of_the_service_s_own_in_place_of_a_refresh_token_is_a_warning_once() {
    let shop = Shop::start().await;
    shop.service.answer_logins(|issued| {
        let token = &issued.access_token;
        let answer = body(format!("{{\"token\":\"{token}\"}}"));
        with_header(answer, "set-cookie", "theme=dark; Path=/")
    });
    shop.log_in(&Browser::new()).await;
    let warnings = || shop.gateway.log().matches("an HttpOnly cookie of its own").count();
    assert_eq!(warnings(), 0);
    let own = "rt=secret-of-the-service; Path=/api; httponly";
    shop.service
        .answer_logins(|issued| with_header(body(issued.answer.to_string()), "set-cookie", own));
    let refreshing = Browser::new();
    shop.log_in(&refreshing).await;
    assert_eq!(warnings(), 0, "the refresh token is lifted: the cookie is another");
    shop.service.answer_logins(|issued| {
        let answer = body(format!("{{\"token\":\"{}\"}}", issued.access_token));
        with_header(answer, "set-cookie", own)
    });
    shop.log_in(&refreshing).await;
    assert_eq!(warnings(), 0, "the cookie replaces one: a refresh that is known as a login");
    for _ in 0..2 {
        let browser = Browser::new();
        assert_eq!(shop.log_in(&browser).await.header_all("set-cookie").len(), 2);
        assert!(shop.is_logged_in(&browser).await);
    }
    assert_eq!(warnings(), 1, "{}", shop.gateway.log());
    assert!(!shop.gateway.log().contains("secret-of-the-service"));
}

#[tokio::test]
async fn a_redirect_that_carries_a_token_is_refused() {
    let shop = Shop::start().await;
    let redirect = |location: &'static str| {
        shop.service.answer_logins(move |issued| {
            let location = location.replace("JWT", &issued.access_token);
            let location = location.replace("OPAQUE", &issued.refresh_token);
            let answer = Answer { status: Some(303), ..Answer::default() };
            with_header(answer, "location", &location)
        });
    };
    for location in [
        "/done#JWT",
        "/done?a=1&x=JWT",
        "/done?x=%65yJhbGciOiJIUzI1NiJ9.e30.AAAA",
        "/done?refreshToken=OPAQUE",
        "/done?a=1;refreshToken=OPAQUE",
        "/done#a=1&refreshToken=OPAQUE",
        "https://shop.example/#/done?token=OPAQUE",
        "/done?%74oken=OPAQUE",
    ] {
        redirect(location);
        let browser = Browser::new();
        let refused = shop.log_in(&browser).await;
        assert_problem(&refused, 502, "login-answer-unusable");
        shop.assert_free_of_tokens(&[&whole(&refused), &shop.gateway.log()]);
        assert!(cookie(&browser).is_none(), "{location}");
    }
    assert!(shop.gateway.log().contains("redirect"), "{}", shop.gateway.log());
    for location in ["/done", "/done?from=login&tokens=no", "/token/refreshToken?next=%2Ftoken"] {
        redirect(location);
        let passed = shop.log_in(&Browser::new()).await;
        assert_eq!((passed.status.as_u16(), passed.header("location")), (303, Some(location)));
    }
}
