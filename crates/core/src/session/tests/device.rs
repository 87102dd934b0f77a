//! What is kept of a `User-Agent` and an address.

use std::net::IpAddr;

use proptest::prelude::*;

use crate::session::Device;

fn name(user_agent: &str) -> Option<String> {
    Device::new(Some(user_agent.as_bytes()), None).name
}

fn address(address: &str) -> String {
    Device::new(None, Some(address.parse().unwrap())).address.unwrap()
}

/// As browsers of 2024 to 2026 send it.
#[test]
fn r33_browsers_are_named_in_words() {
    for (user_agent, expected) in [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0",
            "Firefox on Windows",
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0",
            "Firefox on Linux",
        ),
        (
            "Mozilla/5.0 (Android 15; Mobile; rv:143.0) Gecko/143.0 Firefox/143.0",
            "Firefox on Android",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/143.0 Mobile/15E148 Safari/605.1.15",
            "Firefox on iPhone",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
            "Chrome on macOS",
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36",
            "Chrome on Linux",
        ),
        (
            "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
            "Chrome on ChromeOS",
        ),
        (
            "Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/140.0.7339.101 Mobile/15E148 Safari/604.1",
            "Chrome on iPad",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36 OPR/122.0.0.0",
            "Opera on Windows",
        ),
        (
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
            "Samsung Internet on Android",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
            "Safari on macOS",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
            "Safari on iPhone",
        ),
        // A page inside an app.
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
            "iPhone",
        ),
        ("curl/8.14.1", "curl"),
    ] {
        assert_eq!(name(user_agent).as_deref(), Some(expected), "{user_agent}");
    }
    for unknown in ["", "Mozilla/5.0", "x", "()", "(", "NotFirefox/1", "Mozilla/5.0 (Haiku)"] {
        assert_eq!(name(unknown), None, "{unknown:?}");
    }
}

#[test]
fn r33_addresses_are_kept_no_more_exact_than_they_tell_a_place() {
    assert_eq!(address("203.0.113.7"), "203.0.113.7");
    assert_eq!(address("::ffff:203.0.113.7"), "203.0.113.7");
    assert_eq!(address("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
    assert_eq!(address("::1"), "::1");
    assert_eq!(Device::new(None, None), Device::default());
    assert!(Device::default().is_unknown());
}

proptest! {
    /// R72: whatever a client writes, only words of ours are kept and shown.
    #[test]
    fn r72_no_byte_of_a_user_agent_is_kept(
        user_agent in proptest::collection::vec(any::<u8>(), 0..200),
        words in proptest::collection::vec(
            proptest::sample::select(vec!["Firefox/", "Chrome/1", "(", ")", "Windows", "<b>", "\n", " "]),
            0..12,
        ),
        bits in any::<u128>(),
    ) {
        let user_agent = [user_agent, words.concat().into_bytes()].concat();
        let device = Device::new(Some(&user_agent), Some(IpAddr::V6(bits.into())));
        if let Some(name) = device.name {
            let plain = |c: char| c.is_ascii_alphabetic() || c == ' ';
            prop_assert!(name.len() <= 32 && name.chars().all(plain), "{name}");
        }
        prop_assert!(device.address.is_some_and(|address| address.len() <= 43));
    }
}
