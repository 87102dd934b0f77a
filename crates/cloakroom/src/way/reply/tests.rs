use cloakroom_core::cookie::{CookieName, ReservedNames};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use cloakroom_core::origin::PublicOrigin;

use super::{clean, keep_private, secure, set_cookies, token_rejected};
use crate::settings::Hsts;

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, HeaderValue::from_static(value));
    }
    headers
}

#[test]
fn r35_an_upstream_sets_no_cookie_of_ours_and_no_mark() {
    let mut answer = headers(&[
        ("set-cookie", "__Host-session=stolen; Path=/"),
        ("set-cookie", "__Host-session-login-abc=x"),
        ("set-cookie", "theme=dark"),
        ("cloakroom-session", "started"),
        ("cloakroom-expires-in", "300"),
        ("clear-site-data", "\"cache\", \"cookies\""),
    ]);
    clean(&mut answer, &ReservedNames::new([CookieName::host("session").unwrap()]));
    let cookies: Vec<_> = answer.get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["theme=dark"]);
    for mark in ["cloakroom-session", "cloakroom-expires-in"] {
        assert!(!answer.contains_key(mark), "{mark}");
    }
    assert!(!answer.contains_key("clear-site-data"), "it would delete our cookie");
    let mut harmless = headers(&[("clear-site-data", "\"cache\"")]);
    clean(&mut harmless, &ReservedNames::new([CookieName::host("session").unwrap()]));
    assert!(harmless.contains_key("clear-site-data"));
}

#[test]
fn only_a_bearer_challenge_for_an_invalid_token_marks_a_401() {
    let challenge = |value| headers(&[("www-authenticate", value)]);
    let expired = challenge("Bearer realm=\"api\", error=\"invalid_token\"");
    assert!(token_rejected(StatusCode::UNAUTHORIZED, &expired));
    assert!(!token_rejected(StatusCode::FORBIDDEN, &expired));
    assert!(!token_rejected(StatusCode::UNAUTHORIZED, &headers(&[])));
    assert!(!token_rejected(StatusCode::UNAUTHORIZED, &challenge("Bearer realm=\"api\"")));
    assert!(!token_rejected(StatusCode::UNAUTHORIZED, &challenge("Basic realm=\"api\"")));
}

#[test]
fn r44_an_answer_made_with_a_token_stays_out_of_shared_caches() {
    let after = |pairs: &[(&'static str, &'static str)]| {
        let mut answer = headers(pairs);
        keep_private(&mut answer);
        let values: Vec<_> = answer.get_all("cache-control").iter().cloned().collect();
        values
    };
    assert_eq!(after(&[]), ["private"]);
    assert_eq!(after(&[("cache-control", "max-age=60")]), ["max-age=60", "private"]);
    assert_eq!(after(&[("cache-control", "no-store")]), ["no-store"]);
    assert_eq!(after(&[("cache-control", "public, max-age=60")]), ["public, max-age=60"]);
}

#[test]
fn r45_r70_security_headers_are_added_where_the_upstream_set_none() {
    let strict = HeaderValue::from_static("max-age=31536000");
    let mut answer = headers(&[
        ("content-security-policy", "default-src 'self'"),
        ("strict-transport-security", "max-age=0"),
    ]);
    secure(&mut answer, Some(&strict));
    assert_eq!(answer.get("content-security-policy").unwrap(), "default-src 'self'");
    assert_eq!(answer.get("x-content-type-options").unwrap(), "nosniff");
    assert_eq!(answer.get("strict-transport-security").unwrap(), strict);
    let policy = |strict| {
        let mut headers = HeaderMap::new();
        secure(&mut headers, strict);
        assert_eq!(headers.contains_key("strict-transport-security"), strict.is_some());
        headers["content-security-policy"].to_str().unwrap().to_owned()
    };
    let (plain, tls) = (policy(None), policy(Some(&strict)));
    assert!(plain.contains("frame-ancestors 'none'") && !plain.contains("upgrade-insecure"));
    assert!(tls.contains("frame-ancestors 'none'") && tls.ends_with("; upgrade-insecure-requests"));
}

/// HSTS knows no ports: on loopback it would shut out whatever else is served there by http.
#[test]
fn r70_strict_transport_is_said_over_https_alone_and_never_on_loopback() {
    let year = Hsts::default();
    let all = Hsts { include_subdomains: true, preload: true, ..year };
    let rows = [
        (year, "https://shop.example.com", Some("max-age=31536000")),
        (
            all,
            "https://shop.example.com:8443",
            Some("max-age=31536000; includeSubDomains; preload"),
        ),
        (all, "https://localhost:8443", None),
        (all, "https://shop.localhost", None),
        (all, "https://127.0.0.1", None),
        (all, "http://localhost:8080", None),
    ];
    for (hsts, public, value) in rows {
        let origin = PublicOrigin::new(&public.parse().unwrap()).unwrap();
        assert_eq!(
            hsts.value(&origin).as_ref().map(|value| value.to_str().unwrap()),
            value,
            "{public}"
        );
    }
}

#[test]
fn r44_no_cache_keeps_an_answer_with_our_cookies_whatever_it_goes_by() {
    let mut answer = headers(&[
        ("cache-control", "public, max-age=3600"),
        ("cdn-cache-control", "max-age=3600"),
        ("x-vendor-cdn-cache-control", "max-age=3600"),
        ("surrogate-control", "max-age=3600"),
        ("edge-control", "max-age=3600"),
        ("x-accel-expires", "3600"),
        ("etag", "\"1\""),
    ]);
    let before = answer.clone();
    set_cookies(&mut answer, Vec::new());
    assert_eq!(answer, before);
    set_cookies(&mut answer, vec![HeaderValue::from_static("__Host-session=x")]);
    let names: Vec<_> = answer.keys().map(HeaderName::as_str).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    assert_eq!(answer.get("cache-control").unwrap(), "no-store");
}
