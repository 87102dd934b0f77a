//! The service's answers in all their shapes: lifted for certain, passed untouched, or refused.

use cloakroom_testkit::login_service::{Answer, Issued};
use cloakroom_testkit::{Browser, Fault};

use super::{Shop, whole};
use crate::world::{assert_problem, cookie};

pub(super) fn body(body: impl Into<Vec<u8>>) -> Answer {
    Answer { body: body.into(), ..Answer::default() }
}

pub(super) fn with_header(answer: Answer, name: &str, value: &str) -> Answer {
    let mut answer = answer;
    answer.headers.push((name.to_owned(), value.to_owned()));
    answer
}

#[tokio::test]
async fn every_byte_around_the_tokens_stays() {
    let shop = Shop::configured(|config| {
        config.set("provider", "tokens = { access = '/data/a~1b/0', refresh = '/data/r' }")
    })
    .await;
    shop.service.answer_logins(|issued| {
        let (access, refresh) = (&issued.access_token, &issued.refresh_token);
        body(format!(
            "\r\n{{ \"z\" :1.50e+2 ,\"data\":{{\"a/b\":[ \"{access}\" ,2],\"r\":\"{refresh}\" }},\"\\u00e9\":\"\\/\" }}\n"
        ))
    });
    let browser = Browser::new();
    let answer = shop.log_in(&browser).await;
    let expected = "\r\n{ \"z\" :1.50e+2 ,\"data\":{\"a/b\":[ 2] },\"\\u00e9\":\"\\/\" }\n";
    assert_eq!(answer.text(), expected);
    assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
    assert_eq!(shop.whoami(&browser).await.json()["sub"], "anna");
}

/// Asked for or not: gzip, deflate and br are understood; what the browser gets is plain.
#[tokio::test]
async fn compressed_answers_are_understood() {
    use std::io::Write as _;
    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }
    fn deflate(text: &[u8]) -> Vec<u8> {
        let mut encoder =
            flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }
    /// Brotli's shortest way of saying something: one stored block, and an empty last one (RFC 7932 §9).
    fn brotli(text: &[u8]) -> Vec<u8> {
        let length = u32::try_from(text.len() - 1).unwrap();
        assert!(length < 1 << 16);
        // WBITS 16, not the last, four nibbles of length, stored.
        let head = length << 4 | 1 << 20;
        [&head.to_le_bytes()[..3], text, &[3]].concat()
    }
    let shop = Shop::start().await;
    type Encode = fn(&[u8]) -> Vec<u8>;
    let codings: [(&str, Encode); 3] = [("gzip", gzip), ("deflate", deflate), ("br", brotli)];
    for (coding, encode) in codings {
        shop.service.answer_logins(move |issued| {
            let encoded = encode(issued.answer.to_string().as_bytes());
            with_header(body(encoded), "content-encoding", coding)
        });
        let browser = Browser::new();
        let answer = shop.log_in(&browser).await;
        assert_eq!(answer.status, 200, "{coding}: {answer:?}\n{}", shop.gateway.log());
        assert_eq!(answer.header("content-encoding"), None, "{coding}");
        assert_eq!(answer.json()["user"]["name"], "anna", "{coding}");
        shop.assert_free_of_tokens(&[&whole(&answer)]);
        assert_eq!(shop.whoami(&browser).await.json()["sub"], "anna", "{coding}");
    }
    // R71: a bomb ends at the bound.
    shop.service.answer_logins(|_| {
        with_header(body(gzip(&vec![b' '; 64 << 20])), "content-encoding", "gzip")
    });
    assert_problem(&shop.log_in(&Browser::new()).await, 502, "login-answer-unusable");
    shop.service.answer_logins(|_| with_header(body("{}"), "content-encoding", "zstd"));
    assert_problem(&shop.log_in(&Browser::new()).await, 502, "login-answer-unusable");
}

