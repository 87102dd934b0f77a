use std::net::Ipv4Addr;

use super::*;

const PAGE: (&str, &str) = ("accept", "text/html,*/*");

fn ask(method: &str, target: &str, headers: &[(&str, &str)]) -> (u16, Option<String>) {
    let origins = ["https://shop.example.com:8443", "https://admin.example.com", "https://[::1]"];
    let origins = origins.map(|url| PublicOrigin::new(&url.parse().unwrap()).unwrap());
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 4711));
    let answer = Plain::new(origins.into()).answer::<Empty<bytes::Bytes>>(&parts, peer);
    let headers = answer.headers();
    assert_eq!(headers.get(CONNECTION).unwrap(), "close");
    // RFC 6797 §7.2: never by plain http; and nothing is set here.
    assert!(!headers.contains_key("strict-transport-security"));
    assert!(!headers.contains_key("set-cookie"));
    let location = headers.get(LOCATION).map(|value| value.to_str().unwrap().to_owned());
    (answer.status().as_u16(), location)
}

#[test]
fn f3_who_opens_a_page_is_led_to_it_by_https() {
    let page = |host| [("host", host), PAGE];
    for (host, target, location) in [
        ("shop.example.com", "/", "https://shop.example.com:8443/"),
        ("SHOP.example.com:80", "/a/b?c=d&e=//f", "https://shop.example.com:8443/a/b?c=d&e=//f"),
        ("admin.example.com:8080", "/x", "https://admin.example.com/x"),
        ("[::1]:80", "/x", "https://[::1]/x"),
        ("[::1]", "/x", "https://[::1]/x"),
        ("shop.example.com", "http://shop.example.com/x", "https://shop.example.com:8443/x"),
    ] {
        for method in ["GET", "HEAD"] {
            let expected = (308, Some(location.to_owned()));
            assert_eq!(ask(method, target, &page(host)), expected, "{host} {target}");
        }
    }
    let host = ("host", "admin.example.com");
    for headers in [&[host][..], &[host, ("sec-fetch-mode", "navigate"), ("accept", "*/*")]] {
        assert_eq!(ask("GET", "/", headers).0, 308, "{headers:?}");
    }
    assert_eq!(ask("GET", "/.well-known/acme-challenge/x", &[host, ("accept", "*/*")]).0, 308);
}

#[test]
fn f3_everything_else_is_refused() {
    let host = ("host", "admin.example.com");
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE", "PROPFIND"] {
        assert_eq!(ask(method, "/", &[host, PAGE]), (403, None), "{method}");
    }
    for headers in [
        [host, ("accept", "application/json")],
        [host, ("accept", "*/*")],
        [host, ("sec-fetch-mode", "cors")],
        [host, ("authorization", "Bearer x")],
        // A handshake of WebSockets, which says as little as a renewing authority does.
        [host, ("upgrade", "websocket")],
    ] {
        assert_eq!(ask("GET", "/api/orders", &headers), (403, None), "{headers:?}");
    }
}

/// R67: never to where the request says.
#[test]
fn r67_only_to_an_origin_of_ours() {
    let page = |host| [("host", host), PAGE];
    for host in [
        "evil.example",
        "shop.example.com.evil.example",
        "192.0.2.1",
        "",
        "shop.example.com@evil.example",
    ] {
        assert_eq!(ask("GET", "/", &page(host)), (421, None), "{host}");
    }
    let two = [("host", "admin.example.com"), ("host", "evil.example"), PAGE];
    assert_eq!(ask("GET", "/", &two), (400, None));
    assert_eq!(ask("GET", "/", &[PAGE]), (400, None));
    let other = page("admin.example.com");
    assert_eq!(ask("GET", "http://evil.example/", &other), (400, None));
    for path in ["//evil.example", "/%2f/evil.example", "/a/../b", "/\\evil.example"] {
        let Ok(_) = path.parse::<Uri>() else { continue };
        assert_eq!(ask("GET", path, &other), (400, None), "{path}");
    }
}
