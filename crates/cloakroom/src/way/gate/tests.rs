use std::sync::Arc;

use cloakroom_core::{cookie::CookieName, origin::PublicOrigin};
use http::{HeaderMap, HeaderName, HeaderValue, Request};

use super::{Admitted, admit};
use crate::{reason::Reason, refusal::Refusal};

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.append(name, HeaderValue::from_str(value).unwrap());
    }
    headers
}

fn try_admit(target: &str, headers: &mut HeaderMap) -> Result<Admitted, Refusal> {
    let public = PublicOrigin::new(&"https://shop.example.com".parse().unwrap()).unwrap();
    let public = [Arc::new(public)];
    let (mut parts, ()) = Request::get(target).body(()).unwrap().into_parts();
    parts.headers = std::mem::take(headers);
    let admitted = admit(&mut parts, &public, &CookieName::host("session").unwrap());
    *headers = parts.headers;
    admitted
}

fn refused(target: &str, pairs: &[(&str, &str)]) -> Option<Reason> {
    try_admit(target, &mut headers(pairs)).err().map(|refusal| refusal.reason())
}

fn cleaned(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut headers = headers(&[&[("host", "shop.example.com")], pairs].concat());
    try_admit("/api", &mut headers).expect("a legal request");
    headers
}

#[test]
fn r67_only_the_public_host_once() {
    assert_eq!(refused("/", &[("host", "shop.example.com")]), None);
    assert_eq!(refused("/", &[("host", "SHOP.example.com:443")]), None);
    assert_eq!(refused("https://shop.example.com/", &[("host", "shop.example.com")]), None);
    let wrong = Some(Reason::WrongHost);
    assert_eq!(refused("/", &[("host", "evil.example")]), wrong);
    assert_eq!(refused("/", &[("host", "shop.example.com:8443")]), wrong);
    assert_eq!(refused("/", &[("host", "shop.example.com.evil.example")]), wrong);
    let bad = Some(Reason::BadRequest);
    assert_eq!(refused("/", &[]), bad);
    assert_eq!(refused("https://shop.example.com/", &[]), bad, "HTTP/1.1 must say it");
    assert_eq!(refused("/", &[("host", "shop.example.com"), ("host", "shop.example.com")]), bad);
    assert_eq!(refused("https://evil.example/", &[("host", "shop.example.com")]), bad);
}

#[test]
fn r62_the_path_comes_out_in_normal_form_or_not_at_all() {
    let mut legal = headers(&[("host", "shop.example.com")]);
    let admitted = try_admit("/%61pi/x?q=%2e", &mut legal).unwrap();
    assert_eq!(admitted.target(), "/api/x?q=%2e");
    let host = [("host", "shop.example.com")];
    for path in ["/public/..;/admin", "/a/%2e%2e/b", "/a/%252e%252e/b", "//a", "/a%5cb", "/a%2fb"] {
        assert_eq!(refused(path, &host), Some(Reason::BadPath), "{path}");
    }
}

#[test]
fn r63_what_only_a_proxy_may_say_is_dropped_and_the_rest_stays() {
    let kept = [("accept", "*/*"), ("x-csrf", "1"), ("content-type", "text/plain")];
    let dropped = [
        ("authorization", "Bearer mine"),
        ("proxy-authorization", "Basic x"),
        ("dpop", "x"),
        ("forwarded", "for=1.2.3.4"),
        ("x-forwarded-for", "1.2.3.4"),
        ("x-forwarded-host", "evil"),
        ("x-forwarded-user", "admin"),
        ("x-forwarded-uri", "/admin"),
        ("x_forwarded_user", "admin"),
        ("x_user", "admin"),
        ("x-real-ip", "1.2.3.4"),
        ("x-original-url", "/admin"),
        ("x-rewrite-url", "/admin"),
        ("x-remote-user", "admin"),
        ("remote-user", "admin"),
        ("x-auth-request-email", "admin@example.com"),
        ("x-webauth-user", "admin"),
        ("x-http-method-override", "DELETE"),
        ("x-request-id", "forged"),
        ("cloakroom-session", "expired"),
        ("cloakroom-expires-in", "300"),
    ];
    let headers = cleaned(&[&kept[..], &dropped[..]].concat());
    for (name, _) in dropped {
        assert!(!headers.contains_key(name), "{name} came through");
    }
    for (name, value) in kept {
        assert_eq!(headers.get(name).unwrap(), value);
    }
}

