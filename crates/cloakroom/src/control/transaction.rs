//! Logins under way, each in a sealed cookie of its own (R4, R21).
//!
//! One cookie per login, so that tabs that log in at once do not overwrite each other; at most
//! [`MAX_LOGINS`], so that abandoned ones do not pile up until requests are refused.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use cloakroom_core::{
    cookie::{self, CookieName, Found, Lifetime, SameSite},
    key::Keyring,
    random::Random,
    seal::{Purpose, SealContext},
    time::Timestamp,
};
use cloakroom_oauth::Transaction;
use http::{HeaderMap, HeaderValue};

/// Logins that one browser can have under way at once.
pub(crate) const MAX_LOGINS: usize = 8;

/// The cookie that binds a transaction to this browser.
///
/// `Lax`: the callback is a navigation from another site.
pub(super) fn set(
    transaction: &Transaction,
    session_cookie: &CookieName,
    keyring: &Keyring,
    random: &dyn Random,
) -> Option<HeaderValue> {
    let name = name(session_cookie, &transaction.cookie_suffix())?;
    let plain = serde_json::to_vec(transaction).ok()?;
    let sealed = keyring.seal(random, &context(&name), &plain);
    let lifetime = Lifetime::MaxAge(Transaction::LIFETIME);
    cookie::set(&name, &URL_SAFE_NO_PAD.encode(sealed), SameSite::Lax, lifetime).ok()
}

/// The transaction that `state` belongs to, if this browser began it and it is not too old.
pub(super) fn find(
    headers: &HeaderMap,
    state: &str,
    session_cookie: &CookieName,
    keyring: &Keyring,
    now: Timestamp,
) -> Option<Transaction> {
    let name = name(session_cookie, &Transaction::cookie_suffix_of(state))?;
    let Found::One(value) = cookie::find(headers, &name) else { return None };
    open(value, &name, keyring).filter(|transaction| !transaction.is_expired(now))
}

/// Deletes the cookie of the transaction that `state` belongs to.
pub(super) fn expire(state: &str, session_cookie: &CookieName) -> Option<HeaderValue> {
    let name = name(session_cookie, &Transaction::cookie_suffix_of(state))?;
    Some(cookie::expire(&name, SameSite::Lax))
}

/// Deletes as many of the oldest logins as it takes to make room for one more.
pub(super) fn make_room(
    headers: &HeaderMap,
    session_cookie: &CookieName,
    keyring: &Keyring,
) -> Vec<HeaderValue> {
    let prefix = format!("{}-login-", session_cookie.as_str());
    let mut logins: Vec<(Option<Timestamp>, CookieName)> = cookie::pairs(headers)
        .filter_map(|(name, value)| {
            let suffix = std::str::from_utf8(name).ok()?.strip_prefix(&prefix)?;
            let name = self::name(session_cookie, suffix)?;
            Some((open(value, &name, keyring).map(|opened| opened.created_at()), name))
        })
        .collect();
    // What does not open sorts before everything. A name that comes twice counts once (R25).
    logins.sort_by(|a, b| a.1.as_str().cmp(b.1.as_str()));
    logins.dedup_by(|a, b| a.1 == b.1);
    logins.sort_by_key(|(created_at, _)| *created_at);
    let surplus = (logins.len() + 1).saturating_sub(MAX_LOGINS);
    logins.iter().take(surplus).map(|(_, name)| cookie::expire(name, SameSite::Lax)).collect()
}

fn name(session_cookie: &CookieName, suffix: &str) -> Option<CookieName> {
    session_cookie.with_suffix(&format!("-login-{suffix}")).ok()
}

fn open(value: &[u8], name: &CookieName, keyring: &Keyring) -> Option<Transaction> {
    let sealed = URL_SAFE_NO_PAD.decode(value).ok()?;
    let plain = keyring.open(&context(name), &sealed).ok()?;
    serde_json::from_slice(&plain).ok()
}

fn context(name: &CookieName) -> SealContext<'_> {
    let purpose = Purpose::LoginTransaction;
    SealContext { purpose, name: name.as_str().as_bytes(), secret: &[] }
}
