//! What holds for every header.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, header::SET_COOKIE};
use proptest::{prelude::*, sample::Index};

use super::{
    super::{
        Attributes, CookieDomain, CookieName, CookiePath, Found, Lifetime, Prefix, SameSite,
        drop_reserved_set_cookies, expire, find, pairs,
    },
    super::{set, strip},
    cookie_headers, ours, request, session,
};

/// Marks our values: no byte string of a foreign cookie contains it.
const MARK: &str = "MARKED";

/// Parts of a header that are not ours, many of them made to look like it.
fn foreign() -> impl Strategy<Value = Vec<u8>> {
    let odd = prop::sample::select(
        [
            "a=1",
            "",
            "x",
            "=x",
            "=",
            "a=\"",
            "\"",
            "b=\"x",
            "y\"",
            "$Version=1",
            "$Path=/",
            "\u{2000}__Host-session=x",
            "\"__Host-session\"=x",
            "__Host-session2=x",
            "__Host-sessio=x",
            "session=x",
            "__Secure-session=x",
            "a=__Host-session=x",
            " a = 1 ",
            "a=1, __Host-session=x",
            "a=%3B__Host-session=x",
            "\t",
        ]
        .map(str::as_bytes)
        .map(<[u8]>::to_vec)
        .to_vec(),
    );
    // Every byte that a header may hold, but the semicolon.
    let byte = prop_oneof![Just(b'\t'), b' '..=b':', b'<'..=b'~', 0x80_u8..=0xff];
    let any = prop::collection::vec(byte, 0..24).prop_filter("looks like ours", |part| {
        !part.to_ascii_lowercase().windows(14).any(|text| text == b"__host-session")
    });
    prop_oneof![odd, any]
}

/// Headers of `foreign` parts with `ours` put in anywhere.
fn mixed(foreign: &[Vec<u8>], ours: &[(Index, String)], cuts: &[Index]) -> Vec<Vec<u8>> {
    let mut parts: Vec<Vec<u8>> = foreign.to_vec();
    for (at, part) in ours {
        parts.insert(at.index(parts.len() + 1), part.as_bytes().to_vec());
    }
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(parts.len() + 1)).collect();
    cuts.extend([0, parts.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|cut| parts[cut[0]..cut[1]].join(&b"; "[..])).collect()
}

fn trimmed(part: &[u8]) -> &[u8] {
    part.trim_ascii()
}

fn owned(headers: &HeaderMap) -> Vec<(Vec<u8>, Vec<u8>)> {
    pairs(headers).map(|(name, value)| (name.to_vec(), value.to_vec())).collect()
}

fn same_site() -> impl Strategy<Value = SameSite> {
    prop::sample::select(vec![SameSite::Lax, SameSite::Strict, SameSite::None])
}

fn lifetime() -> impl Strategy<Value = Lifetime> {
    prop_oneof![Just(Lifetime::BrowserSession), any::<Duration>().prop_map(Lifetime::MaxAge)]
}