#[tokio::test]
async fn what_could_hold_a_token_and_cannot_be_read_for_certain_is_refused() {
    let shop = Shop::start().await;
    type Rewrite = fn(&Issued) -> Answer;
    let cases: [(&str, Rewrite); 15] = [
        ("a member twice", |issued| {
            body(format!("{{\"token\":\"{}\",\"token\":\"x\"}}", issued.access_token))
        }),
        ("the same by an escape", |issued| {
            body(format!("{{\"\\u0074oken\":\"{}\",\"token\":\"x\"}}", issued.access_token))
        }),
        ("a token elsewhere too", |issued| {
            body(format!("{{\"token\":\"{0}\",\"jwt\":\"{0}\"}}", issued.access_token))
        }),
        ("broken JSON", |issued| body(format!("{{\"token\":\"{}\"", issued.access_token))),
        ("a byte order mark", |issued| {
            body(format!("\u{feff}{{\"token\":\"{}\"}}", issued.access_token))
        }),
        ("JSON under another name", |issued| {
            let broken = body(format!("{{\"token\":\"{}\",}}", issued.access_token));
            with_header(broken, "content-type", "text/html")
        }),
        ("a refresh token alone", |issued| {
            body(format!("{{\"refreshToken\":\"{}\"}}", issued.refresh_token))
        }),
        ("no text where the token should be", |_| body("{\"token\":{\"value\":\"x\"}}")),
        ("XML", |issued| {
            let xml = body(format!("<login><token>{}</token></login>", issued.access_token));
            with_header(xml, "content-type", "application/xml")
        }),
        ("a script (JSONP)", |issued| {
            let script = body(format!("done({})", issued.answer));
            with_header(script, "content-type", "text/javascript")
        }),
        ("JSON behind a guard against inclusion", |issued| {
            let guarded = body(format!(")]}}',\n{}", issued.answer));
            with_header(guarded, "content-type", "text/plain")
        }),
        ("JSON in UTF-16", |issued| {
            let wide = issued.answer.to_string();
            let wide: Vec<u8> = wide.encode_utf16().flat_map(u16::to_le_bytes).collect();
            with_header(body(wide), "content-type", "text/plain; charset=utf-16le")
        }),
        ("a JWT alone", |issued| {
            with_header(body(issued.access_token.clone()), "content-type", "text/plain")
        }),
        ("a part of it", |issued| {
            let part = body(&issued.answer.to_string().as_bytes()[2..]);
            with_header(part, "content-type", "application/octet-stream")
        }),
        ("more than 1 MiB", |issued| {
            body(format!(
                "{{\"token\":\"{}\",\"x\":\"{}\"}}",
                issued.access_token,
                "x".repeat(1 << 20)
            ))
        }),
    ];
    for (case, answer) in cases {
        shop.service.answer_logins(answer);
        let browser = Browser::new();
        let refused = shop.log_in(&browser).await;
        assert_problem(&refused, 502, "login-answer-unusable");
        shop.assert_free_of_tokens(&[&whole(&refused), &shop.gateway.log()]);
        assert!(cookie(&browser).is_none(), "{case}");
    }
    assert!(shop.gateway.log().contains("a member twice"), "the log says why");
}

#[tokio::test]
async fn a_success_without_a_token_passes_untouched() {
    let shop = Shop::start().await;
    let cases: [fn(&Issued) -> Answer; 5] = [
        |_| body("{ \"mfaRequired\" : true }"),
        |_| with_header(body("we sent you a code"), "content-type", "text/plain"),
        |_| with_header(body("<h1>Welcome</h1>"), "content-type", "text/html"),
        |_| body(""),
        |_| Answer { status: Some(204), ..Answer::default() },
    ];
    for answer in cases {
        shop.service.answer_logins(answer);
        let browser = Browser::new();
        let passed = shop.log_in(&browser).await;
        let issued = Issued {
            access_token: String::new(),
            refresh_token: String::new(),
            answer: serde_json::Value::Null,
        };
        assert_eq!(passed.body, answer(&issued).body, "{passed:?}");
        assert!(passed.status.is_success() && cookie(&browser).is_none());
    }
    assert!(
        shop.gateway.log().contains("has no token where tokens.access leads"),
        "{}",
        shop.gateway.log()
    );
}

/// A service that calls its JSON something else leaks no token for that.
#[tokio::test]
async fn json_under_another_name_is_lifted_too() {
    let shop = Shop::start().await;
    shop.service.answer_logins(|issued| {
        with_header(body(issued.answer.to_string()), "content-type", "text/html; charset=utf-8")
    });
    let browser = Browser::new();
    let answer = shop.log_in(&browser).await;
    shop.assert_free_of_tokens(&[&whole(&answer)]);
    assert!(shop.is_logged_in(&browser).await);
}

#[tokio::test]
async fn headers_that_repeat_a_token_are_taken_off_and_ours_cannot_be_set() {
    let shop = Shop::start().await;
    shop.service.answer_logins(|issued| {
        let token = &issued.access_token;
        let mut answer = body(issued.answer.to_string());
        for (name, value) in [
            ("authorization", format!("Bearer {token}")),
            ("set-cookie", format!("jwt={token}; Path=/")),
            ("location", format!("/?token={}", token.replace('.', "%2E"))),
            ("set-cookie", "theme=dark; Path=/".to_owned()),
            ("set-cookie", "__Host-session=planted; Path=/; Secure".to_owned()),
            ("etag", "\"of the whole body\"".to_owned()),
        ] {
            answer = with_header(answer, name, &value);
        }
        answer
    });
    let browser = Browser::new();
    let answer = shop.log_in(&browser).await;
    shop.assert_free_of_tokens(&[&whole(&answer)]);
    assert_eq!((answer.header("authorization"), answer.header("etag")), (None, None));
    assert_eq!(answer.header("location"), None, "escaped, it is still a token");
    let set = answer.header_all("set-cookie");
    assert_eq!(set.len(), 2, "{set:?}");
    assert!(set.contains(&"theme=dark; Path=/"), "the application's own stays");
    assert!(shop.is_logged_in(&browser).await);
}

#[tokio::test]
async fn the_service_s_failures_are_its_own() {
    let shop = Shop::start().await;
    shop.service.on_login(Fault::Status(500));
    let failed = shop.log_in(&Browser::new()).await;
    assert_eq!((failed.status.as_u16(), failed.text().contains("not well")), (500, true));
    shop.service.on_login(Fault::Garbage);
    assert_problem(&shop.log_in(&Browser::new()).await, 502, "login-answer-unusable");
    shop.service.on_login(Fault::CutBeforeRotation);
    assert_problem(&shop.log_in(&Browser::new()).await, 502, "upstream-unreachable");
    shop.service.on_login(Fault::Slow(std::time::Duration::from_millis(300)));
    assert_eq!(shop.log_in(&Browser::new()).await.status, 200);
}
