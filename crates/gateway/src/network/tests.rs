use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::{any, prop_assert_eq, proptest};

use super::*;

fn contains(network: &str, address: &str) -> bool {
    Network::parse(network).expect(network).contains(address.parse().expect(address))
}

#[test]
fn a_network_holds_what_begins_like_it() {
    for (network, inside, outside) in [
        ("10.0.0.0/8", "10.255.255.255", "11.0.0.0"),
        ("10.0.0.7", "10.0.0.7", "10.0.0.6"),
        ("192.0.2.128/25", "192.0.2.128", "192.0.2.127"),
        ("fd00::/8", "fdff::1", "fe00::"),
        ("::1", "::1", "127.0.0.1"),
        ("127.0.0.0/8", "::ffff:127.0.0.1", "::7f00:1"),
        ("::ffff:10.0.0.0/104", "10.1.2.3", "::a01:203"),
    ] {
        assert!(contains(network, inside), "{inside} in {network}");
        assert!(!contains(network, outside), "{outside} in {network}");
    }
}

#[test]
fn what_is_no_network_is_told_apart() {
    for text in [
        "",
        "proxy",
        "10.0.0",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/+8",
        "10.0.0.0/8/8",
        "[::1]",
        "::/129",
        "10.0.0.1:80",
    ] {
        assert_eq!(Network::parse(text), Err(NetworkError::Form), "{text}");
    }
    for text in ["0.0.0.0/0", "::/0", "10.0.0.0/0", "::ffff:0:0/96", "::ffff:0:0/80"] {
        assert_eq!(Network::parse(text), Err(NetworkError::Everybody), "{text}");
    }
    let Err(NetworkError::HostBits(meant)) = Network::parse("10.1.2.3/8") else { panic!("meant") };
    assert_eq!(meant.to_string(), "10.0.0.0/8");
    assert_eq!(Network::parse("fd00::1/128").unwrap().to_string(), "fd00::1");
}

proptest! {
    /// Against arithmetic of another kind: the address shifted right by what does not count.
    #[test]
    fn masking_is_shifting(a in any::<u32>(), b in any::<u32>(), prefix in 1u32..=32) {
        let network = Network { first: masked(Ipv4Addr::from(a).into(), prefix), prefix };
        let same = u64::from(a) >> (32 - prefix) == u64::from(b) >> (32 - prefix);
        prop_assert_eq!(network.contains(Ipv4Addr::from(b).into()), same);
        prop_assert_eq!(network.contains(Ipv4Addr::from(b).to_ipv6_mapped().into()), same);
        prop_assert_eq!(Network::parse(&network.to_string()), Ok(network));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[0-9a-f:./]{0,24}", v6 in any::<u128>()) {
        if let Ok(network) = Network::parse(&text) {
            let _ = network.contains(Ipv6Addr::from(v6).into());
        }
    }
}
