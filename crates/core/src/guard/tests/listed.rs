//! Listed origins (R42): who is let in by the list, and that it changes nothing for anybody else.

use super::{super::GuardRefusal, Guard, OURS, WEBSOCKET, guard, headers, ours};
use crate::origin::PublicOrigin;
use http::{HeaderName, Method};

const APP: &str = "https://app.example.com";
const OTHER: &str = "http://localhost:5173";

fn listing() -> Guard {
    // Our own origin does not get more rights by standing there too.
    let listed = [APP, OTHER, OURS].map(|text| PublicOrigin::new(&text.parse().unwrap()).unwrap());
    Guard::new(None, listed.to_vec())
}

const METHODS: [&str; 6] = ["GET", "OPTIONS", "POST", "DELETE", "QUERY", "TRACE"];
const SITES: [&[&str]; 8] = [
    &[],
    &["same-site"],
    &["cross-site"],
    &["same-origin"],
    &["none"],
    &[""],
    &["Same-Site"],
    &["same-site", "same-site"],
];
const MODES: [&[&str]; 4] = [&[], &["cors"], &["no-cors"], &["navigate"]];
/// What is not listed, however near it comes (R39).
const NEAR: [&[&str]; 27] = [
    &[],
    &[""],
    &["null"],
    &["*"],
    &["https://evil.app.example.com"],
    &["https://evilapp.example.com"],
    &["https://app.example.com.evil.example"],
    &["https://app.example.co"],
    &["https://app.example.comm"],
    &["https://example.com"],
    &["https://app-example.com"],
    &["https://appxexample.com"],
    &["http://app.example.com"],
    &["https://app.example.com:443"],
    &["https://app.example.com:8443"],
    &["https://app.example.com/"],
    &["https://app.example.com."],
    &["https://APP.example.com"],
    &["HTTPS://app.example.com"],
    &["https://user@app.example.com"],
    &[" https://app.example.com"],
    &["https://app.example.com https://evil.example"],
    &["https://app.example.com, https://app.example.com"],
    &["http://localhost:51731"],
    &["http://127.0.0.1:5173"],
    &[APP, APP],
    &[APP, "https://evil.example"],
];

fn list<'a>(site: &[&'a str], mode: &[&'a str], origin: &[&'a str]) -> Vec<(&'a str, &'a str)> {
    let named = |name: &'a str, values: &[&'a str]| {
        values.iter().map(|value| (name, *value)).collect::<Vec<_>>()
    };
    let [site, mode, origin] =
        [named("sec-fetch-site", site), named("sec-fetch-mode", mode), named("origin", origin)];
    [site, mode, origin].concat()
}

#[test]
fn pages_of_listed_origins_pass_with_every_method_r42() {
    for origin in [APP, OTHER] {
        for site in &SITES[..3] {
            for (mode, method) in MODES.iter().flat_map(|mode| METHODS.map(|method| (mode, method)))
            {
                let (list, method) =
                    (list(site, mode, &[origin]), Method::from_bytes(method.as_bytes()).unwrap());
                for list in [list.clone(), [&list[..], &WEBSOCKET].concat()] {
                    let headers = headers(&list);
                    let guard = listing();
                    assert!(guard.check(&method, &headers, &ours()).is_ok(), "{method} {list:?}");
                    let found = guard.listed(&headers, &ours()).map(PublicOrigin::as_str);
                    assert_eq!(found, Some(origin));
                }
            }
        }
    }
}

#[test]
fn nobody_else_is_let_in_by_a_list_r39_r42() {
    let near = NEAR.iter().flat_map(|origin| SITES.iter().map(move |site| (site, *origin)));
    // Ours with another site's mark; listed with a mark that no browser gives it.
    let ours_too = SITES.iter().map(|site| (site, &[OURS][..]));
    let contradictions = SITES[3..].iter().map(|site| (site, &[APP][..]));
    for (site, origin) in near.chain(ours_too).chain(contradictions) {
        for (mode, method) in MODES.iter().flat_map(|mode| METHODS.map(|method| (mode, method))) {
            let (list, method) =
                (list(site, mode, origin), Method::from_bytes(method.as_bytes()).unwrap());
            for list in [list.clone(), [&list[..], &WEBSOCKET].concat()] {
                let headers = headers(&list);
                let with = listing().check(&method, &headers, &ours()).map(|_| ());
                let without = guard().check(&method, &headers, &ours()).map(|_| ());
                assert_eq!(with, without, "{method} {list:?}");
                assert!(listing().listed(&headers, &ours()).is_none(), "{list:?}");
            }
        }
    }
}

/// R37: a listed page, too, must send what no form can.
#[test]
fn listed_pages_carry_the_required_header_r37() {
    let listed = vec![PublicOrigin::new(&APP.parse().unwrap()).unwrap()];
    let guard = Guard::new(Some(HeaderName::from_static("x-requested-with")), listed);
    let mut list = vec![("sec-fetch-site", "same-site"), ("origin", APP)];
    let judge = |list: &[_]| guard.check(&Method::POST, &headers(list), &ours()).map(|_| ());
    assert_eq!(judge(&list), Err(GuardRefusal::HeaderRequired));
    list.push(("x-requested-with", "page"));
    assert_eq!(judge(&list), Ok(()));
}
