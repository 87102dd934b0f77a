//! R26, R27, R35: what we read in `Cookie` headers, and what we take out of requests and answers, is
//! what the rules say, written a second time below, more slowly.

#![no_main]

use cloakroom_core::cookie::{
    CookieName, Found, Prefix, ReservedNames, drop_reserved_set_cookies, find, pairs, strip,
};
use http::{
    HeaderMap, HeaderValue,
    header::{COOKIE, HeaderName, SET_COOKIE},
};
use libfuzzer_sys::fuzz_target;

const NAMES: [&str; 2] = ["__Secure-session", "__Host-session"];

// The lines of the input are header values.
fuzz_target!(|input: &[u8]| {
    let base = CookieName::new(Prefix::Secure, "session").unwrap();
    let reserved = ReservedNames::new([base.clone()]);
    let ours = |read: &[u8]| reserved.contains(read);

    let request = headers(COOKIE, input);
    let sent = slow_pairs(&request, &COOKIE);
    assert!(pairs(&request).map(|(n, v)| (n.to_vec(), v.to_vec())).eq(sent.clone()));
    let names = [base.clone(), base.bound_to_host()];
    for (name, text) in names.iter().zip(NAMES) {
        let mut values = sent.iter().filter(|(name, _)| name == text.as_bytes());
        let expected = match (values.next(), values.next()) {
            (None, _) => Found::Absent,
            (Some((_, value)), None) => Found::One(value),
            _ => Found::Duplicate,
        };
        assert_eq!(find(&request, name), expected);
    }

    let mut stripped = request.clone();
    strip(&mut stripped, ours);
    // Every server's reading of what is left: no name of ours, in no case, behind no equals signs.
    let kept: Vec<_> = slow_parts(&request, &COOKIE).filter(|part| !looks_ours(part)).collect();
    let left: Vec<_> = slow_parts(&stripped, &COOKIE).collect();
    assert_eq!(left, kept, "all of ours goes, and of the others every byte stays");
    let once = stripped.clone();
    strip(&mut stripped, ours);
    assert_eq!(stripped, once);
    if kept.len() == slow_parts(&request, &COOKIE).count() {
        assert_eq!(stripped, request, "without ours nothing is touched");
    }

    let mut answer = headers(SET_COOKIE, input);
    let before = answer.clone();
    drop_reserved_set_cookies(&mut answer, ours);
    for value in before.get_all(SET_COOKIE) {
        let stored = as_browsers_store(value.as_bytes());
        let comes_back = headers(COOKIE, &stored);
        if answer.get_all(SET_COOKIE).iter().any(|kept| kept == value) {
            for name in &names {
                assert_eq!(find(&comes_back, name), Found::Absent, "an upstream set our cookie");
            }
        } else {
            let text = value.as_bytes().to_ascii_lowercase();
            let named = |name: &str| contains(&text, name.to_ascii_lowercase().as_bytes());
            assert!(NAMES.into_iter().any(named), "dropped without reason");
        }
    }
});

fn headers(name: HeaderName, lines: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines.split(|byte| *byte == b'\n') {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append(&name, value);
        }
    }
    headers
}

/// The trimmed parts between semicolons that are not empty.
fn slow_parts<'h>(
    headers: &'h HeaderMap,
    name: &'h HeaderName,
) -> impl Iterator<Item = Vec<u8>> + 'h {
    headers.get_all(name).iter().flat_map(|value| {
        let mut parts = vec![Vec::new()];
        for byte in value.as_bytes() {
            match byte {
                b';' => parts.push(Vec::new()),
                byte => parts.last_mut().unwrap().push(*byte),
            }
        }
        parts.into_iter().map(trimmed).filter(|part| !part.is_empty())
    })
}

fn slow_pairs(headers: &HeaderMap, name: &HeaderName) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut pairs = Vec::new();
    for part in slow_parts(headers, name) {
        let text = part.iter().map(|byte| char::from(*byte)).collect::<String>();
        if let Some((name, value)) = text.split_once('=') {
            let bytes =
                |text: &str| trimmed(text.chars().map(|c| u8::try_from(c).unwrap()).collect());
            if !bytes(name).is_empty() {
                pairs.push((bytes(name), bytes(value)));
            }
        }
    }
    pairs
}

/// Whether some server could read a name of ours: equals signs and spaces before it do not count, nor
/// does case.
fn looks_ours(part: &[u8]) -> bool {
    let text: String = part.iter().map(|byte| char::from(*byte)).collect();
    let text = text.trim_start_matches([' ', '\t', '=']);
    let name = text.split('=').next().unwrap().trim_matches([' ', '\t']).to_ascii_lowercase();
    NAMES.iter().any(|ours| {
        let rest = name.strip_prefix(&ours.to_ascii_lowercase());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    })
}

/// RFC 6265bis §5.6 and §5.8.3, without the prefix rules that only newer browsers have.
fn as_browsers_store(set_cookie: &[u8]) -> Vec<u8> {
    let pair = set_cookie.split(|byte| *byte == b';').next().unwrap();
    match pair.iter().position(|byte| *byte == b'=') {
        None => trimmed(pair.to_vec()),
        Some(at) => match (trimmed(pair[..at].to_vec()), trimmed(pair[at + 1..].to_vec())) {
            (name, value) if name.is_empty() => value,
            (name, value) => [&name[..], b"=", &value].concat(),
        },
    }
}

fn trimmed(mut bytes: Vec<u8>) -> Vec<u8> {
    let space = |byte: &u8| matches!(byte, b' ' | b'\t');
    while bytes.last().is_some_and(space) {
        bytes.pop();
    }
    let start = bytes.iter().take_while(|byte| space(byte)).count();
    bytes.split_off(start)
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
