use http::{HeaderMap, HeaderValue, Method};

use super::{Consent, Policy};

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, HeaderValue::from_static(value));
    }
    headers
}

fn said(policy: Policy, mut answer: HeaderMap) -> Vec<(String, String)> {
    policy.say(&mut answer);
    let text = |value: &HeaderValue| value.to_str().unwrap().to_owned();
    let mut said: Vec<_> =
        answer.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    said.sort();
    said
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

const APP: Option<HeaderValue> = Some(HeaderValue::from_static("https://app.example.com"));

/// What the service behind said of CORS; a policy of its own would be a second one.
const THEIRS: [(&str, &str); 7] = [
    ("access-control-allow-origin", "*"),
    ("access-control-allow-credentials", "true"),
    ("access-control-allow-methods", "DELETE"),
    ("access-control-allow-private-network", "true"),
    ("access-control-expose-headers", "ETag, *, Link"),
    ("access-control-expose-headers", "etag,,X-Total"),
    ("vary", "Accept-Encoding"),
];

#[test]
fn r42_there_is_one_policy() {
    let answer = said(Policy { origin: APP, consent: None }, headers(&THEIRS));
    let expected = pairs(&[
        ("access-control-allow-credentials", "true"),
        ("access-control-allow-origin", "https://app.example.com"),
        (
            "access-control-expose-headers",
            "cloakroom-session, cloakroom-expires-in, retry-after, etag, link, x-total",
        ),
        ("vary", "Accept-Encoding"),
        ("vary", "Origin"),
    ]);
    assert_eq!(answer, expected);
}

#[test]
fn r42_nobody_else_is_told_anything() {
    let answer = said(Policy { origin: None, consent: None }, headers(&THEIRS));
    assert_eq!(answer, pairs(&[("vary", "Accept-Encoding"), ("vary", "Origin")]));
    for says_so in ["*", "origin", "Accept, ORIGIN"] {
        let answer = said(Policy { origin: None, consent: None }, headers(&[("vary", says_so)]));
        assert_eq!(answer, pairs(&[("vary", says_so)]));
    }
}

#[test]
fn r42_a_preflight_is_told_what_is_taken() {
    let consent = Consent {
        methods: vec![Method::GET, Method::PUT],
        headers: vec!["x-a".parse().unwrap(), "x-b".parse().unwrap()],
    };
    let policy = Policy { origin: APP, consent: Some(consent) };
    assert!(policy.is_preflight());
    let expected = pairs(&[
        ("access-control-allow-credentials", "true"),
        ("access-control-allow-headers", "x-a, x-b"),
        ("access-control-allow-methods", "GET, PUT"),
        ("access-control-allow-origin", "https://app.example.com"),
        ("access-control-max-age", "600"),
        ("vary", "Origin"),
    ]);
    assert_eq!(said(policy, HeaderMap::new()), expected);
}
