//! Cookies as browsers keep them (draft-ietf-httpbis-rfc6265bis §5).

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use http::{HeaderMap, header};
use url::Url;

use super::relation::{Relation, registrable};
use crate::clock;

/// Name and value together; a larger cookie is dropped silently.
const MAX_SIZE: usize = 4096;

/// When a cookie goes along with a request from another site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// Never.
    Strict,
    /// With a navigation by GET; also what a cookie without the attribute gets.
    Lax,
    /// Always.
    None,
}

/// A stored cookie. No `Debug`: its value is a secret.
#[derive(Clone)]
pub struct Cookie {
    /// The name.
    pub name: String,
    /// The value.
    pub value: String,
    /// The host that it is for.
    pub host: String,
    /// Whether it is for that host alone, not for those below it.
    pub host_only: bool,
    /// Where it is sent: this path and below.
    pub path: String,
    /// Whether it keeps to https (and loopback).
    pub secure: bool,
    /// Whether scripts cannot see it.
    pub http_only: bool,
    /// When it goes along.
    pub same_site: SameSite,
    /// When it ends, since 1970; `None` is the end of the browser session.
    pub expires: Option<Duration>,
}

/// The cookies of one profile.
#[derive(Default)]
pub struct Jar(Mutex<Vec<Cookie>>);

impl Jar {
    /// The live cookies that a host gets, in the order of their making.
    pub fn of(&self, host: &str) -> Vec<Cookie> {
        self.live().iter().filter(|cookie| cookie.is_for(host)).cloned().collect()
    }

    /// What a server or a script at `url` does with a `Set-Cookie` value; says whether a browser takes
    /// it.
    pub fn set(&self, url: &str, set_cookie: &str) -> bool {
        let url = url.parse().expect("a URL");
        parse(set_cookie, &url).map(|cookie| self.put(cookie)).is_some()
    }

    /// The cookie of this name.
    pub fn get(&self, host: &str, name: &str) -> Option<Cookie> {
        self.of(host).into_iter().find(|cookie| cookie.name == name)
    }

    /// Puts a cookie in, in place of one with the same name, domain and path.
    pub fn put(&self, cookie: Cookie) {
        let mut cookies = self.live();
        let same = |other: &Cookie| {
            let id =
                |it: &Cookie| (it.name.clone(), it.host.clone(), it.host_only, it.path.clone());
            id(other) == id(&cookie)
        };
        match cookies.iter().position(same) {
            Some(at) => cookies[at] = cookie,
            None => cookies.push(cookie),
        }
    }

    /// What `document.cookie` shows to a page of this host.
    pub fn document_cookie(&self, host: &str) -> String {
        let cookies = self.of(host);
        join(cookies.iter().filter(|cookie| !cookie.http_only))
    }

    /// Ends the browser session: cookies without an end of their own go.
    pub fn restart(&self) {
        self.live().retain(|cookie| cookie.expires.is_some());
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.live().clear();
    }

    pub(super) fn duplicate(&self) -> Self {
        Self(Mutex::new(self.live().clone()))
    }

    /// The `Cookie` header of a request; `lax` says that it is a navigation by a safe method.
    pub(super) fn header(&self, url: &Url, relation: Relation, lax: bool) -> Option<String> {
        let mut cookies = self.of(host(url));
        // Longer paths first (rfc6265bis §5.8.3); the sort keeps the order of their making.
        cookies.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        let text = join(cookies.iter().filter(|cookie| {
            let goes_along = match cookie.same_site {
                SameSite::None => true,
                SameSite::Lax => lax || relation < Relation::CrossSite,
                SameSite::Strict => relation < Relation::CrossSite,
            };
            goes_along && path_matches(&cookie.path, url.path())
        }));
        (!text.is_empty()).then_some(text)
    }

