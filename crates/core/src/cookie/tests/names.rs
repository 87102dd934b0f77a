//! Which names can be ours, and which are kept for us.

use super::{
    super::{CookieName, Prefix, ReservedNames},
    ours, session,
};

#[test]
fn names_are_tokens_behind_the_prefix_r19() {
    for suffix in ["s", "session", "my-app_2", &"x".repeat(64)] {
        assert_eq!(CookieName::host(suffix).unwrap().as_str(), format!("__Host-{suffix}"));
    }
    for suffix in [
        "",
        &"x".repeat(65),
        "a b",
        "a;b",
        "a=b",
        "a,b",
        "a\tb",
        "a\r\nb",
        "a\0",
        "a\"",
        "sé",
        "a.b",
        "__Host-session",
        "__secure-x",
        "Http-session",
        "http-session",
    ] {
        assert!(CookieName::host(suffix).is_err(), "{suffix:?}");
    }
}

/// A name as long as the configuration takes must leave room for what is made from it.
#[test]
fn the_longest_name_still_has_a_login_cookie() {
    let longest = CookieName::host(&"x".repeat(64)).unwrap();
    let login = longest.with_suffix("-login-ab12cd34").unwrap();
    assert_eq!(login.as_str(), format!("{longest}-login-ab12cd34"));
    assert!(ReservedNames::new([longest.clone()]).contains(login.as_str().as_bytes()));
    assert!(longest.with_suffix(&"-".repeat(65)).is_err());
    for suffix in ["-a;b", "-a b", "-a=", "-\u{e9}"] {
        assert!(session().with_suffix(suffix).is_err(), "{suffix:?}");
    }
}

#[test]
fn reserved_are_our_names_and_their_twins_in_case_r35() {
    for name in [
        "__Host-session",
        "__host-session",
        "__HOST-SESSION",
        "__Host-session-login-ab12cd34",
        "__host-Session-",
    ] {
        assert!(ours(name.as_bytes()), "{name}");
    }
    for name in [
        "",
        "session",
        "Host-session",
        "__Host-",
        "__Host-sessio",
        "__Host-session2",
        "__Host-session_login",
        "__Secure-session",
        "x__Host-session",
        "\u{2000}__Host-session",
        "__Host-session\u{2000}",
        "\"__Host-session\"",
        "__Host%2Dsession",
    ] {
        assert!(!ours(name.as_bytes()), "{name}");
    }
}

#[test]
fn a_whole_name_brings_its_prefix() {
    for (whole, prefix) in [
        ("__Host-session", Prefix::Host),
        ("__Host-Http-session", Prefix::HostHttp),
        ("__Secure-session", Prefix::Secure),
        ("XSRF-TOKEN", Prefix::Unprotected),
    ] {
        let name = CookieName::parse(whole).unwrap();
        assert_eq!((name.as_str(), name.prefix()), (whole, prefix));
    }
    for whole in ["", "__Host-", "__host-session", "__Http-x", "__Host-__Secure-x", "a;b", "http-x"]
    {
        assert!(CookieName::parse(whole).is_err(), "{whole:?}");
    }
}

/// R20: with a cookie for a whole domain, login cookies are for the host still.
#[test]
fn what_is_not_bound_to_the_host_reserves_its_bound_twin_too() {
    let shared = CookieName::new(Prefix::Secure, "session").unwrap();
    assert_eq!(shared.bound_to_host(), session());
    let hidden = CookieName::new(Prefix::HostHttp, "session").unwrap();
    assert_eq!(hidden.bound_to_host(), hidden);
    let reserved = ReservedNames::new([shared, CookieName::parse("XSRF-TOKEN").unwrap()]);
    for name in
        ["__Secure-session", "__Host-session-login-ab12cd34", "xsrf-token", "__Secure-session-1"]
    {
        assert!(reserved.contains(name.as_bytes()), "{name}");
    }
    for name in ["session", "XSRF-TOKENS", "__Secure-sessions"] {
        assert!(!reserved.contains(name.as_bytes()), "{name}");
    }
}
