//! Where a login leads back to (R46).

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize, de::Error};
use url::Url;

use crate::origin::PublicOrigin;

/// Longest return URL in bytes: it must fit a cookie with the rest of the transaction.
pub const MAX_BYTES: usize = 2048;

/// A path on our own origin with its query and fragment: visible ASCII that begins with one slash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ReturnTo(String);

impl ReturnTo {
    /// `/`.
    pub fn root() -> Self {
        Self("/".to_owned())
    }

    /// The path that `input` names on `origin`.
    ///
    /// `None` where it is not a path to begin with (an absolute URL neither, were it our own), has a
    /// control or backslash, is too long, or leads elsewhere after a parse as browsers do it.
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
        let suspicious = |character: char| character.is_control() || character == '\\';
        if !input.starts_with('/') || input.len() > MAX_BYTES || input.contains(suspicious) {
            return None;
        }
        let parsed = origin.as_url().join(input).ok()?;
        let ours = parsed.origin() == origin.as_url().origin()
            && parsed.username().is_empty()
            && parsed.password().is_none();
        if !ours {
            return None;
        }
        let path = &parsed[url::Position::BeforePath..];
        has_shape(path).then(|| Self(path.to_owned()))
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

impl<'de> Deserialize<'de> for ReturnTo {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if has_shape(&text) { Ok(Self(text)) } else { Err(D::Error::custom("not a path of ours")) }
    }
}

/// What every `ReturnTo` is, whichever way it came: no browser reads another host into it.
fn has_shape(path: &str) -> bool {
    let elsewhere = path.starts_with("//") || path.contains('\\');
    path.starts_with('/')
        && !elsewhere
        && path.len() <= MAX_BYTES
        && path.bytes().all(|byte| byte.is_ascii_graphic())
        && Url::parse("https://origin.invalid")
            .and_then(|base| base.join(path))
            .is_ok_and(|url| url.host_str() == Some("origin.invalid") && url.scheme() == "https")
}
