//! Cookies, byte for byte (R19–R27).
//!
//! Reading: names and values are bytes. Nothing is unquoted, percent-decoded, trimmed of Unicode space
//! or folded in case, and there is no RFC 2109 mode: `$Version` is a name like any other (R26). A name
//! that comes twice is no cookie at all ([`Found::Duplicate`], R27).
//!
//! Writing: every cookie is `__Host-`, `Secure`, `HttpOnly`, `Path=/`, without `Domain` (R19), its value
//! is base64url, and it fits the 4096 bytes that browsers keep (R23). The prefix alone proves nothing
//! (F5); what is in the value does.

mod name;
mod read;
mod write;

#[cfg(test)]
mod tests;

pub use name::{CookieName, CookieNameError, is_reserved};
pub use read::{Found, find, pairs, strip};
pub use write::{
    Lifetime, MAX_COOKIE_BYTES, MAX_LIFETIME, SameSite, SetCookieError, drop_reserved_set_cookies,
    expire, set,
};
