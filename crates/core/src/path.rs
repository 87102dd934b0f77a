//! Paths in normal form: what is matched is what is forwarded (R62).
//!
//! Whatever two servers could read differently is refused; what all read alike is written in one way.
//!
//! - Refused: encoded `/`, `\`, NUL and other controls; dot segments, raw or encoded, also with spaces
//!   or path parameters behind them (`..;`); empty segments; an escaped percent sign that makes an
//!   escape with what follows (`%252e`, `%2541`); backslashes; characters that no URL has; broken
//!   escapes; bytes that are not UTF-8 (`%c0%ae`).
//! - Written in one way: escapes of unreserved characters are decoded (`%61pi` is `api`), all others
//!   have upper-case digits; `[`, `]`, `|` and `^`, which browsers send as they are, are escaped.
//!
//! So a second round of decoding finds nothing to decode, and no merging of dots or slashes finds
//! anything to merge. Two things stay that some servers read differently, because applications use
//! them: path parameters (`/a;v=1`) and escaped delimiters (`/a%2Bb`). For them there is
//! [`NormalPath::may_start_with_segments`].
//!
//! Case counts, and Unicode is not normalised: behind a server that folds either, no route may rely on
//! another spelling's being a different resource.

#[cfg(test)]
mod tests;

/// A path in normal form. Only [`NormalPath::parse`] makes one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NormalPath(String);

/// Why a path is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// It does not begin with a slash.
    #[error("the path does not begin with a slash")]
    NotAbsolute,
    /// It has a character that must be escaped, or a backslash.
    #[error("the path has a character that no path has")]
    Character,
    /// It has a `%` that two hexadecimal digits do not follow.
    #[error("the path has a broken escape")]
    Escape,
    /// Its escapes are not UTF-8: some decoders read a dot or slash into overlong forms.
    #[error("the path is not UTF-8")]
    Encoding,
    /// It hides a separator, a control or another escape in an escape.
    #[error("the path hides a separator, a control or an escape in an escape")]
    Hidden,
    /// It has a dot segment or an empty one.
    #[error("the path has a dot segment or an empty segment")]
    Segment,
}

impl NormalPath {
    /// Brings `raw`, the path of a request target without its query, into normal form.
    ///
    /// # Errors
    /// When servers could disagree about what it names.
    ///
    /// ```
    /// use cloakroom_core::path::NormalPath;
    ///
    /// assert_eq!(NormalPath::parse("/%61pi/caf%c3%a9")?.as_str(), "/api/caf%C3%A9");
    /// assert!(NormalPath::parse("/public/..;/admin").is_err());
    /// # Ok::<_, cloakroom_core::path::PathError>(())
    /// ```
    pub fn parse(raw: &str) -> Result<Self, PathError> {
        if !raw.starts_with('/') {
            return Err(PathError::NotAbsolute);
        }
        let normal = rewrite(raw)?;
        if makes_escapes(&normal) {
            return Err(PathError::Hidden);
        }
        if String::from_utf8(decoded(&normal)).is_err() {
            return Err(PathError::Encoding);
        }
        let mut segments = normal[1..].split('/').peekable();
        while let Some(segment) = segments.next() {
            let trailing_slash = segment.is_empty() && segments.peek().is_none();
            if !trailing_slash && is_blank_or_dots(segment) {
                return Err(PathError::Segment);
            }
        }
        Ok(Self(normal))
    }

    /// The path: it begins with a slash and is visible ASCII.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is `prefix` or lies below it, by whole segments, byte for byte.
    pub fn starts_with_segments(&self, prefix: &str) -> bool {
        match self.0.strip_prefix(prefix.trim_end_matches('/')) {
            Some(rest) => rest.is_empty() || rest.starts_with('/'),
            None => false,
        }
    }

    /// Whether some server could read it as `prefix` or something below it.
    ///
    /// Wider than [`NormalPath::starts_with_segments`]: path parameters do not count, nor dots and
    /// spaces at a segment's end, and an escape is the same as its character. Where the two choose
    /// different routes, the request is ambiguous and not to be let through.
    ///
    /// ```
    /// use cloakroom_core::path::NormalPath;
    ///
    /// let path = NormalPath::parse("/admin;x/users")?;
    /// assert!(!path.starts_with_segments("/admin"));
    /// assert!(path.may_start_with_segments("/admin"));
    /// # Ok::<_, cloakroom_core::path::PathError>(())
    /// ```
    pub fn may_start_with_segments(&self, prefix: &str) -> bool {
        let mut own = self.0.split('/');
        prefix
            .trim_end_matches('/')
            .split('/')
            .all(|wanted| own.next().is_some_and(|segment| loosely(segment) == loosely(wanted)))
    }