#[test]
fn r64_connection_tokens_are_dropped_before_anything_is_injected() {
    let headers = cleaned(&[
        ("connection", "close, x-internal, authorization, cookie, origin, sec-fetch-site"),
        ("x-internal", "1"),
        ("cookie", "a=b"),
        ("origin", "https://evil.example"),
        ("sec-fetch-site", "cross-site"),
    ]);
    assert!(!headers.contains_key("x-internal") && !headers.contains_key("connection"));
    for judged in ["cookie", "origin", "sec-fetch-site"] {
        assert!(headers.contains_key(judged), "{judged} was wished away");
    }
}

#[test]
fn r43_an_upgrade_keeps_just_what_it_needs() {
    let headers = cleaned(&[("connection", "keep-alive, Upgrade"), ("upgrade", "websocket")]);
    assert_eq!(headers.get("connection").unwrap(), "upgrade");
    assert_eq!(headers.get("upgrade").unwrap(), "websocket");
    let headers = cleaned(&[("upgrade", "h2c")]);
    assert!(!headers.contains_key("upgrade"), "an upgrade nobody asked to be forwarded");
}

#[test]
fn r71_a_cookie_bomb_is_a_431_with_a_way_back() {
    let bomb = "x".repeat(17 * 1024);
    let mut large = headers(&[("host", "shop.example.com"), ("cookie", &format!("a={bomb}"))]);
    let refusal = try_admit("/", &mut large).unwrap_err();
    assert_eq!(refusal.reason(), Reason::HeadersTooLarge);
    let response = refusal.into_response::<()>(&Default::default(), false);
    assert_eq!(response.headers().get("clear-site-data").unwrap(), "\"cookies\"");
    let many = vec!["a=b"; 201].join("; ");
    let host = ("host", "shop.example.com");
    assert_eq!(refused("/", &[host, ("cookie", &many)]), Some(Reason::HeadersTooLarge));
    let header = "x".repeat(49 * 1024);
    assert_eq!(refused("/", &[host, ("x-large", &header)]), Some(Reason::HeadersTooLarge));
}

#[test]
fn r21_logins_that_pile_up_are_forgotten_and_nothing_else_is() {
    let login = |n: usize| format!("__Host-session-login-aaaaaaa{n}={}", "x".repeat(2000));
    let logins: Vec<_> = (0..9).map(login).collect();
    let cookies = format!("{}; __Host-session=abc; theme=dark", logins.join("; "));
    let mut headers = headers(&[("host", "shop.example.com"), ("cookie", &cookies)]);
    let refusal = try_admit("/", &mut headers).unwrap_err();
    let response = refusal.into_response::<()>(&Default::default(), false);
    assert_eq!(response.status().as_u16(), 431);
    assert!(!response.headers().contains_key("clear-site-data"), "the session would go too");
    let expired: Vec<_> = response.headers().get_all("set-cookie").iter().collect();
    assert_eq!(expired.len(), 9);
    let gone = |value: &&HeaderValue| {
        let text = value.to_str().unwrap();
        text.starts_with("__Host-session-login-") && text.contains("Max-Age=0")
    };
    assert!(expired.iter().all(gone));
}

#[test]
fn r65_no_transfer_coding_but_chunked() {
    let host = ("host", "shop.example.com");
    assert_eq!(refused("/", &[host, ("transfer-encoding", "chunked")]), None);
    for codings in [&["gzip, chunked"][..], &["identity", "chunked"], &["chunked", "chunked"]] {
        let mut pairs = vec![host];
        pairs.extend(codings.iter().map(|coding| ("transfer-encoding", *coding)));
        assert_eq!(refused("/", &pairs), Some(Reason::BadRequest), "{codings:?}");
    }
}
