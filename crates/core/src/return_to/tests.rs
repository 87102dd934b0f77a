//! Return URLs that lead astray, and what holds for every text.

use proptest::{collection::vec, prelude::*, sample::select};
use url::Url;

use super::{MAX_BYTES, ReturnTo};
use crate::{origin::PublicOrigin, path::NormalPath};

fn origin() -> PublicOrigin {
    PublicOrigin::new(&"https://shop.example.com".parse().unwrap()).unwrap()
}

fn local() -> PublicOrigin {
    PublicOrigin::new(&"http://localhost:8080".parse().unwrap()).unwrap()
}

fn parse(input: &str) -> Option<String> {
    ReturnTo::parse(input, &origin()).map(|path| path.as_str().to_owned())
}

/// The attack table's row, and its relatives: the default path, whatever it was meant to be.
#[test]
fn what_could_lead_astray_leads_to_the_root_r46() {
    for input in [
        "",
        " ",
        " /a",
        "a",
        "?a",
        "#a",
        "//evil",
        "///evil",
        "////evil",
        "//evil/..",
        "/\\evil",
        "\\\\evil",
        "\\/evil",
        "/\\/evil",
        "/a\\..\\..\\\\evil",
        "/a\\b",
        "/a?b=\\\\evil",
        "/a#\\\\evil",
        "/%09/evil",
        "/\t/evil",
        "\t//evil",
        "/\n/evil",
        "/\r\n/evil",
        "/a\0",
        "/a\u{7f}",
        "/a\u{85}",
        "u@evil",
        "@evil",
        "//u@evil",
        "https://evil",
        "https:evil",
        "https:/evil",
        "https:///evil",
        "javascript:alert(1)",
        "data:text/html,x",
        "JaVaScRiPt:alert(1)",
        // Not even ours: a path is enough.
        "https://shop.example.com/a",
        "//shop.example.com/a",
        // The parser makes `//evil` of these.
        "/.//evil",
        "/..//evil",
        "/a/..//evil",
        "/%2e//evil",
        "/%2e%2e//evil",
        "/a/%2e%2E//evil",
        "/.//\\evil",
        // Escapes that a careless reader would undo into `//evil` or into a second header.
        "/%2fevil",
        "/%2f%2fevil",
        "/%5cevil",
        "/%252f/evil",
        "/%0d%0aSet-Cookie:%20a=b",
        "/a%0d%0aSet-Cookie:%20a=b",
        "/%0D%0ASet-Cookie:%20a=b",
        "/a?b=%0d%0aSet-Cookie:%20a=b",
        "/a?b=%0A",
        "/a#%0d%0aLocation:%20//evil",
        "/a?%00",
        "/a?%7f",
        "/a?%7F",
        "/a?%1F",
        "/a\r\nSet-Cookie: a=b",
        "/a?b\r\nSet-Cookie: a=b",
        "/a#b\nc",
        // What the gate would not let through when the browser comes back.
        "/a//b",
        "/%zz",
        "/%c0%ae",
        "/a/..;/b",
        // Invisible: it is not a slash to a browser, and nothing else to us.
        "\u{200b}/a",
        "\u{2215}\u{2215}evil",
        "\u{ff0f}evil",
    ] {
        assert_eq!(parse(input), None, "{input:?}");
        assert_eq!(ReturnTo::parse_or_root(input, &origin()), ReturnTo::root(), "{input:?}");
    }
}

#[test]
fn path_query_and_fragment_are_kept_r46() {
    for (input, output) in [
        ("/", "/"),
        ("/orders", "/orders"),
        ("/orders/", "/orders/"),
        ("/orders?page=2&q=a%20b+c#last", "/orders?page=2&q=a%20b+c#last"),
        ("/?", "/?"),
        ("/#", "/#"),
        ("/#/route/in/the/fragment?x=//y", "/#/route/in/the/fragment?x=//y"),
        ("/?next=//evil", "/?next=//evil"),
        ("/?next=https://evil/", "/?next=https://evil/"),
        ("/a?b=100%", "/a?b=100%"),
        ("/a?b=%252f%2e%2e%5c", "/a?b=%252f%2e%2e%5c"),
        ("/u@evil", "/u@evil"),
        ("/javascript:alert(1)", "/javascript:alert(1)"),
        // Written in one way.
        ("/%6Frders", "/orders"),
        ("/a/./b/../c", "/a/c"),
        ("/a/%2e%2e/b", "/b"),
        ("/../../a", "/a"),
        ("/straße?é=ü#ö", "/stra%C3%9Fe?%C3%A9=%C3%BC#%C3%B6"),
        ("/a b?c d#e f", "/a%20b?c%20d#e%20f"),
        ("/a?<\">#<\">", "/a?%3C%22%3E#%3C%22%3E"),
        ("/[id]", "/%5Bid%5D"),
        ("/a ", "/a"),
    ] {
        assert_eq!(parse(input).as_deref(), Some(output), "{input:?}");
    }
}

