use std::net::{Ipv4Addr, Ipv6Addr};

use http::HeaderValue;
use proptest::prelude::{
    Just, Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest,
};

use super::*;

fn proxies() -> TrustedProxies {
    TrustedProxies::new(["10.0.0.0/8", "fd00::/8"].map(|text| Network::parse(text).unwrap()).into())
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect(text)
}

fn headers(name: &HeaderName, values: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(name, HeaderValue::from_str(value).expect("a value"));
    }
    headers
}

fn hops(peer: &str, values: &[&str]) -> String {
    let arrival = proxies().arrival(ip(peer), false, &headers(&FORWARDED_FOR, values));
    let hops: Vec<_> = arrival.hops().iter().map(ToString::to_string).collect();
    hops.join(" ")
}

#[test]
fn r68_the_client_is_the_rightmost_address_that_is_no_proxy_of_ours() {
    let rows: [(&str, &[&str], &str); 14] = [
        ("192.0.2.1", &[], "192.0.2.1"),
        // Not from a proxy of ours: a lie.
        ("192.0.2.1", &["10.0.0.1"], "192.0.2.1"),
        ("10.0.0.1", &[], "10.0.0.1"),
        ("10.0.0.1", &["192.0.2.1"], "192.0.2.1 10.0.0.1"),
        // What the client wrote stands left of what our proxy added.
        ("10.0.0.1", &["1.1.1.1, 10.9.9.9, 192.0.2.1"], "192.0.2.1 10.0.0.1"),
        ("10.0.0.1", &["1.1.1.1", "192.0.2.1, 10.0.0.2"], "192.0.2.1 10.0.0.2 10.0.0.1"),
        ("::ffff:10.0.0.1", &["::ffff:192.0.2.1"], "192.0.2.1 10.0.0.1"),
        ("fd00::1", &["2001:db8::7, ::ffff:10.0.0.2"], "2001:db8::7 10.0.0.2 fd00::1"),
        // Ports, as some proxies add them.
        ("10.0.0.1", &["192.0.2.1:4711"], "192.0.2.1 10.0.0.1"),
        ("10.0.0.1", &["[2001:db8::7]:4711,[fd00::2]"], "2001:db8::7 fd00::2 10.0.0.1"),
        // No address: whoever wrote it is the last one known.
        ("10.0.0.1", &["192.0.2.1, unknown"], "10.0.0.1"),
        ("10.0.0.1", &["192.0.2.1, , 10.0.0.2"], "10.0.0.2 10.0.0.1"),
        ("10.0.0.1", &[""], "10.0.0.1"),
        // All of ours: the first of them is as far as anybody can see.
        ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3 10.0.0.2 10.0.0.1"),
    ];
    for (peer, values, expected) in rows {
        assert_eq!(hops(peer, values), expected, "{peer} {values:?}");
    }
    let endless = vec!["10.0.0.1"; 5000].join(",");
    assert_eq!(hops("10.0.0.1", &[&endless]).split(' ').count(), 1 + MOST_HOPS);
}

#[test]
fn r68_the_scheme_is_what_our_proxies_say() {
    let secure = |trusted: &TrustedProxies, peer: &str, tls, values: &[&str]| {
        trusted.arrival(ip(peer), tls, &headers(&FORWARDED_PROTO, values)).is_secure()
    };
    let ours = proxies();
    for (values, expected) in [
        (&[][..], true),
        (&["https"], true),
        (&["HTTPS"], true),
        (&["wss"], true),
        (&["http"], false),
        (&["ws"], false),
        (&["https, http"], false),
        (&["http, https"], false),
        (&["https", "http"], false),
        (&["https, https"], true),
        (&[""], false),
        (&["spdy"], false),
    ] {
        assert_eq!(secure(&ours, "10.0.0.1", false, values), expected, "{values:?}");
        assert_eq!(secure(&ours, "10.0.0.1", true, values), expected, "{values:?} over TLS");
        // Anybody else came as they came, whatever they say.
        assert!(secure(&ours, "192.0.2.1", true, values));
        assert!(!secure(&ours, "192.0.2.1", false, values));
        // Nobody is named: as the public URL tells.
        assert!(secure(&TrustedProxies::default(), "192.0.2.1", false, values));
    }
}

fn any_ip() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<u32>().prop_map(|bits| IpAddr::from(Ipv4Addr::from(bits))),
        any::<u128>().prop_map(|bits| IpAddr::from(Ipv6Addr::from(bits))),
        any::<u32>()
            .prop_map(|bits| IpAddr::from(Ipv4Addr::from(bits | 0x0a00_0000 & 0x0aff_ffff))),
    ]
}

/// What a client might write: text, or a list of addresses.
fn lie() -> impl Strategy<Value = String> {
    let list = prop::collection::vec(prop_oneof![any_ip(), ours()], 1..5);
    let joined =
        list.prop_map(|list| list.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
    prop_oneof!["[ -~]{0,40}", joined]
}

fn ours() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        (0u32..1 << 24).prop_map(|low| IpAddr::from(Ipv4Addr::from(0x0a00_0000 | low))),
        (0u32..1 << 24).prop_map(|low| Ipv4Addr::from(0x0a00_0000 | low).to_ipv6_mapped().into()),
        (0u128..1 << 120).prop_map(|low| IpAddr::from(Ipv6Addr::from(0xfd << 120 | low))),
    ]
}

proptest! {
    /// Whatever a client writes, it is known by the address that it came from.
    #[test]
    fn r68_nothing_that_a_client_sends_changes_who_it_is(
        client in any_ip(),
        lies in prop::collection::vec(lie(), 0..4),
        way in prop::collection::vec(ours(), 1..5),
    ) {
        let proxies = proxies();
        proptest::prop_assume!(!proxies.trusts(client));
        let mut values = lies;
        let mut seen = client;
        for proxy in &way {
            // Each proxy adds what it saw, in the last header or in one of its own.
            match values.last_mut() {
                Some(last) if proxy.is_ipv4() => *last = format!("{last}, {seen}"),
                _ => values.push(seen.to_string()),
            }
            seen = *proxy;
        }
        let values: Vec<_> = values.iter().map(String::as_str).collect();
        let arrival = proxies.arrival(seen, false, &headers(&FORWARDED_FOR, &values));
        let expected: Vec<_> =
            [client].iter().chain(&way).map(|address| address.to_canonical()).collect();
        prop_assert_eq!(arrival.hops(), &expected[..]);
    }

    /// The peer is always the last hop, and at most the first is none of ours.
    #[test]
    fn r68_any_headers_at_all(
        peer in any_ip(),
        values in prop::collection::vec(prop::collection::vec(prop_oneof![Just(b','), 32u8..127, 128u8..=255], 0..60), 0..4),
    ) {
        let mut headers = HeaderMap::new();
        for value in &values {
            headers.append(FORWARDED_FOR, HeaderValue::from_bytes(value).unwrap());
        }
        let proxies = proxies();
        let arrival = proxies.arrival(peer, false, &headers);
        prop_assert_eq!(arrival.hops().last(), Some(&peer.to_canonical()));
        prop_assert!(arrival.hops()[1..].iter().all(|hop| proxies.trusts(*hop)));
    }
}
