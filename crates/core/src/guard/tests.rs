//! The guard's decisions, row by row, and what holds for every request.

mod listed;
mod table;

use http::{HeaderMap, HeaderName, HeaderValue, Method, header::ORIGIN};
use proptest::{prelude::*, sample::select};

use super::{Guard, GuardRefusal, is_navigation, is_websocket_upgrade};
use crate::origin::PublicOrigin;

const OURS: &str = "https://shop.example.com";
const UNSAFE: [Method; 4] = [Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
const WEBSOCKET: [(&str, &str); 2] = [("connection", "Upgrade"), ("upgrade", "websocket")];

fn guard() -> Guard {
    Guard::new(None, Vec::new())
}

fn strict_guard() -> Guard {
    let required = HeaderName::from_static("x-requested-with");
    Guard::new(Some(required), Vec::new())
}

fn ours() -> PublicOrigin {
    PublicOrigin::new(&OURS.parse().unwrap()).unwrap()
}

fn headers(list: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in list {
        headers.append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        );
    }
    headers
}

fn judge(method: &Method, list: &[(&str, &str)]) -> Result<(), GuardRefusal> {
    guard().check(method, &headers(list), &ours()).map(|_| ())
}

/// Requests of the attack table: CSRF by form, `text/plain`, sibling subdomain, `Origin: null`.
#[test]
fn forged_requests_are_refused_r36_r38_r39() {
    use GuardRefusal::{CrossSite, ForeignOrigin, OriginMissing};
    for (what, list, refusal) in [
        (
            "form POST from another site",
            &[
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-mode", "navigate"),
                ("origin", "https://evil.example"),
                ("content-type", "application/x-www-form-urlencoded"),
            ][..],
            CrossSite,
        ),
        (
            "text/plain fetch without preflight",
            &[
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-mode", "no-cors"),
                ("origin", "https://evil.example"),
                ("content-type", "text/plain"),
            ],
            CrossSite,
        ),
        (
            "sibling subdomain",
            &[("sec-fetch-site", "same-site"), ("origin", "https://evil.shop.example.com")],
            CrossSite,
        ),
        ("sandboxed frame", &[("sec-fetch-site", "cross-site"), ("origin", "null")], CrossSite),
        ("form POST in an old browser", &[("origin", "https://evil.example")], ForeignOrigin),
        ("sandboxed frame in an old browser", &[("origin", "null")], ForeignOrigin),
        ("an old browser that says nothing", &[], OriginMissing),
        (
            "a Host of the attacker's choice (F7)",
            &[("origin", "https://evil.example"), ("host", "evil.example")],
            ForeignOrigin,
        ),
        ("ours by Host alone", &[("host", "shop.example.com")], OriginMissing),
        ("ours by Referer alone", &[("referer", "https://shop.example.com/")], OriginMissing),
        (
            "typed into the address bar, but a POST",
            &[("sec-fetch-site", "none"), ("sec-fetch-mode", "navigate")],
            CrossSite,
        ),
        (
            "both headers, which do not agree",
            &[("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")],
            ForeignOrigin,
        ),
        (
            "both headers, the other way round",
            &[("sec-fetch-site", "cross-site"), ("origin", OURS)],
            CrossSite,
        ),
    ] {
        for method in UNSAFE {
            assert_eq!(judge(&method, list), Err(refusal), "{method} {what}");
        }
    }
}

#[test]
fn our_own_requests_pass_r38() {
    let own = &[("sec-fetch-site", "same-origin"), ("origin", OURS)][..];
    let old = &[("origin", OURS)][..];
    // Through a dev proxy: it rewrites Host, not Origin (F7).
    let proxied = &[("origin", OURS), ("host", "127.0.0.1:8080")][..];
    let own_get = &[("sec-fetch-site", "same-origin")][..];
    for method in [&UNSAFE[..], &[Method::GET, Method::HEAD, Method::OPTIONS]].concat() {
        for list in [own, old, proxied, own_get] {
            assert_eq!(judge(&method, list), Ok(()), "{method} {list:?}");
        }
    }
    let typed = &[("sec-fetch-site", "none"), ("sec-fetch-mode", "navigate")];
    for method in [Method::GET, Method::HEAD] {
        assert_eq!(judge(&method, typed), Ok(()));
        assert_eq!(judge(&method, &[]), Ok(()), "an old browser's plain {method}");
    }
}

