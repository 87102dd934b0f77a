//! What looks like a token.

/// The texts within `text` that are shaped like a JWT: three parts in base64url with dots between, of
/// which the first begins as every JSON object does in base64.
///
/// ```
/// use cloakroom_oauth::token_api::jwts;
///
/// let found: Vec<_> = jwts(b"{\"id_token\":\"eyJh.eyJi.-_\"}").collect();
/// assert_eq!(found, [b"eyJh.eyJi.-_"]);
/// assert_eq!(jwts(b"eyJh, eyJh.b").count(), 0);
/// ```
pub fn jwts(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let in_jwt = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    text.split(move |byte| !in_jwt(byte)).filter_map(|run| {
        let start = run.windows(3).position(|window| window == b"eyJ")?;
        let jwt = &run[start..];
        (jwt.iter().filter(|byte| **byte == b'.').count() >= 2).then_some(jwt)
    })
}

/// One round of percent-decoding; what is no escape stays.
pub(super) fn unescaped(bytes: &[u8]) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        let escaped = match rest {
            [b'%', high, low, ..] => digit(*high).zip(digit(*low)),
            _ => None,
        };
        out.push(escaped.map_or(*first, |(high, low)| high << 4 | low));
        rest = if escaped.is_some() { &rest[3..] } else { tail };
    }
    out
}

/// Whether a redirect to `location` would hand on a token: it has the beginning of a JWT, or a parameter,
/// in query or fragment, of one of `names`; also percent-encoded.
pub fn leads_off_with_token<'n>(location: &[u8], names: impl Iterator<Item = &'n str>) -> bool {
    let plain = unescaped(location);
    let begins = |text: &[u8]| text.windows(3).any(|window| window == b"eyJ");
    let mut parts = location.split(|byte| b"?#&;".contains(byte)).skip(1);
    let names: Vec<_> = names.collect();
    begins(location)
        || begins(&plain)
        || parts.any(|part| {
            let name = part.split(|byte| *byte == b'=').next().unwrap_or_default();
            let name = unescaped(name);
            names.iter().any(|known| known.as_bytes() == name)
        })
}
