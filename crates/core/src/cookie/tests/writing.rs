//! What we set, and what an upstream may not.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, header::SET_COOKIE};

use super::{
    super::{
        Lifetime, MAX_LIFETIME, SameSite, SetCookieError, drop_reserved_set_cookies, expire, set,
    },
    ours, session,
};

fn text(header: &HeaderValue) -> &str {
    header.to_str().unwrap()
}

#[test]
fn every_cookie_has_its_attributes_r19() {
    let lax = set(&session(), "aZ09-_", SameSite::Lax, Lifetime::BrowserSession).unwrap();
    assert_eq!(text(&lax), "__Host-session=aZ09-_; Path=/; Secure; HttpOnly; SameSite=Lax");
    let week = Lifetime::MaxAge(Duration::from_secs(604_800));
    let strict = set(&session(), "x", SameSite::Strict, week).unwrap();
    assert_eq!(
        text(&strict),
        "__Host-session=x; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=604800"
    );
    assert_eq!(
        text(&expire(&session(), SameSite::Lax)),
        "__Host-session=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"
    );
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
        let cookie = set(&session(), "x", SameSite::Lax, Lifetime::MaxAge(asked)).unwrap();
        assert!(text(&cookie).ends_with(&format!("; Max-Age={sent}")), "{asked:?}");
    }
}

#[test]
fn name_and_value_fit_4096_bytes_r23() {
    let room = 4096 - "__Host-session".len();
    for (length, fits) in [(room - 1, true), (room, true), (room + 1, false), (room * 2, false)] {
        let value = "x".repeat(length);
        let result = set(&session(), &value, SameSite::Lax, Lifetime::BrowserSession);
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
        "a.b",
        "é",
        "\u{2000}",
    ] {
        let result = set(&session(), value, SameSite::Lax, Lifetime::BrowserSession);
        assert_eq!(result, Err(SetCookieError::Value), "{value:?}");
    }
}

/// R72: `Debug` of a response shows no cookie.
#[test]
fn the_header_hides_itself_from_debug() {
    let cookie = set(&session(), "secret", SameSite::Lax, Lifetime::BrowserSession).unwrap();
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
