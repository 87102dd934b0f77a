//! The attack table's rows about `Cookie` headers.

use http::{HeaderMap, HeaderValue, header::COOKIE};

use super::{
    super::{CookieName, Found, ReservedNames, find, pairs, strip, strip_but},
    cookie_headers, ours, request, session,
};

fn found(cookie_headers: &[&str]) -> Option<Result<Vec<u8>, ()>> {
    match find(&request(cookie_headers), &session()) {
        Found::Absent => None,
        Found::One(value) => Some(Ok(value.to_vec())),
        Found::Duplicate => Some(Err(())),
    }
}

#[test]
fn values_are_literal_r26() {
    for (header, value) in [
        ("__Host-session=abc", "abc"),
        ("a=1; __Host-session=abc; b=2", "abc"),
        ("a=1;__Host-session=abc;b=2", "abc"),
        ("__Host-session=", ""),
        ("__Host-session=a=b==", "a=b=="),
        // No unquoting, no decoding, no trimming of what is not a space or tab.
        ("__Host-session=\"abc\"", "\"abc\""),
        ("__Host-session=\"a b\"", "\"a b\""),
        ("__Host-session=%61bc", "%61bc"),
        ("__Host-session=a\\\"bc", "a\\\"bc"),
        ("__Host-session=\u{2000}abc\u{a0}", "\u{2000}abc\u{a0}"),
        // No RFC 2109 mode: `$Version`, `$Path` and quotes that run over semicolons mean nothing.
        ("$Version=1; __Host-session=abc; $Path=/", "abc"),
        ("$Version=1; a=\"x; __Host-session=abc; b=y\"", "abc"),
        // A comma ends nothing.
        ("__Host-session=abc, __Host-session=def", "abc, __Host-session=def"),
    ] {
        assert_eq!(found(&[header]), Some(Ok(value.as_bytes().to_vec())), "{header}");
    }
}

#[test]
fn twins_are_other_names_r26() {
    for header in [
        "__host-session=x",
        "__HOST-SESSION=x",
        "\u{2000}__Host-session=x",
        "\u{a0}__Host-session=x",
        "\u{feff}__Host-session=x",
        "__Host-session\u{2000}=x",
        "\"__Host-session\"=x",
        "__Host-session-2=x",
        "__Host-sessio=x",
        "%5F_Host-session=x",
        "a=1, __Host-session=x",
        "$__Host-session=x",
    ] {
        assert_eq!(found(&[header]), None, "{header}");
        let beside = format!("{header}; __Host-session=abc");
        assert_eq!(found(&[&beside]), Some(Ok(b"abc".to_vec())), "{beside}");
    }
}

#[test]
fn nameless_cookies_and_pairs_without_equals_are_skipped() {
    for header in
        ["", ";", "; ;", "=", "=x", "=__Host-session=x", " =__Host-session=x", "__Host-session"]
    {
        assert_eq!(found(&[header]), None, "{header}");
        assert_eq!(pairs(&request(&[header])).count(), 0, "{header}");
    }
    let headers = request(&["a=1; x; =y; ; b=2", "=", "c="]);
    let all: Vec<_> = pairs(&headers).collect();
    assert_eq!(all, [(&b"a"[..], &b"1"[..]), (b"b", b"2"), (b"c", b"")]);
}

#[test]
fn a_name_that_comes_twice_is_no_cookie_r27() {
    for headers in [
        &["__Host-session=a; __Host-session=a"][..],
        &["__Host-session=a; __Host-session=b"],
        &["__Host-session=a", "__Host-session=a"],
        &["__Host-session=a; x=1; y; =z; __Host-session="],
        &["__Host-session=; __Host-session=a"],
        &["x=1", "__Host-session=a; y=2", "z=3; __Host-session=b"],
        &["__Host-session=a; __Host-session=b; __Host-session=c"],
        // Browsers trim these spaces when they store a cookie: whoever sends them plants a twin.
        &["__Host-session=a;  __Host-session=b"],
        &["__Host-session=a; __Host-session =b"],
        &["__Host-session=a;\t__Host-session\t=\tb"],
        &["$Version=1; a=\"; __Host-session=a; b=\"; __Host-session=b"],
    ] {
        assert_eq!(found(headers), Some(Err(())), "{headers:?}");
    }
}

