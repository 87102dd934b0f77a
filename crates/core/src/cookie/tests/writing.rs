//! What we set, and what an upstream may not.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, header::SET_COOKIE};

use super::{
    super::{
        Attributes, CookieDomain, CookieName, CookiePath, Lifetime, MAX_LIFETIME, Prefix, SameSite,
        SetCookieError, drop_reserved_set_cookies, expire, set, set_readable,
    },
    ours, session,
};

fn lax() -> Attributes {
    Attributes::host(SameSite::Lax, Lifetime::BrowserSession)
}

fn text(header: &HeaderValue) -> &str {
    header.to_str().unwrap()
}

#[test]
fn every_cookie_has_its_attributes_r19() {
    let header = set(&session(), "aZ09-_", &lax()).unwrap();
    assert_eq!(text(&header), "__Host-session=aZ09-_; Path=/; Secure; HttpOnly; SameSite=Lax");
    let week = Lifetime::MaxAge(Duration::from_secs(604_800));
    let strict = set(&session(), "x", &Attributes::host(SameSite::Strict, week)).unwrap();
    assert_eq!(
        text(&strict),
        "__Host-session=x; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=604800"
    );
    assert_eq!(
        text(&expire(&session(), &lax())),
        "__Host-session=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"
    );
}

/// R19, R20: what the prefix promises is kept, or nothing is written.
#[test]
fn a_prefix_bound_to_the_host_takes_no_domain_and_no_path_r20() {
    let domain = Attributes { domain: Some(CookieDomain::parse("example.com").unwrap()), ..lax() };
    let path = Attributes { path: CookiePath::parse("/auth/refresh").unwrap(), ..lax() };
    for prefix in [Prefix::Host, Prefix::HostHttp] {
        let name = CookieName::new(prefix, "session").unwrap();
        assert_eq!(set(&name, "x", &domain), Err(SetCookieError::Prefix));
        assert_eq!(set(&name, "x", &path), Err(SetCookieError::Prefix));
        assert!(set(&name, "x", &lax()).is_ok());
    }
    let secure = CookieName::new(Prefix::Secure, "session").unwrap();
    assert_eq!(
        text(&set(&secure, "x", &domain).unwrap()),
        "__Secure-session=x; Path=/; Secure; HttpOnly; SameSite=Lax; Domain=example.com"
    );
    assert_eq!(
        text(&expire(&secure, &path)),
        "__Secure-session=; Path=/auth/refresh; Secure; HttpOnly; SameSite=Lax; Max-Age=0"
    );
}

#[test]
fn a_readable_cookie_is_still_secure_and_never_http_only_by_name() {
    let name = CookieName::parse("XSRF-TOKEN").unwrap();
    let header = set_readable(&name, "x", &lax()).unwrap();
    assert_eq!(text(&header), "XSRF-TOKEN=x; Path=/; Secure; SameSite=Lax");
    let hidden = CookieName::new(Prefix::HostHttp, "token").unwrap();
    assert_eq!(set_readable(&hidden, "x", &lax()), Err(SetCookieError::Prefix));
}

