//! Names of our cookies.

use std::fmt;

/// Longest configured name in bytes, without its prefix.
const MAX_CONFIGURED: usize = 64;

/// Longest name in bytes with a suffix of ours behind it, without its prefix.
const MAX_DERIVED: usize = 128;

/// What a name begins with, by which a browser knows who may set the cookie (RFC 6265bis §4.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Prefix {
    /// `__Host-`: this host alone sets it, over TLS, for all its paths. The default (R19).
    Host,
    /// `__Host-Http-`: as [`Prefix::Host`], and no script sets it (F5). Where a browser does not know
    /// it, it counts as `__Host-`; a device-bound cookie fails with it (F1).
    HostHttp,
    /// `__Secure-`: set over TLS, but any host of the same site may set it for all (R20).
    Secure,
    /// No prefix: whoever is on the network or on a sibling host may set a cookie of this name.
    Unprotected,
}

impl Prefix {
    const ALL: [Self; 3] = [Self::HostHttp, Self::Host, Self::Secure];

    /// As it stands before the name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Host => "__Host-",
            Self::HostHttp => "__Host-Http-",
            Self::Secure => "__Secure-",
            Self::Unprotected => "",
        }
    }

    /// Whether a browser takes such a cookie only without `Domain` and with `Path=/`.
    pub fn binds_to_host(self) -> bool {
        matches!(self, Self::Host | Self::HostHttp)
    }
}

/// The name of one of our cookies: a prefix and a token of letters, digits, `-` and `_`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CookieName {
    prefix: Prefix,
    whole: String,
}

/// The text cannot be the name of a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a cookie's name is 1 to 64 letters, digits, `-` and `_`, and the prefix comes by itself")]
pub struct CookieNameError;

impl CookieName {
    /// The name `__Host-` + `bare` (R19).
    ///
    /// # Errors
    /// As [`CookieName::new`].
    ///
    /// ```
    /// use cloakroom_core::cookie::CookieName;
    ///
    /// assert_eq!(CookieName::host("session")?.as_str(), "__Host-session");
    /// assert!(CookieName::host("a;b").is_err());
    /// # Ok::<_, cloakroom_core::cookie::CookieNameError>(())
    /// ```
    pub fn host(bare: &str) -> Result<Self, CookieNameError> {
        Self::new(Prefix::Host, bare)
    }

    /// The name `prefix` + `bare`.
    ///
    /// # Errors
    /// When `bare` is empty, longer than 64 bytes, has other characters, or brings a prefix itself.
    pub fn new(prefix: Prefix, bare: &str) -> Result<Self, CookieNameError> {
        // `http-` behind `__Host-` would make another prefix of it.
        let brings_prefix = bare.starts_with("__")
            || bare.get(..5).is_some_and(|head| head.eq_ignore_ascii_case("http-"));
        if brings_prefix {
            Err(CookieNameError)
        } else {
            Self::checked(prefix, bare, MAX_CONFIGURED)
        }
    }

    /// Reads a whole name, with the prefix that it may begin with.
    ///
    /// # Errors
    /// As [`CookieName::new`] for what is behind the prefix.
    pub fn parse(whole: &str) -> Result<Self, CookieNameError> {
        let found = Prefix::ALL
            .iter()
            .find_map(|prefix| Some((*prefix, whole.strip_prefix(prefix.as_str())?)));
        let (prefix, bare) = found.unwrap_or((Prefix::Unprotected, whole));
        Self::new(prefix, bare)
    }

    /// A further name of the same family: this one with `suffix`, such as `-login-ab12cd34`, behind it.
    ///
    /// # Errors
    /// When `suffix` is no part of a name or makes it longer than 128 bytes: a name as long as
    /// [`CookieName::host`] takes leaves room for 64.
    pub fn with_suffix(&self, suffix: &str) -> Result<Self, CookieNameError> {
        Self::checked(self.prefix, &format!("{}{suffix}", self.bare()), MAX_DERIVED)
    }

    /// The same name behind another prefix: `__Secure-` for a cookie with a path or domain of its own.
    #[must_use]
    pub fn with_prefix(&self, prefix: Prefix) -> Self {
        Self { prefix, whole: format!("{}{}", prefix.as_str(), self.bare()) }
    }

    /// The same name bound to this host: itself, or behind `__Host-` where its prefix does not bind.
    #[must_use]
    pub fn bound_to_host(&self) -> Self {
        if self.prefix.binds_to_host() { self.clone() } else { self.with_prefix(Prefix::Host) }
    }

    /// The whole name, with its prefix.
    pub fn as_str(&self) -> &str {
        &self.whole
    }

    /// What it begins with.
    pub fn prefix(&self) -> Prefix {
        self.prefix
    }

    fn checked(prefix: Prefix, bare: &str, longest: usize) -> Result<Self, CookieNameError> {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if (1..=longest).contains(&bare.len()) && bare.bytes().all(legal) {
            Ok(Self { prefix, whole: format!("{}{bare}", prefix.as_str()) })
        } else {
            Err(CookieNameError)
        }
    }

    fn bare(&self) -> &str {
        &self.whole[self.prefix.as_str().len()..]
    }
}

impl fmt::Display for CookieName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.whole)
    }
}

/// The names that only we set and read: each base, and each base with `-…` behind it, in any case.
///
/// Case counts when we read our own cookie. Here it does not: a server behind us that folds case must
/// neither receive nor set a twin of our cookie (R35).
///
/// With `__Host-session` as a base, not ours are `session` and `__Secure-session`, which an application
/// may well have: nobody takes them for it, because nobody cuts a prefix off. Nor is
/// `\u{2000}__Host-session`: to a browser, and so to us, it is another name (R26).
#[derive(Clone, Debug)]
pub struct ReservedNames(Vec<CookieName>);

impl ReservedNames {
    /// The families of `bases`, and of those that are bound to this host where a base is not: login
    /// cookies are always.
    pub fn new(bases: impl IntoIterator<Item = CookieName>) -> Self {
        let mut names = Vec::new();
        for base in bases {
            for name in [base.bound_to_host(), base] {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        Self(names)
    }

    /// Whether `name` belongs to us.
    pub fn contains(&self, name: &[u8]) -> bool {
        self.0.iter().any(|base| {
            let base = base.as_str().as_bytes();
            name.split_at_checked(base.len()).is_some_and(|(head, tail)| {
                head.eq_ignore_ascii_case(base) && (tail.is_empty() || tail[0] == b'-')
            })
        })
    }
}
