//! Public URLs as operators write them, and look-alikes of localhost.

use proptest::prelude::*;
use url::Url;

use super::{PublicOrigin, PublicOriginError, is_loopback, is_loopback_to_browsers};

fn origin(text: &str) -> Result<PublicOrigin, PublicOriginError> {
    PublicOrigin::new(&text.parse().expect(text))
}

#[test]
fn it_is_written_as_browsers_write_it() {
    for (url, serialised, authority) in [
        ("https://shop.example.com", "https://shop.example.com", "shop.example.com"),
        ("https://shop.example.com/", "https://shop.example.com", "shop.example.com"),
        ("https://shop.example.com:443/", "https://shop.example.com", "shop.example.com"),
        ("https://shop.example.com:8443", "https://shop.example.com:8443", "shop.example.com:8443"),
        ("https://shop.example.com:80", "https://shop.example.com:80", "shop.example.com:80"),
        ("HTTPS://SHOP.Example.COM", "https://shop.example.com", "shop.example.com"),
        ("https://bücher.example", "https://xn--bcher-kva.example", "xn--bcher-kva.example"),
        (
            "https://BÜCHER.example:444",
            "https://xn--bcher-kva.example:444",
            "xn--bcher-kva.example:444",
        ),
        ("https://例え.jp", "https://xn--r8jz45g.jp", "xn--r8jz45g.jp"),
        ("https://192.0.2.7", "https://192.0.2.7", "192.0.2.7"),
        ("https://[2001:DB8::1]:443", "https://[2001:db8::1]", "[2001:db8::1]"),
        ("http://localhost", "http://localhost", "localhost"),
        ("http://localhost:80", "http://localhost", "localhost"),
        ("http://LOCALHOST:8080/", "http://localhost:8080", "localhost:8080"),
        ("http://localhost:443", "http://localhost:443", "localhost:443"),
    ] {
        let origin = origin(url).expect(url);
        assert_eq!(origin.as_str(), serialised, "{url}");
        assert_eq!(origin.authority(), authority, "{url}");
        assert_eq!(origin.is_https(), serialised.starts_with("https:"), "{url}");
        assert_eq!(origin.absolute("/auth/x"), format!("{serialised}/auth/x"));
        assert_eq!(origin.as_url().origin().ascii_serialization(), serialised);
    }
}

/// F6: browsers treat these as secure; nothing that only looks like them.
#[test]
fn plain_http_is_for_loopback_names_only() {
    for url in [
        "http://localhost:8080",
        "http://shop.localhost:8080",
        "http://a.b.localhost",
        "http://127.0.0.1:8080",
        "http://127.1.2.3",
        "http://0x7f.1",
        "http://[::1]:8080",
    ] {
        assert!(origin(url).is_ok(), "{url}");
    }
    for url in [
        "http://shop.example.com",
        "http://localhost.evil.com",
        "http://127.0.0.1.evil.com",
        "http://evil-localhost",
        "http://xlocalhost",
        "http://localhost.localdomain",
        "http://.localhost",
        "http://localhost.",
        "http://xn--lcalhost-x2a",
        "http://128.0.0.1",
        "http://0.0.0.0:8080",
        "http://10.0.0.1",
        "http://192.168.0.1",
        "http://[::]",
        "http://[::ffff:127.0.0.1]",
        "http://[fe80::1]",
        "http://localhost@evil.com",
        "http://evil.com/localhost",
    ] {
        assert_eq!(origin(url), Err(PublicOriginError::NotHttps), "{url}");
    }
}

#[test]
fn nothing_but_an_origin() {
    for url in [
        "https://shop.example.com/app",
        "https://shop.example.com//",
        "https://shop.example.com/?",
        "https://shop.example.com?x=1",
        "https://shop.example.com/#",
        "https://shop.example.com#top",
        "https://user@shop.example.com",
        "https://user:word@shop.example.com",
        "https://:word@shop.example.com",
        "http://user@localhost:8080",
    ] {
        assert_eq!(origin(url), Err(PublicOriginError::MoreThanOrigin), "{url}");
    }
    for url in [
        "ftp://shop.example.com",
        "ws://localhost",
        "wss://shop.example.com",
        "file:///srv/shop",
        "data:text/html,x",
        "javascript:alert(1)",
        "localhost:8080",
    ] {
        assert_eq!(origin(url), Err(PublicOriginError::NotHttp), "{url}");
    }
}

#[test]
fn loopback_is_judged_by_the_host_alone() {
    let loopback = |text: &str| is_loopback(&Url::parse(text).expect(text));
    assert!(loopback("https://user@localhost:1/path?x#y"));
    assert!(!loopback("https://example.com/?http://localhost"));
    assert!(!loopback("unix:/run/localhost"));
    assert!(!loopback("http://api.localhost"), "a resolver may ask the network for it (R69)");
    assert!(is_loopback_to_browsers(&Url::parse("http://api.localhost").unwrap()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// What is taken is what `url` itself calls the origin, and stays the same when read again.
    #[test]
    fn the_serialised_origin_is_stable(
        scheme in "https?",
        host in "([a-z0-9-]{1,8}\\.){0,2}(localhost|example|127\\.0\\.0\\.1|[A-Z]{2,5})",
        port in proptest::option::of(1_u16..),
    ) {
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        let Ok(url) = Url::parse(&format!("{scheme}://{host}{port}")) else { return Ok(()) };
        if let Ok(origin) = PublicOrigin::new(&url) {
            prop_assert_eq!(origin.as_str(), url.origin().ascii_serialization());
            let again = self::origin(origin.as_str()).unwrap();
            prop_assert_eq!(again.as_str(), origin.as_str());
            prop_assert!(origin.is_https() || is_loopback_to_browsers(&url));
            prop_assert_eq!(format!("{scheme}://{}", origin.authority()), origin.as_str());
        }
    }
}

/// R67: what a `Host` header may say, and nothing that merely looks like it.
#[test]
fn a_host_is_this_origins_byte_for_byte_but_for_case_and_default_port_r67() {
    for (url, ours, foreign) in [
        (
            "https://shop.example.com",
            &["shop.example.com", "SHOP.example.COM", "shop.example.com:443"][..],
            &[
                "",
                "example.com",
                "shop.example.com:80",
                "shop.example.com:4430",
                "shop.example.com:",
                "shop.example.com.",
                "shop.example.com:443:443",
                "xshop.example.com",
                "shop.example.com.evil.example",
                "shop.example.com@evil.example",
                " shop.example.com",
            ][..],
        ),
        (
            "https://shop.example.com:8443",
            &["shop.example.com:8443"],
            &["shop.example.com", "shop.example.com:443", "shop.example.com:8443:443"],
        ),
        ("http://[::1]:8080", &["[::1]:8080"], &["[::1]", "::1:8080", "[::2]:8080"]),
        ("http://localhost", &["localhost", "localhost:80"], &["localhost:443", "x.localhost"]),
    ] {
        let origin = PublicOrigin::new(&url.parse().unwrap()).unwrap();
        for host in ours {
            assert!(origin.is_host(host), "{url}: {host}");
        }
        for host in foreign {
            assert!(!origin.is_host(host), "{url}: {host}");
        }
    }
}