/// The attributes, judged from outside: exactly ours, each once.
fn assert_attributes(header: &HeaderValue, name: &str, value: &str, same_site: SameSite) {
    let text = header.to_str().unwrap();
    let mut parts = text.split(';').map(str::trim);
    assert_eq!(parts.next().unwrap().split_once('='), Some((name, value)));
    let mut left: Vec<_> = parts.collect();
    for wanted in ["Path=/", "Secure", "HttpOnly", &format!("SameSite={same_site:?}")] {
        let at = left.iter().position(|attribute| *attribute == wanted).expect(wanted);
        left.remove(at);
    }
    assert!(left.len() <= 1, "{text}");
    if let Some(max_age) = left.first() {
        let seconds: u64 = max_age.strip_prefix("Max-Age=").unwrap().parse().unwrap();
        assert!(seconds <= 400 * 24 * 60 * 60);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    /// R27: however often ours comes, and whatever stands between: one or none.
    #[test]
    fn ours_is_found_when_it_comes_once(
        foreign in prop::collection::vec(foreign(), 0..8),
        values in prop::collection::vec((any::<Index>(), "[A-Za-z0-9_-]{0,12}"), 0..4),
        cuts in prop::collection::vec(any::<Index>(), 0..4),
    ) {
        let ours: Vec<_> =
            values.iter().map(|(at, value)| (*at, format!("__Host-session={value}"))).collect();
        let headers = request(&mixed(&foreign, &ours, &cuts));
        let expected = match &values[..] {
            [] => Found::Absent,
            [(_, value)] => Found::One(value.as_bytes()),
            _ => Found::Duplicate,
        };
        prop_assert_eq!(find(&headers, &session()), expected);
    }

    /// R35: no byte of ours goes on, and of the others every byte does.
    #[test]
    fn strip_takes_all_of_ours_and_nothing_else(
        foreign in prop::collection::vec(foreign(), 0..8),
        places in prop::collection::vec((any::<Index>(), 0..6_usize), 0..5),
        cuts in prop::collection::vec(any::<Index>(), 0..4),
    ) {
        let shapes = [
            "__Host-session=", "__Host-session-login-a=", "__host-session=", "\t __Host-session =",
            "=__Host-session=", "__HOST-session-logout= = ",
        ];
        let ours: Vec<_> =
            places.iter().map(|(at, shape)| (*at, format!("{}{MARK}", shapes[*shape]))).collect();
        let alone = request(&mixed(&foreign, &[], &[]));
        let mut headers = request(&mixed(&foreign, &ours, &cuts));
        let untouched = headers.clone();
        strip(&mut headers, super::ours);

        prop_assert_eq!(owned(&headers), owned(&alone));
        let left = cookie_headers(&headers).join(&b';');
        prop_assert!(!left.windows(MARK.len()).any(|text| text == MARK.as_bytes()));
        let left: Vec<_> = left.split(|byte| *byte == b';').map(trimmed).filter(|part| !part.is_empty()).collect();
        let sent: Vec<_> = foreign.iter().map(|part| trimmed(part)).filter(|part| !part.is_empty()).collect();
        prop_assert_eq!(left, sent);
        if ours.is_empty() {
            prop_assert_eq!(&headers, &untouched);
        }
        let once = headers.clone();
        strip(&mut headers, super::ours);
        prop_assert_eq!(headers, once);
    }

    /// What we set is what we find, also beside other cookies.
    #[test]
    fn set_and_find_are_a_round_trip(
        suffix in "[a-z][A-Za-z0-9_-]{0,63}",
        value in "[A-Za-z0-9_-]{0,200}",
        foreign in prop::collection::vec(foreign(), 0..4),
        at in any::<Index>(),
    ) {
        prop_assume!(!suffix.to_ascii_lowercase().starts_with("http-"));
        let name = CookieName::host(&suffix).unwrap();
        let header = set(&name, &value, &Attributes::host(SameSite::Lax, Lifetime::BrowserSession)).unwrap();
        let pair = header.to_str().unwrap().split(';').next().unwrap().to_owned();
        let foreign: Vec<_> =
            foreign.into_iter().filter(|part| !part.starts_with(name.as_str().as_bytes())).collect();
        let headers = request(&mixed(&foreign, &[(at, pair)], &[]));
        prop_assert_eq!(find(&headers, &name), Found::One(value.as_bytes()));
    }

    /// R19, R26: no value and no name adds an attribute or a second cookie.
    #[test]
    fn set_never_writes_more_than_it_should(
        name in any::<String>(),
        value in any::<String>(),
        good_name in "[A-Za-z0-9-]{1,20}",
        good_value in "[A-Za-z0-9_-]{0,20}",
        attack in prop::sample::select(vec!["", ";", "; Domain=evil.example", "\r\nSet-Cookie: a=b", "\n", "\0", " ", "=", ","]),
        same_site in same_site(),
        lifetime in lifetime(),
    ) {
        let names = [name.clone(), format!("{good_name}{attack}"), good_name.clone()];
        let values = [value.clone(), format!("{good_value}{attack}"), good_value];
        for name in names.iter().filter_map(|name| CookieName::host(name).ok()) {
            prop_assert!(name.as_str().bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)));
            for value in &values {
                if let Ok(header) = set(&name, value, &Attributes::host(same_site, lifetime)) {
                    assert_attributes(&header, name.as_str(), value, same_site);
                    prop_assert!(name.as_str().len() + value.len() <= 4096);
                }
            }
            assert_attributes(&expire(&name, &Attributes::host(same_site, lifetime)), name.as_str(), "", same_site);
        }
    }

    /// R20: no domain and no path that is taken ends its attribute or brings another.
    #[test]
    fn a_domain_and_a_path_are_one_attribute_each(
        any in any::<String>(),
        host in "[a-z0-9.-]{1,20}",
        path in "/[!-~]{0,20}",
        attack in prop::sample::select(vec!["", ";", "; HttpOnly=0", "\r\nSet-Cookie: a=b", "\n", "\0", " ", ","]),
    ) {
        let name = CookieName::new(Prefix::Secure, "session").unwrap();
        let domains = [any.clone(), format!("{host}{attack}"), format!("{host}.example{attack}")];
        let paths = [any, format!("{path}{attack}")];
        let domains: Vec<_> = domains.iter().filter_map(|it| CookieDomain::parse(it).ok()).collect();
        let paths = paths.iter().filter_map(|it| CookiePath::parse(it).ok());
        for path in paths.chain([CookiePath::ROOT]) {
            for domain in &domains {
                let attributes = Attributes {
                    domain: Some(domain.clone()),
                    path: path.clone(),
                    ..Attributes::host(SameSite::Lax, Lifetime::BrowserSession)
                };
                let header = set(&name, "x", &attributes).unwrap();
                let expected = format!(
                    "__Secure-session=x; Path={}; Secure; HttpOnly; SameSite=Lax; Domain={domain}",
                    path.as_str()
                );
                prop_assert_eq!(header.to_str().unwrap(), expected);
                prop_assert_eq!(header.to_str().unwrap().matches(';').count(), 5);
                prop_assert!(domain.covers(domain.as_str()));
                let sub = format!("a.{domain}");
                prop_assert!(domain.covers(&sub));
                let other = format!("a{domain}");
                prop_assert!(!domain.covers(&other));
            }
        }
    }

    /// R23: the border is 4096 bytes, whatever the name.
    #[test]
    fn the_size_limit_counts_name_and_value(suffix in "[a-z]{1,64}", size in 4000_usize..4200) {
        let name = CookieName::host(&suffix).unwrap();
        let value = "v".repeat(size - name.as_str().len());
        let result = set(&name, &value, &Attributes::host(SameSite::Lax, Lifetime::BrowserSession));
        prop_assert_eq!(result.is_ok(), size <= 4096);
    }

    /// R35: whatever an upstream sets, what a browser sends back of the rest is not ours.
    #[test]
    fn what_is_left_of_an_answer_does_not_come_back_as_ours(
        around in prop::collection::vec((foreign(), 0..5_usize, foreign()), 1..6),
    ) {
        let middles = ["", "__Host-session=x", "__Host-session", "=__Host-session=x", " \t=__host-session\t=x"];
        let mut headers = HeaderMap::new();
        for (before, middle, after) in &around {
            let value = [&before[..], middles[*middle].as_bytes(), b";", after].concat();
            headers.append(SET_COOKIE, HeaderValue::from_bytes(&value).unwrap());
        }
        let before = headers.clone();
        drop_reserved_set_cookies(&mut headers, ours);
        for value in headers.get_all(SET_COOKIE) {
            let sent_back = request(&[as_browsers_store(value.as_bytes())]);
            prop_assert_eq!(find(&sent_back, &session()), Found::Absent);
        }
        // Nothing else goes.
        for value in before.get_all(SET_COOKIE) {
            let first = value.as_bytes().to_ascii_lowercase();
            if !first.windows(14).any(|text| text == b"__host-session") {
                prop_assert!(headers.get_all(SET_COOKIE).iter().any(|left| left == value));
            }
        }
    }
}

/// `Set-Cookie` read and sent back after RFC 6265bis §5.6 and §5.8.3, without the name prefix rules
/// that only newer browsers have.
fn as_browsers_store(set_cookie: &[u8]) -> Vec<u8> {
    let pair = set_cookie.split(|byte| *byte == b';').next().unwrap();
    let space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let trim = |bytes: &[u8]| {
        let start = bytes.iter().position(|byte| !space(byte)).unwrap_or(bytes.len());
        let end = bytes.iter().rposition(|byte| !space(byte)).map_or(start, |end| end + 1);
        bytes[start..end].to_vec()
    };
    match pair.iter().position(|byte| *byte == b'=') {
        None => trim(pair),
        Some(equals) => match (trim(&pair[..equals]), trim(&pair[equals + 1..])) {
            (name, value) if name.is_empty() => value,
            (name, value) => [&name[..], b"=", &value].concat(),
        },
    }
}
