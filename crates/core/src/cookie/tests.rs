//! What browsers send and what attackers plant, byte for byte.

mod names;
mod properties;
mod reading;
mod writing;

use http::{HeaderMap, HeaderValue, header::COOKIE};

use super::{CookieName, ReservedNames};

fn session() -> CookieName {
    CookieName::host("session").unwrap()
}

fn ours(name: &[u8]) -> bool {
    ReservedNames::new([session()]).contains(name)
}

fn request<T: AsRef<[u8]>>(cookie_headers: &[T]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for header in cookie_headers {
        headers.append(COOKIE, HeaderValue::from_bytes(header.as_ref()).unwrap());
    }
    headers
}

fn cookie_headers(headers: &HeaderMap) -> Vec<&[u8]> {
    headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect()
}