#[test]
fn safe_methods_from_elsewhere_are_refused_too_r38() {
    use GuardRefusal::{CrossSite, ForeignOrigin};
    for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
        for (list, refusal) in [
            (&[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")][..], CrossSite),
            (&[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")], CrossSite),
            (&[("sec-fetch-site", "same-site"), ("sec-fetch-mode", "navigate")], CrossSite),
            (&[("origin", "https://evil.example")], ForeignOrigin),
            (&[("origin", "null")], ForeignOrigin),
            // A preflight of a foreign page (R42).
            (
                &[("origin", "https://evil.example"), ("access-control-request-method", "PUT")],
                ForeignOrigin,
            ),
        ] {
            assert_eq!(judge(&method, list), Err(refusal), "{method} {list:?}");
        }
    }
}

#[test]
fn none_is_for_navigations_r38() {
    for mode in ["cors", "no-cors", "same-origin", "websocket", "", "Navigate", "nested-navigate"] {
        let list = [("sec-fetch-site", "none"), ("sec-fetch-mode", mode)];
        assert_eq!(judge(&Method::GET, &list), Err(GuardRefusal::CrossSite), "{mode}");
    }
    assert_eq!(judge(&Method::GET, &[("sec-fetch-site", "none")]), Err(GuardRefusal::CrossSite));
    let twice = [
        ("sec-fetch-site", "none"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-mode", "navigate"),
    ];
    assert_eq!(judge(&Method::GET, &twice), Err(GuardRefusal::CrossSite));
}

#[test]
fn unknown_fetch_metadata_is_refused_r38() {
    for value in [
        "",
        "same-origin ",
        "Same-Origin",
        "same-origin, same-origin",
        "same-origin;a",
        "cross",
        "?1",
        "é",
    ] {
        let list = [("sec-fetch-site", value), ("origin", OURS)];
        assert_eq!(judge(&Method::GET, &list), Err(GuardRefusal::CrossSite), "{value:?}");
    }
    let twice = [("sec-fetch-site", "same-origin"), ("sec-fetch-site", "same-origin")];
    assert_eq!(judge(&Method::GET, &twice), Err(GuardRefusal::CrossSite));
}

/// R39: the whole tuple, never a suffix, a prefix or a pattern.
#[test]
fn near_misses_of_the_origin_are_foreign_r39() {
    for origin in [
        "",
        "null",
        "*",
        "http://shop.example.com",
        "https://shop.example.com/",
        "https://shop.example.com:443",
        "https://shop.example.com:8443",
        "https://shop.example.com.",
        "https://SHOP.example.com",
        "HTTPS://shop.example.com",
        "https://evil.shop.example.com",
        "https://evilshop.example.com",
        "https://shop.example.com.evil.example",
        "https://shop-example.com",
        "https://shopxexample.com",
        "https://user@shop.example.com",
        "https://shop.example.com https://evil.example",
        "https://shop.example.com, https://shop.example.com",
        " https://shop.example.com",
        "shop.example.com",
        "https://shop.example.co",
    ] {
        for method in [Method::GET, Method::POST] {
            let list = [("origin", origin)];
            assert_eq!(judge(&method, &list), Err(GuardRefusal::ForeignOrigin), "{origin:?}");
            let vouched = [("origin", origin), ("sec-fetch-site", "same-origin")];
            assert_eq!(judge(&method, &vouched), Err(GuardRefusal::ForeignOrigin), "{origin:?}");
        }
    }
    for second in [OURS, "null", "https://evil.example"] {
        let twice = [("origin", OURS), ("origin", second)];
        assert_eq!(judge(&Method::POST, &twice), Err(GuardRefusal::ForeignOrigin), "{second}");
    }
}

#[test]
fn a_websocket_names_its_page_r43() {
    use GuardRefusal::{CrossSite, ForeignOrigin, OriginMissing};
    for (more, result) in [
        (&[][..], Err(OriginMissing)),
        (&[("sec-fetch-site", "same-origin")], Err(OriginMissing)),
        (&[("sec-fetch-site", "none"), ("sec-fetch-mode", "navigate")], Err(OriginMissing)),
        (&[("origin", "https://evil.example")], Err(ForeignOrigin)),
        (&[("origin", "null")], Err(ForeignOrigin)),
        (&[("origin", OURS), ("sec-fetch-site", "cross-site")], Err(CrossSite)),
        (&[("origin", OURS), ("sec-fetch-site", "same-site")], Err(CrossSite)),
        (&[("origin", OURS)], Ok(())),
        (&[("origin", OURS), ("sec-fetch-site", "same-origin")], Ok(())),
    ] {
        assert_eq!(judge(&Method::GET, &[&WEBSOCKET[..], more].concat()), result, "{more:?}");
        // Whatever else asks for an upgrade, with or without a Connection header that says so.
        for protocol in ["WebSocket", "h2c", "websocket, h2c", ""] {
            let list = [&[("upgrade", protocol)][..], more].concat();
            assert_eq!(judge(&Method::GET, &list), result, "{protocol} {more:?}");
        }
    }
}

/// TRACE, CONNECT (HTTP/2's way to a WebSocket) and what nobody has heard of count as unsafe.
#[test]
fn other_methods_are_unsafe() {
    for method in ["TRACE", "CONNECT", "PROPFIND", "get", "X"] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        assert_eq!(judge(&method, &[]), Err(GuardRefusal::OriginMissing), "{method}");
        let typed = [("sec-fetch-site", "none"), ("sec-fetch-mode", "navigate")];
        assert_eq!(judge(&method, &typed), Err(GuardRefusal::CrossSite), "{method}");
        assert_eq!(judge(&method, &[("origin", OURS)]), Ok(()), "{method}");
    }
}

#[test]
fn unsafe_methods_carry_the_required_header_r37() {
    let own = [("sec-fetch-site", "same-origin"), ("origin", OURS)];
    let judge = |method: &Method, more: &[(&str, &str)]| {
        strict_guard().check(method, &headers(&[&own[..], more].concat()), &ours()).map(|_| ())
    };
    for method in UNSAFE {
        assert_eq!(judge(&method, &[]), Err(GuardRefusal::HeaderRequired));
        for empty in ["", " ", "\t"] {
            let list = [("x-requested-with", empty)];
            assert_eq!(judge(&method, &list), Err(GuardRefusal::HeaderRequired), "{empty:?}");
        }
        assert_eq!(judge(&method, &[("x-requested-with", "fetch")]), Ok(()));
    }
    for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
        assert_eq!(judge(&method, &[]), Ok(()), "{method}");
    }
    // It proves nothing by itself.
    let alone = headers(&[("x-requested-with", "fetch")]);
    let refusal = strict_guard().check(&Method::POST, &alone, &ours()).unwrap_err();
    assert_eq!(refusal, GuardRefusal::OriginMissing);
}

#[test]
fn reasons_are_stable() {
    use GuardRefusal::{CrossSite, ForeignOrigin, HeaderRequired, OriginMissing};
    let reasons = [CrossSite, ForeignOrigin, OriginMissing, HeaderRequired].map(|r| r.reason());
    assert_eq!(reasons, ["cross-site", "foreign-origin", "origin-missing", "header-required"]);
}

#[test]
fn navigations_are_told_from_fetches() {
    for (list, navigation) in [
        (&[("sec-fetch-mode", "navigate")][..], true),
        (&[("sec-fetch-mode", "navigate"), ("accept", "*/*")], true),
        (&[("sec-fetch-mode", "cors"), ("accept", "text/html")], false),
        (&[("sec-fetch-mode", ""), ("accept", "text/html")], false),
        (&[("sec-fetch-mode", "navigate"), ("sec-fetch-mode", "navigate")], false),
        (&[("accept", "text/html,application/xhtml+xml,*/*;q=0.8")], true),
        (&[("accept", "*/*")], false),
        (&[("accept", "application/json")], false),
        (&[("accept", "é")], false),
        (&[], false),
    ] {
        assert_eq!(is_navigation(&headers(list)), navigation, "{list:?}");
    }
}

#[test]
fn only_a_websocket_is_a_websocket() {
    let asks =
        |method: Method, list: &[(&str, &str)]| is_websocket_upgrade(&method, &headers(list));
    assert!(asks(Method::GET, &WEBSOCKET));
    assert!(asks(Method::GET, &[("connection", "keep-alive, upgrade"), ("upgrade", "WebSocket")]));
    assert!(asks(
        Method::GET,
        &[("connection", "keep-alive"), ("connection", "UPGRADE"), ("upgrade", "websocket")]
    ));
    assert!(!asks(Method::POST, &WEBSOCKET));
    assert!(!asks(Method::HEAD, &WEBSOCKET));
    assert!(!asks(Method::GET, &[]));
    assert!(!asks(Method::GET, &WEBSOCKET[..1]));
    assert!(!asks(Method::GET, &WEBSOCKET[1..]));
    assert!(!asks(Method::GET, &[("connection", "upgraded"), ("upgrade", "websocket")]));
    // An upgrade to HTTP/2 would carry requests that nobody judges.
    for protocol in ["h2c", "websocket, h2c", "h2c, websocket", "websocket2", "", "TLS/1.0"] {
        assert!(
            !asks(Method::GET, &[("connection", "upgrade"), ("upgrade", protocol)]),
            "{protocol}"
        );
    }
    let two = [("connection", "upgrade"), ("upgrade", "websocket"), ("upgrade", "h2c")];
    assert!(!asks(Method::GET, &two));
}

fn any_of(list: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(select(list), 0..3)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    /// The borders of what passes, stated from outside.
    #[test]
    fn what_passes_was_ours(
        method in select(vec!["GET", "HEAD", "OPTIONS", "POST", "DELETE", "TRACE", "CONNECT", "FOO"]),
        site in any_of(&["same-origin", "same-site", "cross-site", "none", "", "x"]),
        mode in any_of(&["navigate", "cors", "websocket"]),
        origin in any_of(&[OURS, OURS, "null", "", "https://evil.example"]),
        upgrade in any_of(&["websocket", "h2c"]),
        required in any_of(&["1", ""]),
    ) {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut list: Vec<(&str, &str)> = Vec::new();
        list.extend(site.iter().map(|value| ("sec-fetch-site", *value)));
        list.extend(mode.iter().map(|value| ("sec-fetch-mode", *value)));
        list.extend(origin.iter().map(|value| ("origin", *value)));
        list.extend(upgrade.iter().map(|value| ("upgrade", *value)));
        list.extend(required.iter().map(|value| ("x-requested-with", *value)));
        let headers = headers(&list);
        let passed = strict_guard().check(&method, &headers, &ours()).is_ok();
        // The required header only ever takes away.
        if passed {
            prop_assert!(guard().check(&method, &headers, &ours()).is_ok());
        }

        let safe = matches!(method.as_str(), "GET" | "HEAD" | "OPTIONS");
        let named = origin == [OURS];
        if passed {
            prop_assert!(named || origin.is_empty());
            prop_assert!(site.is_empty() || site == ["same-origin"] || (site == ["none"] && mode == ["navigate"] && safe));
            prop_assert!(named || upgrade.is_empty());
            prop_assert!(safe || named || site == ["same-origin"]);
            prop_assert!(safe || required.first() == Some(&"1"));
        } else {
            // Nothing of ours is refused but for the header.
            let fine = (named || (origin.is_empty() && upgrade.is_empty() && (safe || site == ["same-origin"])))
                && (site.is_empty() || site == ["same-origin"] || (site == ["none"] && mode == ["navigate"] && safe));
            prop_assert!(!fine || (!safe && required.first() != Some(&"1")));
        }
    }

    /// R39: no other bytes are our origin.
    #[test]
    fn any_other_origin_is_foreign(origin in "[ -~]{0,40}", cut in 0..OURS.len(), more in "[ -~]{1,3}") {
        for origin in [origin.clone(), format!("{OURS}{more}"), format!("{more}{OURS}"), OURS[..cut].to_owned()] {
            prop_assume!(origin != OURS);
            let mut headers = HeaderMap::new();
            headers.insert(ORIGIN, HeaderValue::try_from(&origin).unwrap());
            for method in [Method::GET, Method::POST] {
                prop_assert_eq!(guard().check(&method, &headers, &ours()).unwrap_err(), GuardRefusal::ForeignOrigin);
            }
        }
    }
}