#[test]
fn strip_takes_ours_and_leaves_the_others_r35() {
    for (before, after) in [
        (&["__Host-session=secret"][..], &[][..]),
        (&["a=1; __Host-session=secret; b=2"], &["a=1; b=2"]),
        (&["__Host-session=secret; a=1"], &["a=1"]),
        (&["a=1; __Host-session=secret"], &["a=1"]),
        (&["a=1;__Host-session=secret;b=2"], &["a=1;b=2"]),
        (&["a=1", "__Host-session=secret", "b=2"], &["a=1", "b=2"]),
        (&["__Host-session-login-x=secret; a=1; __Host-session-login-y=secret"], &["a=1"]),
        // Twins in case or behind a nameless cookie: a server behind us may take them for ours.
        (&["__host-SESSION=secret; a=1"], &["a=1"]),
        (&["=__Host-session=secret; a=1"], &["a=1"]),
        (&["== __Host-session=secret; a=1"], &["a=1"]),
        (&["__Host-session; a=1"], &["a=1"]),
        (&["  __Host-session =secret; a=1"], &["a=1"]),
        // A duplicate is no session, and still nobody else's business.
        (&["__Host-session=secret; a=1; __Host-session=secret"], &["a=1"]),
        // A cookie sandwich is left without its filling, the quotes as they were.
        (&["$Version=1; a=\"x ;  __Host-session=secret;  y\""], &["$Version=1; a=\"x ;  y\""]),
        (&["; __Host-session=secret ;"], &[]),
        // Others with odd bytes, and names that only look like ours.
        (&["__Host-session=secret; é=\u{2000}ü; x=%3B%20"], &["é=\u{2000}ü; x=%3B%20"]),
        (
            &["__Host-session=secret; foo; =bar; __Host-session2=y"],
            &["foo; =bar; __Host-session2=y"],
        ),
    ] {
        let mut headers = request(before);
        strip(&mut headers, ours);
        let after: Vec<_> = after.iter().map(|header| header.as_bytes()).collect();
        assert_eq!(cookie_headers(&headers), after, "{before:?}");
    }
}

#[test]
fn a_request_without_ours_is_untouched_by_strip() {
    let odd = [" a = 1 ;;b;  =c; \"d", "", ";", "\u{2000}__Host-session=x"];
    let mut headers = request(&odd);
    let before = headers.clone();
    strip(&mut headers, ours);
    assert_eq!(headers, before);
}

#[test]
fn strip_keeps_a_header_hidden_from_logs() {
    let mut headers = request(&["__Host-session=secret; a=1"]);
    headers.values_mut().for_each(|value: &mut HeaderValue| value.set_sensitive(true));
    strip(&mut headers, ours);
    assert!(headers.values().all(HeaderValue::is_sensitive));
}

#[test]
fn strip_but_keeps_the_pair_itself_and_nothing_that_could_be_read_as_it_r35() {
    let name = CookieName::host("token").unwrap();
    let cases = [
        ("__Host-token=a; b=c", Some("__Host-token=a; b=c")),
        ("b=c; =__Host-token=evil;  __Host-token=a", Some("b=c;  __Host-token=a")),
        ("==__Host-token=evil", None),
        ("__Host-token", None),
        ("__host-token=evil; __Host-token-1=x", None),
    ];
    for (sent, left) in cases {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::from_str(sent).unwrap());
        let reserved = ReservedNames::new([name.clone()]);
        strip_but(&mut headers, |name| reserved.contains(name), Some(&name));
        assert_eq!(headers.get(COOKIE).map(|value| value.to_str().unwrap()), left, "{sent}");
    }
}
