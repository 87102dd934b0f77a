//! Reading `Cookie` headers as browsers write them (RFC 6265bis §5.8.3).

use http::{HeaderMap, HeaderValue, header::COOKIE};

use super::CookieName;

/// How often a name comes in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// Not at all.
    Absent,
    /// Once, with this value.
    One(&'a [u8]),
    /// More than once: nobody can tell which one is ours (R27).
    Duplicate,
}

/// Looks for `name` in all `Cookie` headers.
///
/// ```
/// use cloakroom_core::cookie::{CookieName, Found, find};
/// use http::{HeaderMap, HeaderValue, header::COOKIE};
///
/// let name = CookieName::host("session")?;
/// let mut headers = HeaderMap::new();
/// headers.insert(COOKIE, HeaderValue::from_static("theme=dark; __Host-session=abc"));
/// assert_eq!(find(&headers, &name), Found::One(b"abc"));
/// headers.append(COOKIE, HeaderValue::from_static("__Host-session=abc"));
/// assert_eq!(find(&headers, &name), Found::Duplicate);
/// # Ok::<_, cloakroom_core::cookie::CookieNameError>(())
/// ```
pub fn find<'a>(headers: &'a HeaderMap, name: &CookieName) -> Found<'a> {
    let wanted = name.as_str().as_bytes();
    let mut values = pairs(headers).filter(|(name, _)| *name == wanted).map(|(_, value)| value);
    match (values.next(), values.next()) {
        (None, _) => Found::Absent,
        (Some(value), None) => Found::One(value),
        (Some(_), Some(_)) => Found::Duplicate,
    }
}

/// Every `name=value` of all `Cookie` headers; what has no `=` or no name is skipped.
pub fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&[u8], &[u8])> {
    headers.get_all(COOKIE).iter().flat_map(|header| crumbs(header.as_bytes())).filter_map(split)
}

/// Takes the cookies that `is_ours` names out of a request; the others stay byte for byte (R35).
///
/// What is no pair at all (`=value`, `value`) goes too: a server behind us may read a name into it.
pub fn strip(headers: &mut HeaderMap, is_ours: impl Fn(&[u8]) -> bool) {
    let stays = |crumb: &&[u8]| split(crumb).is_some_and(|(name, _)| !is_ours(name));
    if headers.get_all(COOKIE).iter().all(|header| crumbs(header.as_bytes()).all(|c| stays(&c))) {
        return;
    }
    let kept: Vec<HeaderValue> = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| {
            let kept: Vec<&[u8]> = crumbs(header.as_bytes()).filter(stays).collect();
            // A part of a legal header value is one itself.
            (!kept.is_empty()).then(|| HeaderValue::from_bytes(&kept.join(&b"; "[..])).ok())?
        })
        .collect();
    headers.remove(COOKIE);
    for value in kept {
        headers.append(COOKIE, value);
    }
}

/// The parts between semicolons, without the spaces that browsers put there.
fn crumbs(header: &[u8]) -> impl Iterator<Item = &[u8]> {
    header.split(|byte| *byte == b';').map(trim)
}

fn split(crumb: &[u8]) -> Option<(&[u8], &[u8])> {
    let equals = crumb.iter().position(|byte| *byte == b'=')?;
    let name = trim(&crumb[..equals]);
    (!name.is_empty()).then_some((name, trim(&crumb[equals + 1..])))
}

/// Space and tab alone: `U+2000` before a name makes another name (R26).
fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}