#[test]
fn length_is_bounded_before_and_after() {
    let longest = format!("/{}", "a".repeat(MAX_BYTES - 1));
    assert_eq!(parse(&longest), Some(longest.clone()));
    assert_eq!(parse(&format!("{longest}a")), None);
    // Too long as it comes, however short it is written.
    assert_eq!(parse(&"/a/..".repeat(500)), None);
    // Short enough as it comes, too long as it is written.
    assert_eq!(parse(&format!("/{}", "é".repeat(1000))), None);
    assert_eq!(parse(&format!("/?{}", " a".repeat(1000))), None);
}

#[test]
fn a_stored_one_is_checked_again() {
    let read = |text: &str| serde_json::from_value::<ReturnTo>(text.into());
    assert_eq!(read("/orders?page=2#last").unwrap().as_str(), "/orders?page=2#last");
    for text in ["", "a", "//evil", "/\\evil", "https://evil", "/a\r\nb", "/a b", "/é", "/a/../b"]
    {
        assert!(read(text).is_err(), "{text:?}");
    }
    assert_eq!(serde_json::to_string(&ReturnTo::root()).unwrap(), "\"/\"");
}

/// Text that begins like a path more often than not, full of what parsers fall over.
fn nasty() -> impl Strategy<Value = String> {
    let fragment = select(vec![
        "/",
        "/",
        "/",
        "\\",
        "//",
        ".",
        "..",
        "%2e",
        "%2f",
        "%5c",
        "%0d%0a",
        "%09",
        "%00",
        "%25",
        "\t",
        "\n",
        "\r",
        "\0",
        " ",
        "\u{a0}",
        "\u{2028}",
        "\u{feff}",
        "@",
        ":",
        "evil",
        "a",
        "evil.example",
        "https:",
        "javascript:",
        "?",
        "#",
        ";",
        "é",
        "\u{ff0f}",
        "[",
        "%",
        "\"",
        "shop.example.com",
        ":8080",
        "%7f",
        "|",
        "<",
    ]);
    let text = vec(fragment, 0..10).prop_map(|fragments| fragments.concat());
    (prop_oneof![3 => Just("/"), 1 => Just("")], text)
        .prop_map(|(first, rest)| format!("{first}{rest}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8192))]

    /// R46: whatever the text, one clean Location on our origin comes out.
    #[test]
    fn no_text_leads_elsewhere(input in prop_oneof![nasty(), any::<String>(), "/[ -~]{0,30}"]) {
        for origin in [origin(), local()] {
            let back = ReturnTo::parse_or_root(&input, &origin);
            let path = back.as_str();
            prop_assert!(path.starts_with('/') && !path.starts_with("//") && !path.starts_with("/\\"));
            prop_assert!(path.len() <= MAX_BYTES);
            prop_assert!(path.bytes().all(|byte| byte.is_ascii_graphic()));
            http::HeaderValue::from_str(path).unwrap();

            // A browser gets it as a path or behind the origin, from whichever page.
            let absolute = Url::parse(&origin.absolute(path)).unwrap();
            let page = Url::parse(&origin.absolute("/auth/callback/default?code=x#y")).unwrap();
            for target in [absolute, page.join(path).unwrap()] {
                prop_assert_eq!(target.origin().ascii_serialization(), origin.as_str());
                prop_assert_eq!((target.username(), target.password()), ("", None));
                // It goes where it says, and the gate lets it through.
                prop_assert_eq!(&target[url::Position::BeforePath..], path);
                let admitted = NormalPath::parse(target.path()).unwrap();
                prop_assert_eq!(admitted.as_str(), target.path());
            }

            // Read again it is the same, on the wire and from the store.
            let again = ReturnTo::parse(path, &origin);
            prop_assert_eq!(again.as_ref(), Some(&back));
            let stored = serde_json::to_string(&back).unwrap();
            prop_assert_eq!(serde_json::from_str::<ReturnTo>(&stored).unwrap(), back);
        }
    }

    /// Nothing comes out of a store that would not have come in.
    #[test]
    fn stored_text_is_trusted_no_more_than_sent_text(input in prop_oneof![nasty(), any::<String>()]) {
        if let Ok(stored) = serde_json::from_value::<ReturnTo>(input.clone().into()) {
            prop_assert_eq!(stored.as_str(), input.as_str());
            prop_assert_eq!(ReturnTo::parse(&input, &origin()), Some(stored));
        }
    }

    /// What a page sends of its own address comes back as it was.
    #[test]
    fn ordinary_addresses_are_kept(
        path in "(/[A-Za-z0-9_~-]{1,10}){1,4}/?",
        query in proptest::option::of("[A-Za-z0-9=&+./:@?-]{0,20}"),
        fragment in proptest::option::of("[A-Za-z0-9=&+./:@?-]{0,20}"),
    ) {
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        let fragment = fragment.map(|fragment| format!("#{fragment}")).unwrap_or_default();
        let address = format!("{path}{query}{fragment}");
        prop_assert_eq!(parse(&address), Some(address));
    }
}
