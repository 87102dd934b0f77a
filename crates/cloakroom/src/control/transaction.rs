//! Logins under way, each in a sealed cookie of its own (R4, R21).
//!
//! One cookie per login, so that tabs that log in at once do not overwrite each other; at most
//! [`MAX_LOGINS`] and [`MAX_BYTES`] of them, so that abandoned ones do not pile up until requests are
//! refused. Tabs that begin at the very same time do not see each other's; the gate mends that.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use cloakroom_core::{
    cookie::{self, Attributes, CookieName, Found, Lifetime, SameSite},
    key::Keyring,
    random::Random,
    seal::{Purpose, SealContext},
    session::RecordId,
    time::Timestamp,
};
use cloakroom_oauth::Transaction;
use http::{HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Logins that one browser can have under way at once.
const MAX_LOGINS: usize = 8;
/// Bytes of all their cookies: well below what the gate lets through.
const MAX_BYTES: usize = 8 * 1024;
/// Bytes of them together with all others that came, which a sealed session has up to 12 KB of.
const MAX_BYTES_OF_ALL: usize = 15 * 1024;

/// A login under way, as its cookie keeps it.
#[derive(Serialize, Deserialize)]
pub(super) struct Pending {
    pub(super) transaction: Transaction,
    /// The provider must still be the same at the callback, not only its name (R7).
    pub(super) issuer: String,
    /// The session that the login is to replace: a `Strict` cookie does not reach the callback (F2).
    pub(super) replaces: Option<RecordId>,
}

/// The cookie that binds a transaction to this browser.
pub(super) fn set(
    pending: &Pending,
    session_cookie: &CookieName,
    keyring: &Keyring,
    random: &dyn Random,
) -> Option<HeaderValue> {
    let name = name(session_cookie, &pending.transaction.cookie_suffix())?;
    let plain = Zeroizing::new(serde_json::to_vec(pending).ok()?);
    let sealed = keyring.seal(random, &context(&name), &plain);
    cookie::set(&name, &URL_SAFE_NO_PAD.encode(sealed), &attributes()).ok()
}

/// The transaction that `state` belongs to, if this browser began it and it is not too old.
pub(super) fn find(
    headers: &HeaderMap,
    state: &str,
    session_cookie: &CookieName,
    keyring: &Keyring,
    now: Timestamp,
) -> Option<Pending> {
    let name = name(session_cookie, &Transaction::cookie_suffix_of(state))?;
    let Found::One(value) = cookie::find(headers, &name) else { return None };
    open(value, &name, keyring).filter(|pending| !pending.transaction.is_expired(now))
}

/// Deletes the cookie of the transaction that `state` belongs to.
pub(super) fn expire(state: &str, session_cookie: &CookieName) -> Option<HeaderValue> {
    let name = name(session_cookie, &Transaction::cookie_suffix_of(state))?;
    Some(cookie::expire(&name, &attributes()))
}

/// Deletes as many of the oldest logins as it takes to make room for `coming`, one more.
pub(super) fn make_room(
    headers: &HeaderMap,
    coming: &HeaderValue,
    session_cookie: &CookieName,
    keyring: &Keyring,
) -> Vec<HeaderValue> {
    let mut logins: Vec<_> = under_way(headers, session_cookie)
        .map(|(name, value)| {
            let began = open(value, &name, keyring).map(|pending| pending.transaction.created_at());
            (began, name, value.len())
        })
        .collect();
    let all: usize = cookie::pairs(headers).map(|(name, value)| name.len() + value.len()).sum();
    let others =
        all - logins.iter().map(|(_, name, length)| name.as_str().len() + length).sum::<usize>();
    let most = MAX_BYTES.min(MAX_BYTES_OF_ALL.saturating_sub(others));
    // The youngest first; what does not open comes last.
    logins.sort_by_key(|(began, ..)| std::cmp::Reverse(*began));
    let (mut count, mut bytes) = (1, coming.len());
    let mut surplus = Vec::new();
    for (_, name, length) in logins {
        count += 1;
        bytes += name.as_str().len() + length;
        if count > MAX_LOGINS || bytes > most {
            surplus.push(name);
        }
    }
    expire_each(surplus)
}

/// Deletes every login under way, where they are what makes a request too large; the second part is
/// what they weigh.
pub(crate) fn clear(headers: &HeaderMap, session_cookie: &CookieName) -> (Vec<HeaderValue>, usize) {
    let logins: Vec<_> = under_way(headers, session_cookie).collect();
    let bytes = logins.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    (expire_each(logins.into_iter().map(|(name, _)| name).collect()), bytes)
}

fn under_way<'a>(
    headers: &'a HeaderMap,
    session_cookie: &CookieName,
) -> impl Iterator<Item = (CookieName, &'a [u8])> {
    let prefix = format!("{}-login-", session_cookie.bound_to_host());
    let session_cookie = session_cookie.clone();
    cookie::pairs(headers).filter_map(move |(name, value)| {
        let suffix = std::str::from_utf8(name).ok()?.strip_prefix(&prefix)?;
        Some((self::name(&session_cookie, suffix)?, value))
    })
}

/// Each name once, however often a request brought it (R25).
fn expire_each(mut names: Vec<CookieName>) -> Vec<HeaderValue> {
    names.sort_by(|a, b| a.as_str().cmp(b.as_str()));
    names.dedup();
    names.iter().map(|name| cookie::expire(name, &attributes())).collect()
}

fn name(session_cookie: &CookieName, suffix: &str) -> Option<CookieName> {
    session_cookie.bound_to_host().with_suffix(&format!("-login-{suffix}")).ok()
}

/// For this host alone, also where the session cookie is for a whole domain: a login ends where it
/// began. `Lax`: the callback is a navigation from another site.
fn attributes() -> Attributes {
    Attributes::host(SameSite::Lax, Lifetime::MaxAge(Transaction::LIFETIME))
}

fn open(value: &[u8], name: &CookieName, keyring: &Keyring) -> Option<Pending> {
    let sealed = URL_SAFE_NO_PAD.decode(value).ok()?;
    let plain = keyring.open(&context(name), &sealed).ok()?;
    serde_json::from_slice(&plain).ok()
}

fn context(name: &CookieName) -> SealContext<'_> {
    let purpose = Purpose::LoginTransaction;
    SealContext { purpose, name: name.as_str().as_bytes(), secret: &[] }
}
