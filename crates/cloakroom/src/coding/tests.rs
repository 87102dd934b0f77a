use base64::{Engine, engine::general_purpose::STANDARD};
use http::HeaderValue;

use super::*;

const LIMIT: usize = 1024;

/// Made by other programs: Python's gzip and zlib, Node's brotli.
const GZIP: &str = "H4sIAAAAAAACA6tWKsnPTs1TslJKVNJRKkhMScnMSwfyKoYJUKoFACqpomniAAAA";
const ZLIB: &str = "eJyrVirJz07NU7JSSlTSUSpITEnJzEsH8iqGCVCqBQDBY2XC";
const RAW_DEFLATE: &str = "q1Yqyc9OzVOyUkpU0lEqSExJycxLB/IqhglQqgUA";
const BROTLI: &str = "G+EA+I3UYs0Z7tQiYXh7k0WnDzbggDnQIp6EbgcegMUaXV4JS3xgaA==";
/// 64 MiB of `x`.
const BROTLI_BOMB: &str = "y///PwAk8OKxQHLv//j//weABEAcFoDu/R////8AkACIwwLQvf/j//8fABIAcVgAuvd//P//A0ACIA4LQPf+j///fwBIAMRhAeje//H//w8ACYA4LADd+7/8//8DIAEQhwWge/8H";

fn decode_base64(coding: &'static str, body: &str, limit: usize) -> Result<Bytes, CodingError> {
    let headers = HeaderMap::from_iter([(CONTENT_ENCODING, HeaderValue::from_static(coding))]);
    decode(&headers, STANDARD.decode(body).expect("base64").into(), limit)
}

#[test]
fn every_usual_coding_is_understood() {
    let text = format!("{{\"token\":\"a\",\"padding\":\"{}\"}}", "x".repeat(200));
    for (coding, body) in [
        ("gzip", GZIP),
        ("GZIP", GZIP),
        ("x-gzip", GZIP),
        ("deflate", ZLIB),
        ("deflate", RAW_DEFLATE),
        ("br", BROTLI),
    ] {
        assert_eq!(decode_base64(coding, body, LIMIT).as_deref(), Ok(text.as_bytes()), "{coding}");
        let short = decode_base64(coding, body, text.len() - 1);
        assert_eq!(short, Err(CodingError::TooLong(text.len() - 1)), "{coding}");
    }
    let plain = decode(&HeaderMap::new(), Bytes::from_static(b"{}"), 2);
    assert_eq!(plain.as_deref(), Ok(&b"{}"[..]));
    assert_eq!(
        decode(&HeaderMap::new(), Bytes::from_static(b"{ }"), 2),
        Err(CodingError::TooLong(2))
    );
}

#[test]
fn r71_a_bomb_ends_at_the_limit() {
    assert_eq!(read(std::io::repeat(b'x'), LIMIT), Err(CodingError::TooLong(LIMIT)), "no end");
    assert_eq!(decode_base64("br", BROTLI_BOMB, LIMIT), Err(CodingError::TooLong(LIMIT)));
}

#[test]
fn what_cannot_be_read_is_not_guessed() {
    assert_eq!(decode_base64("zstd", GZIP, LIMIT), Err(CodingError::Unknown));
    assert_eq!(decode_base64("gzip, br", GZIP, LIMIT), Err(CodingError::Unknown));
    for coding in ["gzip", "deflate", "br"] {
        assert_eq!(
            decode_base64(coding, "bm9uc2Vuc2Ugd2l0aG91dCBlbmQ=", LIMIT),
            Err(CodingError::Broken),
            "{coding}"
        );
    }
    let cut = &GZIP[..GZIP.len() - 16];
    assert_eq!(decode_base64("gzip", cut, LIMIT), Err(CodingError::Broken));
    let mut both = HeaderMap::new();
    both.append(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    both.append(CONTENT_ENCODING, HeaderValue::from_static("br"));
    assert_eq!(decode(&both, Bytes::new(), LIMIT), Err(CodingError::Unknown));
}
