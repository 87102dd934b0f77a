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
/// The value comes as it was sent: quotes, escapes and whatever else are part of it (R26).
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
    headers.get_all(COOKIE).iter().flat_map(|header| parts(header.as_bytes())).filter_map(split)
}

/// Takes the cookies that `is_ours` names out of a request; the others stay byte for byte (R35).
///
/// Of what is no pair at all, such as `=__Host-session=x`, only that goes in which a server behind us
/// could read a name of ours; nothing is decided by it here ([`pairs`]).
pub fn strip(headers: &mut HeaderMap, is_ours: impl Fn(&[u8]) -> bool) {
    strip_but(headers, is_ours, None);
}

/// As [`strip`], but the pair `kept` stays; what only could be read as it goes.
pub fn strip_but(
    headers: &mut HeaderMap,
    is_ours: impl Fn(&[u8]) -> bool,
    kept: Option<&CookieName>,
) {
    let is_kept = |part: &[u8]| {
        kept.zip(split(part)).is_some_and(|(kept, (name, _))| kept.as_str().as_bytes() == name)
    };
    let ours = |part: &[u8]| is_ours(readable_name(part)) && !is_kept(part);
    if !headers.get_all(COOKIE).iter().any(|header| parts(header.as_bytes()).any(ours)) {
        return;
    }
    let kept: Vec<HeaderValue> =
        headers.get_all(COOKIE).iter().filter_map(|header| without(header, ours)).collect();
    headers.remove(COOKIE);
    for value in kept {
        headers.append(COOKIE, value);
    }
}

/// The name that some server could read in a part of a cookie header: equals signs before it are
/// skipped, because the nameless cookie `=__Host-session=x` comes back as `__Host-session=x`.
pub(super) fn readable_name(part: &[u8]) -> &[u8] {
    let start = part.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'='));
    let part = &part[start.unwrap_or(part.len())..];
    trim(part.split(|byte| *byte == b'=').next().unwrap_or_default())
}

/// `header` without the parts that are `ours`; `None` where nothing else is in it.
fn without(header: &HeaderValue, ours: impl Fn(&[u8]) -> bool) -> Option<HeaderValue> {
    let bytes = header.as_bytes();
    if !parts(bytes).any(&ours) {
        return Some(header.clone());
    }
    // The spaces stay with their parts: inside a quoted value they may mean something to a server.
    let kept = parts(bytes).filter(|part| !ours(part)).collect::<Vec<_>>().join(&b';');
    let kept = trim(&kept);
    if parts(kept).all(|part| trim(part).is_empty()) {
        return None;
    }
    // Parts of a legal header value are one themselves.
    let mut value = HeaderValue::from_bytes(kept).ok()?;
    value.set_sensitive(header.is_sensitive());
    Some(value)
}

/// What stands between semicolons, spaces included.
fn parts(header: &[u8]) -> impl Iterator<Item = &[u8]> {
    header.split(|byte| *byte == b';')
}

fn split(part: &[u8]) -> Option<(&[u8], &[u8])> {
    let equals = part.iter().position(|byte| *byte == b'=')?;
    let name = trim(&part[..equals]);
    (!name.is_empty()).then_some((name, trim(&part[equals + 1..])))
}

/// Without space and tab at both ends, as browsers trim a cookie when they store it.
///
/// Nothing else: `U+2000` before a name makes another name (R26).
fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}
