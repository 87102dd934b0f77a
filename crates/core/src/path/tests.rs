//! Spellings that servers read differently, and what holds for every path.

use proptest::{collection::vec, prelude::*, sample::select};

use super::{NormalPath, PathError};

fn normal(raw: &str) -> Result<String, PathError> {
    NormalPath::parse(raw).map(|path| path.as_str().to_owned())
}

/// The attack table: `/public/..;/admin`, `%2e%2e`, `%252e`, `//`, `\`.
#[test]
fn ambiguous_paths_are_refused_r62() {
    use PathError::{Character, Encoding, Escape, Hidden, NotAbsolute, Segment};
    for (raw, error) in [
        ("", NotAbsolute),
        ("*", NotAbsolute),
        ("api", NotAbsolute),
        ("http://evil/", NotAbsolute),
        ("\\api", NotAbsolute),
        ("%2Fapi", NotAbsolute),
        // Separators and controls in escapes.
        ("/a%2fb", Hidden),
        ("/a%2Fb", Hidden),
        ("/%2f/evil", Hidden),
        ("/a%5cb", Hidden),
        ("/a%5C..%5Cb", Hidden),
        ("/a%00", Hidden),
        ("/a%00.html", Hidden),
        ("/%0d%0aSet-Cookie:x", Hidden),
        ("/%09/evil", Hidden),
        ("/a%1f", Hidden),
        ("/a%7f", Hidden),
        // Dot segments in any mix.
        ("/.", Segment),
        ("/..", Segment),
        ("/./a", Segment),
        ("/a/..", Segment),
        ("/a/../b", Segment),
        ("/a/./b", Segment),
        ("/%2e%2e/a", Segment),
        ("/.%2e/a", Segment),
        ("/%2E./a", Segment),
        ("/a/%2e", Segment),
        ("/.../a", Segment),
        // … behind parameters or spaces that some servers cut off.
        ("/public/..;/admin", Segment),
        ("/public/..;x=1/admin", Segment),
        ("/public/.;/admin", Segment),
        ("/public/%2e%2e;/admin", Segment),
        ("/public/..%3b/admin", Segment),
        ("/public/..%20/admin", Segment),
        ("/public/.%20./admin", Segment),
        ("/public/%20../admin", Segment),
        ("/%20/a", Segment),
        // Empty segments.
        ("//", Segment),
        ("//evil", Segment),
        ("/a//b", Segment),
        ("/a//", Segment),
        ("/;/a", Segment),
        ("/a/;x", Segment),
        ("/a/%3B/b", Segment),
        // Escapes in escapes.
        ("/%252e%252e/a", Hidden),
        ("/a%252fb", Hidden),
        ("/a%255cb", Hidden),
        ("/a%2500", Hidden),
        ("/a%252525", Hidden),
        ("/%2561dmin", Hidden),
        ("/%25%36%31dmin", Hidden),
        ("/%25%32%65", Hidden),
        ("/%25u002e", Hidden),
        ("/%25U002e", Hidden),
        // What is no escape.
        ("/%", Escape),
        ("/%2", Escape),
        ("/%zz", Escape),
        ("/%u002e", Escape),
        ("/%+f", Escape),
        ("/% 2", Escape),
        ("/%é", Escape),
        // Overlong dots and slashes, cut sequences, Latin-1.
        ("/%c0%ae%c0%ae/a", Encoding),
        ("/a%c0%afb", Encoding),
        ("/%e0%80%ae", Encoding),
        ("/%ed%a0%80", Encoding),
        ("/caf%e9", Encoding),
        // What no request target holds.
        ("/a\\b", Character),
        ("/\\evil", Character),
        ("/a b", Character),
        ("/a\tb", Character),
        ("/a\r\nb", Character),
        ("/a\0b", Character),
        ("/a\u{7f}", Character),
        ("/café", Character),
        ("/a?b", Character),
        ("/a#b", Character),
        ("/a\"b", Character),
        ("/<script>", Character),
        ("/a`b", Character),
        ("/{a}", Character),
    ] {
        assert_eq!(normal(raw), Err(error), "{raw:?}");
    }
}

