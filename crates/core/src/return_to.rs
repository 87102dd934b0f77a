//! Where a login leads back to (R46).
//!
//! A return URL comes from whoever made the link, so only a path of our own is taken, and only one
//! that cannot be read as anything else:
//!
//! 1. It begins with one slash: no scheme, no host, not even ours; no backslash, no control character.
//! 2. Parsed as browsers do it (WHATWG URL) against the public origin, it stays on that origin.
//! 3. Its path is one that the gate lets through ([`NormalPath`]), which excludes `//host`.
//! 4. Query and fragment hide no control in an escape: `%0d%0aSet-Cookie` leads to the root.
//!
//! What remains is written anew: visible ASCII, and the same if it is read again.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Deserializer, Serialize, de::Error};
use url::{Position, Url};

use crate::{origin::PublicOrigin, path::NormalPath};

/// Longest return URL in bytes: it must fit a cookie with the rest of the transaction.
pub const MAX_BYTES: usize = 1024;

/// A path on our own origin with its query and fragment: visible ASCII that begins with one slash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ReturnTo(String);

impl ReturnTo {
    /// `/`.
    pub fn root() -> Self {
        Self("/".to_owned())
    }

    /// The path that `input` names on `origin`; `None` where it breaks a rule of this module.
    ///
    /// ```
    /// use cloakroom_core::{origin::PublicOrigin, return_to::ReturnTo};
    ///
    /// let origin = PublicOrigin::new(&"https://shop.example.com".parse().unwrap()).unwrap();
    /// let back = ReturnTo::parse("/orders?page=2#last", &origin).unwrap();
    /// assert_eq!(back.as_str(), "/orders?page=2#last");
    /// assert!(ReturnTo::parse("//evil.example", &origin).is_none());
    /// ```
    pub fn parse(input: &str, origin: &PublicOrigin) -> Option<Self> {
        on(origin.as_url(), input).map(Self)
    }

    /// As [`ReturnTo::parse`], and the root where that gives nothing.
    pub fn parse_or_root(input: &str, origin: &PublicOrigin) -> Self {
        Self::parse(input, origin).unwrap_or_else(Self::root)
    }

    /// For a `Location` header, or behind the origin.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Takes only what [`ReturnTo::parse`] writes; the rules are the same on every origin.
impl<'de> Deserialize<'de> for ReturnTo {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let any = Url::parse("https://origin.invalid").map_err(D::Error::custom)?;
        match on(&any, &text) {
            Some(written) if written == text => Ok(Self(text)),
            _ => Err(D::Error::custom("not a return URL")),
        }
    }
}

fn on(base: &Url, input: &str) -> Option<String> {
    let suspicious = |character: char| character.is_control() || character == '\\';
    let one_slash = input.starts_with('/') && !input.starts_with("//");
    if !one_slash || input.len() > MAX_BYTES || input.contains(suspicious) {
        return None;
    }
    let url = base.join(input).ok()?;
    // What passed so far names no host; that the parser agrees is checked all the same (R46).
    if url[..Position::BeforePath] != base[..Position::BeforePath] {
        return None;
    }
    let path = NormalPath::parse(url.path()).ok()?;
    let rest = &url[Position::AfterPath..];
    if hides_control(rest) {
        return None;
    }
    let written = format!("{}{rest}", path.as_str());
    (written.len() <= MAX_BYTES).then_some(written)
}

/// Whether `text` has an escape of a control character, such as `%0d`.
fn hides_control(text: &str) -> bool {
    text.match_indices('%').any(|(at, _)| {
        matches!(
            text.as_bytes()[at + 1..],
            [b'0' | b'1', low, ..] if low.is_ascii_hexdigit()
        ) || matches!(text.as_bytes()[at + 1..], [b'7', b'f' | b'F', ..])
    })
}