    /// Takes up what a response says about cookies: `Set-Cookie`, then `Clear-Site-Data`, which wins
    /// over it and is for all hosts of the site [measured in Chromium and Firefox].
    pub(super) fn take(&self, url: &Url, headers: &HeaderMap) {
        let values = headers.get_all(header::SET_COOKIE).iter();
        for cookie in values.filter_map(|value| parse(value.to_str().ok()?, url)) {
            self.put(cookie);
        }
        let clears = |value: &http::HeaderValue| {
            value.to_str().is_ok_and(|text| text.contains("\"cookies\"") || text.contains("\"*\""))
        };
        if headers.get_all("clear-site-data").iter().any(clears) {
            let site = registrable(host(url));
            self.live().retain(|cookie| registrable(&cookie.host) != site);
        }
    }

    /// The cookies, after those that have expired are gone.
    fn live(&self) -> MutexGuard<'_, Vec<Cookie>> {
        let mut cookies = self.0.lock().expect("no panic while the jar was held");
        let now = clock::now();
        cookies.retain(|cookie| cookie.expires.is_none_or(|end| now < end));
        cookies
    }
}

impl Cookie {
    /// Domain match (rfc6265bis §5.1.3).
    fn is_for(&self, host: &str) -> bool {
        let below =
            |host: &str| host.strip_suffix(&self.host).is_some_and(|rest| rest.ends_with('.'));
        self.host == host || (!self.host_only && below(host))
    }
}

/// A `Set-Cookie` value, unless a browser would reject it.
fn parse(text: &str, url: &Url) -> Option<Cookie> {
    let mut parts = text.split(';').map(trim);
    let (name, value) = parts.next()?.split_once('=')?;
    let (name, value) = (trim(name).to_owned(), trim(value).to_owned());
    let mut cookie = Cookie {
        name,
        value,
        host: host(url).to_owned(),
        host_only: true,
        path: "/".to_owned(),
        secure: false,
        http_only: false,
        same_site: SameSite::Lax,
        expires: None,
    };
    let (mut explicit_path, mut domain) = (false, false);
    for attribute in parts {
        let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
        match key.to_ascii_lowercase().as_str() {
            "secure" => cookie.secure = true,
            "httponly" => cookie.http_only = true,
            "domain" => {
                domain = true;
                let value = value.trim_start_matches('.').to_ascii_lowercase();
                // A top-level name is a public suffix: no host below it may set a cookie for it.
                if value != host(url) || value.contains('.') {
                    let parent = Cookie { host: value, host_only: false, ..cookie.clone() };
                    if !parent.is_for(host(url)) || !parent.host.contains('.') {
                        return None;
                    }
                    cookie = parent;
                }
            }
            "path" => {
                explicit_path = value == "/";
                cookie.path = value.to_owned();
            }
            "samesite" => {
                cookie.same_site = match value.to_ascii_lowercase().as_str() {
                    "strict" => SameSite::Strict,
                    "none" => SameSite::None,
                    _ => SameSite::Lax,
                }
            }
            "max-age" => {
                let seconds: i64 = value.parse().ok()?;
                let life = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
                cookie.expires = Some(if life.is_zero() { life } else { clock::now() + life });
            }
            // Servers delete by this date; `Max-Age` is what they keep by.
            "expires" if value.contains(" 1970 ") => cookie.expires = Some(Duration::ZERO),
            _ => {}
        }
    }
    let prefix = cookie.name.to_ascii_lowercase();
    let host_only = cookie.secure && explicit_path && !domain;
    let rejected = cookie.name.is_empty()
        || cookie.name.len() + cookie.value.len() > MAX_SIZE
        || (prefix.starts_with("__host-") && !host_only)
        || (prefix.starts_with("__secure-") && !cookie.secure)
        || (cookie.same_site == SameSite::None && !cookie.secure);
    (!rejected).then_some(cookie)
}

/// Space and tab alone: `U+2000` is part of a name [measured in Chromium].
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

fn join<'a>(cookies: impl Iterator<Item = &'a Cookie>) -> String {
    let pairs: Vec<_> = cookies.map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
    pairs.join("; ")
}

fn host(url: &Url) -> &str {
    url.host_str().unwrap_or_default()
}

/// Path match (rfc6265bis §5.1.4).
fn path_matches(cookie: &str, path: &str) -> bool {
    path.strip_prefix(cookie)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || cookie.ends_with('/'))
}