#[test]
fn spellings_of_one_path_become_one_r62() {
    for (raw, path) in [
        ("/", "/"),
        ("/api", "/api"),
        ("/api/", "/api/"),
        ("/%61pi", "/api"),
        ("/%7Euser/%2Ehidden", "/~user/.hidden"),
        ("/a%2db%5fc", "/a-b_c"),
        ("/caf%c3%a9", "/caf%C3%A9"),
        ("/a%20b", "/a%20b"),
        ("/%e4%bd%a0", "/%E4%BD%A0"),
        // Delimiters mean one thing raw and may mean another escaped: both stay.
        ("/a+b", "/a+b"),
        ("/a%2bb", "/a%2Bb"),
        ("/user%40example.com", "/user%40example.com"),
        ("/user@example.com", "/user@example.com"),
        ("/items;v=1/x", "/items;v=1/x"),
        ("/a;.;..", "/a;.;.."),
        // Browsers send these raw; other servers want them escaped.
        ("/[id]|^", "/%5Bid%5D%7C%5E"),
        ("/%5bid%5d%7c%5e", "/%5Bid%5D%7C%5E"),
        ("/100%25", "/100%25"),
        ("/100%25/x", "/100%25/x"),
        ("/100%25off", "/100%25off"),
        ("/.well-known/x", "/.well-known/x"),
        ("/a..b/..c/d..", "/a..b/..c/d.."),
        ("/!$&'()*,=:", "/!$&'()*,=:"),
    ] {
        assert_eq!(normal(raw).as_deref(), Ok(path), "{raw:?}");
    }
}

#[test]
fn prefixes_are_whole_segments() {
    for (path, prefix, under) in [
        ("/api", "/api", true),
        ("/api/", "/api", true),
        ("/api/x", "/api", true),
        ("/api/x", "/api/", true),
        ("/api/x", "/api/x", true),
        ("/api", "/", true),
        ("/", "/", true),
        ("/", "", true),
        ("/apix", "/api", false),
        ("/ap", "/api", false),
        ("/API", "/api", false),
        ("/", "/api", false),
        ("/api", "/api/x", false),
        ("/x/api", "/api", false),
        ("/api.", "/api", false),
        ("/api;x", "/api", false),
        ("/a%3Ab", "/a:b", false),
    ] {
        let path = NormalPath::parse(path).unwrap();
        assert_eq!(path.starts_with_segments(prefix), under, "{path:?} {prefix}");
        assert!(!under || path.may_start_with_segments(prefix), "{path:?} {prefix}");
    }
}

#[test]
fn some_server_could_read_it_as_the_prefix_r62() {
    for (path, prefix, may) in [
        ("/admin;x", "/admin", true),
        ("/admin;x/y", "/admin", true),
        ("/admin%3Bx/y", "/admin", true),
        ("/api;v=1/admin;x/y", "/api/admin", true),
        ("/admin./y", "/admin", true),
        ("/admin%20/y", "/admin", true),
        ("/a%3Ab/c", "/a:b", true),
        ("/a:b/c", "/a%3Ab", true),
        ("/a%2Bb", "/a+b", true),
        ("/admins;x", "/admin", false),
        ("/x;admin", "/admin", false),
        ("/x/admin", "/admin", false),
        ("/admi;n", "/admin", false),
        ("/ADMIN", "/admin", false),
    ] {
        let path = NormalPath::parse(path).unwrap();
        assert_eq!(path.may_start_with_segments(prefix), may, "{path:?} {prefix}");
    }
}

/// A path of fragments that attackers like.
fn nasty() -> impl Strategy<Value = String> {
    let fragment = select(vec![
        "/", "/", "/", "a", "admin", "api", "public", ".", "..", "%2e", "%2E", "%252e", "%252f",
        "%2f", "%5c", "\\", ";", "%3b", "=", "x", "%61", "%41", "%2561", "%25", "%", "25", "2e",
        "%00", "%20", " ", "+", "%2B", ":", "%3A", "..;", "%c0%ae", "é", "%C3%A9", "%u002e",
        "%25u", "[", "%5d", "|", "//", "~", "%7e", "?", "#",
    ]);
    vec(fragment, 0..10).prop_map(|fragments| format!("/{}", fragments.concat()))
}

/// Mostly paths that are let through.
fn plausible() -> impl Strategy<Value = String> {
    let fragment = select(vec![
        "admin", "api", "public", "a", "%61", "%61dmin", "x", ".x", "..x", "x.", "x%20", ";",
        ";v=1", "%3b", "+", "%2b", ":", "%3A", "%25", "%25x", "[", "%5b", "%c3%a9", "%20", ".",
    ]);
    let segment = vec(fragment, 1..4).prop_map(|fragments| fragments.concat());
    vec(segment, 0..5).prop_map(|segments| format!("/{}", segments.join("/")))
}

