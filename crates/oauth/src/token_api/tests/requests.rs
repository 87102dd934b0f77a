//! Our own requests, and what the answers mean.

use http::{HeaderMap, HeaderName, StatusCode, header::AUTHORIZATION};

use super::{ACCESS, REFRESH, pointers, tokens, usual};
use crate::{
    TokenErrorKind,
    token_api::{
        BodyTemplate, Pointer, Refresh, RequestTemplate, RequestTemplateError, Template, TokenApi,
        judge_refresh_answer,
    },
};

const URL: &str = "http://127.0.0.1:3000/api/refresh?v=1";

fn template(text: &str) -> Template {
    Template::parse(text).unwrap()
}

fn members(text: &str) -> Vec<(String, Template)> {
    vec![("refreshToken".to_owned(), template(text)), ("kind".to_owned(), template("a b&c"))]
}

#[test]
fn a_request_has_the_shape_that_was_asked_for() {
    let set = tokens("a.b+c", Some("r/\"\\&="));
    let bearer = vec![(AUTHORIZATION, template("Bearer {access_token}"))];
    let json = BodyTemplate::Json(members("<{refresh_token}>"));
    let request = RequestTemplate::new(URL, bearer, json).unwrap();
    assert!(request.takes_refresh_token());
    let request = request.request(&set).unwrap();
    assert_eq!((request.method().as_str(), request.uri().to_string().as_str()), ("POST", URL));
    assert_eq!(request.headers()["authorization"], "Bearer a.b+c");
    assert_eq!(request.headers()["content-type"], "application/json");
    assert_eq!(request.headers()["accept-encoding"], "identity");
    assert_eq!(&request.body()[..], br#"{"refreshToken":"<r/\"\\&=>","kind":"a b&c"}"#);
    assert!(!format!("{request:?}").contains("a.b+c"), "a header with a token is sensitive");

    let form = BodyTemplate::Form(members("{refresh_token}"));
    let request = RequestTemplate::new(URL, vec![], form).unwrap().request(&set).unwrap();
    assert_eq!(request.headers()["content-type"], "application/x-www-form-urlencoded");
    assert_eq!(&request.body()[..], b"refreshToken=r%2F%22%5C%26%3D&kind=a+b%26c");

    let headers = vec![(HeaderName::from_static("x-refresh"), template("{refresh_token}"))];
    let request = RequestTemplate::new(URL, headers, BodyTemplate::Empty).unwrap();
    assert!(request.takes_refresh_token());
    let without = tokens("a", None);
    assert!(request.request(&without).is_none(), "a token that there is not is not asked for");
    let request = request.request(&set).unwrap();
    assert!(request.body().is_empty() && !request.headers().contains_key("content-type"));
}

#[test]
fn r69_tokens_go_over_tls_or_to_this_machine() {
    use RequestTemplateError as Fault;
    let check = |url: &str| RequestTemplate::new(url, vec![], BodyTemplate::Empty).err();
    for good in ["https://api.example.com/refresh", "http://localhost:3000/", "http://[::1]/x"] {
        assert_eq!(check(good), None, "{good}");
    }
    for (bad, fault) in [
        ("/api/refresh", Fault::NotAUrl),
        ("ftp://api.example.com/", Fault::NotAUrl),
        ("http://api.example.com/refresh", Fault::NotHttps),
        ("http://api.localhost/refresh", Fault::NotHttps),
        ("https://user@api.example.com/", Fault::MoreThanEndpoint),
        ("https://api.example.com/#x", Fault::MoreThanEndpoint),
    ] {
        assert_eq!(check(bad), Some(fault), "{bad}");
    }
    let header = |name: &'static str, text: &str| {
        let headers = vec![(HeaderName::from_static(name), template(text))];
        RequestTemplate::new(URL, headers, BodyTemplate::Empty).err()
    };
    assert!(matches!(header("content-length", "1"), Some(Fault::ReservedHeader(_))));
    assert!(matches!(header("x-a", "a\r\nb: c"), Some(Fault::HeaderText(_))));
    for bad in ["{token}", "{", "}", "{{access_token}}", "a{refresh_token"] {
        Template::parse(bad).unwrap_err();
    }
}

#[test]
fn r15_what_the_answer_to_a_refresh_means() {
    let judge = |status: u16, body: &str| {
        let status = StatusCode::from_u16(status).unwrap();
        judge_refresh_answer(status, &HeaderMap::new(), body.as_bytes(), &usual())
    };
    let good = format!(r#"{{"token":"{ACCESS}","refreshToken":"{REFRESH}","expiresIn":60}}"#);
    for status in [200, 201] {
        let lifted = judge(status, &good).unwrap();
        assert_eq!(lifted.access_token.expose(), ACCESS);
        assert_eq!(lifted.refresh_token.unwrap().expose(), REFRESH);
    }
    use TokenErrorKind::{ClientRefused, InvalidGrant, Outage};
    for (status, body, kind) in [
        (400, "", InvalidGrant),
        (401, "{}", InvalidGrant),
        (403, good.as_str(), InvalidGrant),
        (404, "", ClientRefused),
        (415, "", ClientRefused),
        (422, "", ClientRefused),
        (408, "", Outage),
        (429, "", Outage),
        (500, "", Outage),
        (503, good.as_str(), Outage),
        (302, "", Outage),
        (200, "<html>", Outage),
        (200, "{}", Outage),
        (200, r#"{"token":7}"#, Outage),
        (204, "", Outage),
    ] {
        assert_eq!(judge(status, body).unwrap_err().kind(), kind, "{status} {body}");
    }
    let slow = [("retry-after", "7")].map(|(name, value)| {
        (HeaderName::from_static(name), http::HeaderValue::from_static(value))
    });
    let headers = HeaderMap::from_iter(slow);
    let busy = judge_refresh_answer(StatusCode::SERVICE_UNAVAILABLE, &headers, b"", &usual());
    assert_eq!(busy.unwrap_err().retry_after().unwrap().as_secs(), 7);
}

#[test]
fn the_page_s_own_refresh_gets_the_shape_of_the_service_s_answer() {
    let request = RequestTemplate::new(URL, vec![], BodyTemplate::Empty).unwrap();
    let deep = pointers("/data/access", Some("/data/refresh"), Some("/data/expires"));
    let mut api = TokenApi {
        login_path: "/api/login".to_owned(),
        tokens: usual(),
        claims: Some(Pointer::parse("/user").unwrap()),
        placeholder: Some("kept".to_owned()),
        refresh: Some(Refresh { request, tokens: deep, path: None }),
        logout: None,
    };
    assert_eq!(
        api.refresh_answer(Some(60)).to_string(),
        r#"{"data":{"access":"kept","refresh":"kept","expires":60}}"#
    );
    api.placeholder = None;
    assert_eq!(api.refresh_answer(None).to_string(), "{}");
    api.refresh = None;
    assert_eq!(api.refresh_answer(Some(5)).to_string(), r#"{"expiresIn":5}"#);
    assert_eq!(api.issuer("shop"), "token_api:shop:/api/login");
}
