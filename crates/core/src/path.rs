//! Paths in normal form: what is matched is what is forwarded (R62).
//!
//! Whatever two servers could read differently is refused; what all read alike is written in one way.
//!
//! - Refused: encoded `/`, `\`, NUL and other controls, also encoded twice; dot segments, raw or
//!   encoded; empty segments; path parameters on dots (`..;`); backslashes; characters that no URL has;
//!   broken escapes.
//! - Written in one way: escapes of unreserved characters are decoded (`%61pi` is `api`), all others
//!   have upper-case digits; `[`, `]`, `|` and `^`, which browsers send as they are, are escaped.

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
    /// It hides a separator, a control or another escape in an escape.
    #[error("the path hides a separator or control in an escape")]
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
        let normal = unescape(raw)?;
        let mut segments = normal[1..].split('/').peekable();
        while let Some(segment) = segments.next() {
            let last = segments.peek().is_none();
            // Some servers cut a segment's parameters off before they look for dots.
            let name = segment.split(';').next().unwrap_or_default();
            if matches!(name, "." | "..") || (name.is_empty() && !(last && segment.is_empty())) {
                return Err(PathError::Segment);
            }
        }
        Ok(Self(normal))
    }

    /// The path: it begins with a slash and is visible ASCII.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is `prefix` or lies below it, by whole segments; `prefix` has no slash at its end.
    pub fn starts_with_segments(&self, prefix: &str) -> bool {
        match self.0.strip_prefix(prefix) {
            Some(rest) => rest.is_empty() || rest.starts_with('/'),
            None => false,
        }
    }
}

fn unescape(raw: &str) -> Result<String, PathError> {
    let mut normal = String::with_capacity(raw.len());
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let (Some(high), Some(low)) = (bytes.next(), bytes.next()) else {
                return Err(PathError::Escape);
            };
            let decoded = decode(high, low).ok_or(PathError::Escape)?;
            push_escaped(&mut normal, decoded)?;
        } else if is_path_character(byte) {
            normal.push(char::from(byte));
        } else if b"[]|^".contains(&byte) {
            push_escaped(&mut normal, byte)?;
        } else {
            return Err(PathError::Character);
        }
    }
    // An escape that another round of decoding would make of an escaped percent sign.
    if hides_escape(&normal) { Err(PathError::Hidden) } else { Ok(normal) }
}

fn push_escaped(normal: &mut String, decoded: u8) -> Result<(), PathError> {
    match decoded {
        b'/' | b'\\' | 0..=0x1f | 0x7f => Err(PathError::Hidden),
        byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
            normal.push(char::from(byte));
            Ok(())
        }
        byte => {
            normal.push_str(&format!("%{byte:02X}"));
            Ok(())
        }
    }
}

/// Whether a percent sign stands escaped before something that reads as an escape of a separator, a
/// dot, a control, or of a percent sign once more.
fn hides_escape(normal: &str) -> bool {
    normal.match_indices("%25").any(|(at, _)| {
        let mut digits = normal.as_bytes()[at + 3..].iter();
        match (digits.next(), digits.next()) {
            (Some(high), Some(low)) => decode(*high, *low).is_some_and(|byte| {
                matches!(byte, b'/' | b'\\' | b'.' | b'%' | b';' | 0..=0x1f | 0x7f)
            }),
            _ => false,
        }
    })
}

fn decode(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

/// RFC 3986 §3.3: unreserved, sub-delims, `:`, `@`, and the slash between segments.
fn is_path_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&byte)
}