/// What an upstream may make of a path before it routes: segments of bytes.
mod upstream {
    pub(super) fn literal(path: &[u8]) -> Vec<u8> {
        path.to_vec()
    }

    /// One round of percent-decoding as lenient servers do it, IIS's `%uXXXX` included.
    pub(super) fn decode(path: &[u8]) -> Vec<u8> {
        let hex = |digits: &[u8]| {
            let text = std::str::from_utf8(digits).ok()?;
            text.bytes()
                .all(|b| b.is_ascii_hexdigit())
                .then(|| u32::from_str_radix(text, 16).ok())?
        };
        let (mut out, mut at) = (Vec::new(), 0);
        while at < path.len() {
            let (code, length) = match &path[at..] {
                [b'%', b'u' | b'U', rest @ ..] if rest.len() >= 4 => (hex(&rest[..4]), 6),
                [b'%', rest @ ..] if rest.len() >= 2 => (hex(&rest[..2]), 3),
                _ => (None, 1),
            };
            match code.and_then(|code| u8::try_from(code).ok()) {
                Some(byte) => {
                    out.push(byte);
                    at += length;
                }
                None => {
                    out.push(path[at]);
                    at += 1;
                }
            }
        }
        out
    }

    pub(super) fn cut_parameters(path: &[u8]) -> Vec<u8> {
        let segments = path.split(|b| *b == b'/');
        let cut: Vec<_> =
            segments.map(|segment| segment.split(|b| *b == b';').next().unwrap()).collect();
        cut.join(&b'/')
    }

    /// Windows: dots and spaces at a name's end do not count.
    pub(super) fn trim_ends(path: &[u8]) -> Vec<u8> {
        let segments = path.split(|b| *b == b'/').map(|segment| {
            let end = segment.iter().rposition(|b| !b". ".contains(b)).map_or(0, |at| at + 1);
            // `..` is a parent before it is a name.
            if segment.iter().all(|b| *b == b'.') { segment } else { &segment[..end] }
        });
        segments.collect::<Vec<_>>().join(&b'/')
    }

    /// Backslashes are slashes; empty and dot segments go, a NUL ends everything.
    pub(super) fn merge(path: &[u8]) -> Vec<Vec<u8>> {
        let path = path.split(|b| *b == 0).next().unwrap();
        let mut segments: Vec<Vec<u8>> = Vec::new();
        for segment in path.split(|b| matches!(b, b'/' | b'\\')) {
            match segment {
                b"" | b"." => {}
                b".." => drop(segments.pop()),
                name => segments.push(name.to_vec()),
            }
        }
        segments
    }
}

type Step = fn(&[u8]) -> Vec<u8>;

/// Readings that leave path parameters and trailing dots alone, then those that do not.
const READINGS: [&[Step]; 3] =
    [&[upstream::literal], &[upstream::decode], &[upstream::decode, upstream::decode]];
const WIDE_READINGS: [&[Step]; 8] = [
    &[upstream::cut_parameters],
    &[upstream::trim_ends],
    &[upstream::cut_parameters, upstream::decode],
    &[upstream::decode, upstream::cut_parameters],
    &[upstream::decode, upstream::decode, upstream::cut_parameters],
    &[upstream::cut_parameters, upstream::decode, upstream::decode],
    &[upstream::decode, upstream::cut_parameters, upstream::trim_ends],
    &[upstream::cut_parameters, upstream::decode, upstream::trim_ends],
];

fn read(path: &NormalPath, steps: &[Step]) -> Vec<Vec<u8>> {
    let bytes = path.as_str().as_bytes().to_vec();
    upstream::merge(&steps.iter().fold(bytes, |bytes, step| step(&bytes)))
}

fn segments(prefix: &str) -> Vec<Vec<u8>> {
    upstream::merge(prefix.as_bytes())
}