#[test]
fn a_domain_is_a_host_name_of_two_labels_r20() {
    for (text, kept) in [
        ("example.com", "example.com"),
        ("Shop.EXAMPLE.com", "shop.example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("shop.localhost", "shop.localhost"),
    ] {
        assert_eq!(CookieDomain::parse(text).unwrap().as_str(), kept);
    }
    for text in [
        "",
        "com",
        "localhost",
        ".example.com",
        "example.com.",
        "example..com",
        "127.0.0.1",
        "[::1]",
        "a b.com",
        "a_b.com",
        "example.com; Path=/x",
        "example.com:443",
        "*.example.com",
    ] {
        assert!(CookieDomain::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn a_domain_covers_itself_and_what_is_below() {
    let domain = CookieDomain::parse("example.com").unwrap();
    for host in ["example.com", "EXAMPLE.com", "shop.example.com", "a.b.example.com"] {
        assert!(domain.covers(host), "{host}");
    }
    for host in ["com", "notexample.com", "example.com.evil", "example.org", "", "éexample.com"] {
        assert!(!domain.covers(host), "{host}");
    }
}

#[test]
fn a_path_cannot_end_its_attribute() {
    for path in ["/", "/auth/refresh", "/a%20b"] {
        assert_eq!(CookiePath::parse(path).unwrap().as_str(), path);
    }
    let long = format!("/{}", "x".repeat(1024));
    for path in ["", "auth", "/a;b", "/a b", "/a\r\n", "/é", long.as_str()] {
        assert!(CookiePath::parse(path).is_err(), "{path:?}");
    }
}

#[test]
fn max_age_is_at_most_400_days_r24() {
    let day = 24 * 60 * 60;
    for (asked, sent) in [
        (Duration::from_millis(1999), 1),
        (MAX_LIFETIME - Duration::from_secs(1), 400 * day - 1),
        (MAX_LIFETIME, 400 * day),
        (MAX_LIFETIME + Duration::from_secs(1), 400 * day),
        (Duration::MAX, 400 * day),
    ] {
        let cookie =
            set(&session(), "x", &Attributes::host(SameSite::Lax, Lifetime::MaxAge(asked)))
                .unwrap();
        assert!(text(&cookie).ends_with(&format!("; Max-Age={sent}")), "{asked:?}");
    }
}

#[test]
fn name_and_value_fit_4096_bytes_r23() {
    let room = 4096 - "__Host-session".len();
    for (length, fits) in [(room - 1, true), (room, true), (room + 1, false), (room * 2, false)] {
        let value = "x".repeat(length);
        let result = set(&session(), &value, &lax());
        match result {
            Ok(_) => assert!(fits, "{length}"),
            Err(error) => {
                let size = length + "__Host-session".len();
                assert_eq!((error, fits), (SetCookieError::TooLarge(size), false));
            }
        }
    }
}

#[test]
fn values_are_base64url_r26() {
    for value in [
        "a b",
        "a;b",
        "a; Domain=evil",
        "a,b",
        "a=",
        "a\"",
        "a\r\nSet-Cookie: b=c",
        "a\0",
        "a/b",
        "a+b",
        "é",
        "\u{2000}",
    ] {
        let result = set(&session(), value, &lax());
        assert_eq!(result, Err(SetCookieError::Value), "{value:?}");
    }
}

/// R72: `Debug` of a response shows no cookie.
#[test]
fn the_header_hides_itself_from_debug() {
    let cookie = set(&session(), "secret", &lax()).unwrap();
    assert!(!format!("{cookie:?}").contains("secret"));
}

#[test]
fn an_upstream_sets_no_cookie_of_ours_r35() {
    let foreign = [
        "a=1; Path=/",
        "session=x",
        "__Secure-session=x",
        "__Host-session2=x",
        "a=__Host-session=x",
        "a=1; __Host-session=x",
        "\u{2000}__Host-session=x; Secure",
        "=y",
        "",
    ];
    let reserved = [
        "__Host-session=x; Path=/; Secure",
        "__Host-session=; Max-Age=0; Path=/; Secure",
        "__Host-session-login-ab=x",
        "__host-session=x",
        " \t__Host-session \t= x",
        "__Host-session",
        "__Host-session; Path=/",
        "=__Host-session=x",
        " = __Host-session=x",
        "==__Host-session=x; Secure",
    ];
    let mut headers = HeaderMap::new();
    for (one, other) in foreign.iter().zip(reserved.iter().cycle()) {
        headers.append(SET_COOKIE, HeaderValue::from_bytes(one.as_bytes()).unwrap());
        headers.append(SET_COOKIE, HeaderValue::from_bytes(other.as_bytes()).unwrap());
    }
    headers.append(SET_COOKIE, HeaderValue::from_static(reserved[9]));
    drop_reserved_set_cookies(&mut headers, ours);
    let left: Vec<_> = headers.get_all(SET_COOKIE).iter().map(HeaderValue::as_bytes).collect();
    assert_eq!(left, foreign.map(str::as_bytes));
}
