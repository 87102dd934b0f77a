//! Names of our cookies.

use std::fmt;

const HOST_PREFIX: &str = "__Host-";

/// Longest configured name in bytes, without its prefix.
const MAX_CONFIGURED: usize = 64;

/// Longest name in bytes with a suffix of ours behind it, without its prefix.
const MAX_DERIVED: usize = 128;

/// The name of one of our cookies: `__Host-` and a token of letters, digits, `-` and `_`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CookieName(String);

/// The text cannot be the name of a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a cookie's name is 1 to 64 letters, digits, `-` and `_`, and the prefix comes by itself")]
pub struct CookieNameError;

impl CookieName {
    /// The name `__Host-` + `suffix` (R19).
    ///
    /// # Errors
    /// When `suffix` is empty, longer than 64 bytes, has other characters, or brings a prefix itself.
    ///
    /// ```
    /// use cloakroom_core::cookie::CookieName;
    ///
    /// assert_eq!(CookieName::host("session")?.as_str(), "__Host-session");
    /// assert!(CookieName::host("a;b").is_err());
    /// # Ok::<_, cloakroom_core::cookie::CookieNameError>(())
    /// ```
    pub fn host(suffix: &str) -> Result<Self, CookieNameError> {
        // `__Host-Http-` is a prefix of its own, with which a device-bound cookie fails (F1).
        let brings_prefix = suffix.starts_with("__")
            || suffix.get(..5).is_some_and(|head| head.eq_ignore_ascii_case("http-"));
        if brings_prefix { Err(CookieNameError) } else { Self::checked(suffix, MAX_CONFIGURED) }
    }

    /// A further name of the same family: this one with `suffix`, such as `-login-ab12cd34`, behind it.
    ///
    /// # Errors
    /// When `suffix` is no part of a name or makes it longer than 128 bytes: a name as long as
    /// [`CookieName::host`] takes leaves room for 64.
    pub fn with_suffix(&self, suffix: &str) -> Result<Self, CookieNameError> {
        Self::checked(&format!("{}{suffix}", self.bare()), MAX_DERIVED)
    }

    /// The whole name, with its prefix.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn checked(bare: &str, longest: usize) -> Result<Self, CookieNameError> {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if (1..=longest).contains(&bare.len()) && bare.bytes().all(legal) {
            Ok(Self(format!("{HOST_PREFIX}{bare}")))
        } else {
            Err(CookieNameError)
        }
    }

    fn bare(&self) -> &str {
        &self.0[HOST_PREFIX.len()..]
    }
}

impl fmt::Display for CookieName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether `name` belongs to us: `base`, or `base` and `-…` behind it, in any case.
///
/// Case counts when we read our own cookie. Here it does not: a server behind us that folds case must
/// neither receive nor set a twin of our cookie (R35).
///
/// Not ours are `session` and `__Secure-session`, which an application may well have: nobody takes
/// them for `__Host-session`, because nobody cuts a prefix off. Nor is `\u{2000}__Host-session`: to a
/// browser, and so to us, it is another name (R26).
pub fn is_reserved(base: &CookieName, name: &[u8]) -> bool {
    let base = base.as_str().as_bytes();
    match name.split_at_checked(base.len()) {
        Some((head, tail)) => {
            head.eq_ignore_ascii_case(base) && (tail.is_empty() || tail[0] == b'-')
        }
        None => false,
    }
}