const PREFIXES: [&str; 8] =
    ["/", "/admin", "/api", "/public", "/a", "/x", "/api/admin", "/public/api"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8192))]

    #[test]
    fn normal_form_is_final(raw in prop_oneof![nasty(), plausible(), any::<String>(), "/[ -~]{0,20}"]) {
        if let Ok(path) = NormalPath::parse(&raw) {
            let again = NormalPath::parse(path.as_str());
            prop_assert_eq!(again.as_ref(), Ok(&path));
            prop_assert!(path.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
            // It grows only by what browsers leave raw and we escape.
            let raw_brackets = raw.bytes().filter(|byte| b"[]|^".contains(byte)).count();
            prop_assert!(path.as_str().len() <= raw.len() + 2 * raw_brackets);
            // http's own parser takes it as a request target and changes nothing.
            let uri: http::Uri = path.as_str().parse().unwrap();
            prop_assert_eq!(uri.path(), path.as_str());
            // So does a browser's.
            let url = url::Url::parse("https://shop.example.com").unwrap().join(path.as_str()).unwrap();
            prop_assert_eq!(url.path(), path.as_str());
            prop_assert_eq!(url.host_str(), Some("shop.example.com"));
        }
    }

    /// R62: an upstream that decodes once or twice and merges dots and slashes sees the same route,
    /// and the first segment that we saw.
    #[test]
    fn decoding_and_merging_change_no_route(raw in prop_oneof![nasty(), plausible()]) {
        if let Ok(path) = NormalPath::parse(&raw) {
            let first = upstream::decode(path.as_str()[1..].split('/').next().unwrap().as_bytes());
            for steps in READINGS {
                let reading = read(&path, steps);
                for prefix in PREFIXES {
                    prop_assert_eq!(
                        reading.starts_with(&segments(prefix)),
                        path.starts_with_segments(prefix),
                        "{:?} {}", &path, prefix
                    );
                }
                let seen = upstream::decode(reading.first().map_or(&b""[..], Vec::as_slice));
                prop_assert_eq!(&seen, &first);
            }
        }
    }

    /// R62: servers that cut parameters off or trim names see at most what could be read.
    #[test]
    fn no_reading_goes_beyond_what_may_be_read(raw in prop_oneof![nasty(), plausible()]) {
        if let Ok(path) = NormalPath::parse(&raw) {
            for steps in READINGS.iter().chain(&WIDE_READINGS) {
                let reading = read(&path, steps);
                for prefix in PREFIXES {
                    if reading.starts_with(&segments(prefix)) {
                        prop_assert!(path.may_start_with_segments(prefix), "{:?} {}", &path, prefix);
                    }
                }
            }
            for prefix in PREFIXES {
                prop_assert!(!path.starts_with_segments(prefix) || path.may_start_with_segments(prefix));
            }
        }
    }

    /// One path, however many of its characters are written as escapes.
    #[test]
    fn escaping_unreserved_characters_changes_nothing(
        path in "(/[a-z0-9_~-]{1,8}){1,4}/?", escaped in vec(any::<bool>(), 64), upper in any::<bool>(),
    ) {
        let spelled: String = path.chars().zip(escaped.iter().cycle()).map(|(c, escape)| match (c, escape, upper) {
            ('/', ..) | (_, false, _) => c.to_string(),
            (_, true, true) => format!("%{:02X}", u32::from(c)),
            (_, true, false) => format!("%{:02x}", u32::from(c)),
        }).collect();
        prop_assert_eq!(normal(&spelled), Ok(path));
    }
}

#[test]
fn every_spelling_that_a_server_takes_for_a_path_may_be_it() {
    let login = "/api/Login";
    for (path, may_be, in_a_format) in [
        ("/api/Login", true, false),
        ("/api/Login/", true, false),
        ("/API/login", true, false),
        ("/api/Login;v=1", true, false),
        ("/api/%4cogin", true, false),
        ("/api/Login.", true, false),
        ("/API/LOGIN;v=1", true, false),
        ("/api/login%20/", true, false),
        ("/api/login.json", false, true),
        ("/API/Login.XML;v=1", false, true),
        ("/api.json/login", false, false),
        ("/api/login.reset-password", false, false),
        ("/api/login.a/b", false, false),
        ("/api/Login/otp", false, false),
        ("/api/Logins", false, false),
        ("/api", false, false),
        ("/", false, false),
    ] {
        let path = NormalPath::parse(path).expect("a path");
        assert_eq!(path.may_be(login), may_be, "{path:?}");
        assert_eq!(path.may_be_in_a_format(login), in_a_format, "{path:?}");
    }
}
