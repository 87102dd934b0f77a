//! Cookies, byte for byte (R19–R27).
//!
//! Reading: names and values are bytes. Nothing is unquoted, percent-decoded, trimmed of Unicode space
//! or folded in case, and there is no RFC 2109 mode: `$Version` is a name like any other (R26). A name
//! that comes twice is no cookie at all ([`Found::Duplicate`], R27).
//!
//! Writing: every cookie is `Secure`; every one but the CSRF token's companion is `HttpOnly`
//! ([`set_readable`]). By default it is `__Host-`, `Path=/`, without `Domain` (R19); what a prefix
//! promises and [`Attributes`] break is not written. The value is base64url, with the dots of a JWT, and
//! it fits the 4096 bytes that browsers keep (R23). The prefix alone proves nothing (F5); what is in the
//! value does.

mod attributes;
pub mod chunks;
mod name;
mod read;
mod write;

#[cfg(test)]
mod tests;

pub use attributes::{
    Attributes, CookieDomain, CookieDomainError, CookiePath, CookiePathError, Lifetime,
    MAX_LIFETIME, SameSite,
};
pub use name::{CookieName, CookieNameError, Prefix, ReservedNames};
pub use read::{Found, find, pairs, strip, strip_but};
pub use write::{
    MAX_COOKIE_BYTES, SetCookieError, drop_reserved_set_cookies, expire, set, set_readable,
};