    /// Whether some server could read it as `path` itself.
    ///
    /// Wider still than [`NormalPath::may_start_with_segments`]: case does not count (Express), nor a
    /// slash at the end.
    ///
    /// ```
    /// use cloakroom_core::path::NormalPath;
    ///
    /// assert!(NormalPath::parse("/API/login;x/")?.may_be("/api/login"));
    /// assert!(!NormalPath::parse("/api/login/otp")?.may_be("/api/login"));
    /// # Ok::<_, cloakroom_core::path::PathError>(())
    /// ```
    pub fn may_be(&self, path: &str) -> bool {
        loose_segments(&self.0) == loose_segments(path)
    }

    /// Whether some server could read it as `path` and the format in which the answer is wanted, as Rails
    /// does with what follows the last dot: `/login.json`.
    ///
    /// For requests that change something: `/logout.svg` may well be a picture.
    pub fn may_be_in_a_format(&self, path: &str) -> bool {
        let mut own = loose_segments(&self.0);
        let Some(last) = own.last_mut() else { return false };
        let Some(dot) = last.iter().rposition(|byte| *byte == b'.') else { return false };
        let is_format = last[dot + 1..].iter().all(u8::is_ascii_alphanumeric);
        last.truncate(dot);
        is_format && own == loose_segments(path)
    }
}

/// Decodes what is the same decoded, and escapes the rest in one way.
fn rewrite(raw: &str) -> Result<String, PathError> {
    let mut normal = String::with_capacity(raw.len());
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let (Some(high), Some(low)) = (bytes.next(), bytes.next()) else {
                return Err(PathError::Escape);
            };
            push_escaped(&mut normal, decode(high, low).ok_or(PathError::Escape)?)?;
        } else if is_path_character(byte) {
            normal.push(char::from(byte));
        } else if b"[]|^".contains(&byte) {
            push_escaped(&mut normal, byte)?;
        } else {
            return Err(PathError::Character);
        }
    }
    Ok(normal)
}

fn push_escaped(normal: &mut String, decoded: u8) -> Result<(), PathError> {
    match decoded {
        b'/' | b'\\' | 0..=0x1f | 0x7f => Err(PathError::Hidden),
        byte if is_unreserved(byte) => {
            normal.push(char::from(byte));
            Ok(())
        }
        byte => {
            normal.push_str(&format!("%{byte:02X}"));
            Ok(())
        }
    }
}

/// Whether decoding makes a new escape, of whatever: `%2541` becomes `%41`, and `%25u002e` is a dot to
/// IIS. Names with a percent sign and two such digits behind it are the price.
fn makes_escapes(normal: &str) -> bool {
    normal.match_indices("%25").any(|(at, escape)| match normal.as_bytes()[at + escape.len()..] {
        [b'u' | b'U', ..] => true,
        [high, low, ..] => decode(high, low).is_some(),
        _ => false,
    })
}

/// Whether a segment is nothing but dots to a server that cuts parameters off (Tomcat) or trims spaces
/// (Windows), or nothing at all.
fn is_blank_or_dots(segment: &str) -> bool {
    decoded(without_parameters(segment)).iter().all(|byte| matches!(byte, b'.' | b' '))
}

fn loosely(segment: &str) -> Vec<u8> {
    let mut bytes = decoded(without_parameters(segment));
    while let Some(b'.' | b' ') = bytes.last() {
        bytes.pop();
    }
    bytes
}

/// The segments to a server that folds case and takes a slash at the end for nothing.
fn loose_segments(path: &str) -> Vec<Vec<u8>> {
    let segments = path.trim_end_matches('/').split('/');
    segments.map(|segment| loosely(segment).to_ascii_lowercase()).collect()
}

fn without_parameters(segment: &str) -> &str {
    let end = [segment.find(';'), segment.find("%3B")].into_iter().flatten().min();
    &segment[..end.unwrap_or(segment.len())]
}

/// One round of decoding; what is no escape stays.
fn decoded(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = match rest {
            [b'%', high, low, ..] => decode(*high, *low),
            _ => None,
        };
        out.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &rest[3..] } else { tail };
    }
    out
}

fn decode(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// RFC 3986 §3.3: unreserved, sub-delims, `:`, `@`, and the slash between segments.
fn is_path_character(byte: u8) -> bool {
    is_unreserved(byte) || b"!$&'()*+,;=:@/".contains(&byte)
}
