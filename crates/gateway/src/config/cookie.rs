//! `[cookie]`: the session cookie.

use cloakroom_core::cookie::{CookieDomain, CookieName, Prefix, SameSite};
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::report::Report;
use super::written::{Choice, OneOf, Written};

/// How the session cookie is named and sent. It is always Secure, HttpOnly, Path=/ (R19).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieConfig {
    /// The name with its prefix.
    pub name: CookieName,
    /// The SameSite attribute.
    pub same_site: SameSite,
    /// Whether the cookie outlives the browser's window.
    pub persistence: Persistence,
    /// The domain all of whose hosts get the cookie (R20).
    pub parent_domain: Option<CookieDomain>,
}

impl Choice for SameSite {
    const ALL: &'static [(&'static str, Self, &'static str)] = &[
        (
            "lax",
            Self::Lax,
            "sent with requests from the own site and with a followed link from elsewhere",
        ),
        (
            "strict",
            Self::Strict,
            "sent with requests from the own site only; a followed link arrives logged out",
        ),
        (
            "none",
            Self::None,
            "sent with every request that any site makes; unsafe ones must then bring the CSRF token",
        ),
    ];
}

impl Choice for Prefix {
    const ALL: &'static [(&'static str, Self, &'static str)] = &[
        ("__Host-", Self::Host, "this host alone can set the cookie, and over TLS only"),
        (
            "__Host-Http-",
            Self::HostHttp,
            "as __Host-, and no script can set it, in browsers that know this prefix",
        ),
        (
            "__Secure-",
            Self::Secure,
            "every host of the same site can set the cookie, over TLS only",
        ),
        (
            "unprotected",
            Self::Unprotected,
            "no prefix: every host of the same site can set the cookie, and so can the network",
        ),
    ];
}

/// How long the browser keeps the session cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persistence {
    /// With Max-Age, as long as the session may last: a restart of the browser keeps it.
    Persistent,
    /// Without Max-Age: until the browser is closed.
    BrowserSession,
}

impl Choice for Persistence {
    const ALL: &'static [(&'static str, Self, &'static str)] = &[
        (
            "persistent",
            Self::Persistent,
            "kept over a restart of the browser, as long as the session may last",
        ),
        ("session", Self::BrowserSession, "kept until the browser is closed"),
    ];
}

/// The session cookie. It is always `Secure`, `HttpOnly` and `Path=/`.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawCookie {
    /// The name, to which the gateway adds the prefix.
    name: Written<String>,
    /// What the name begins with, by which browsers know who may set the cookie. With `parent_domain`
    /// the default is `__Secure-`.
    prefix: Written<OneOf<Prefix>>,
    /// When the browser sends the cookie along.
    same_site: Written<OneOf<SameSite>>,
    /// How long the browser keeps the cookie.
    persistence: Written<OneOf<Persistence>>,
    /// The domain all of whose hosts get the cookie, so that one login counts for several subdomains.
    /// Whoever runs any host below it reads the session cookie.
    #[schemars(example = &"example.com")]
    parent_domain: Option<Written<String>>,
}

impl Default for RawCookie {
    fn default() -> Self {
        Self {
            name: Written::default("session"),
            prefix: Written::default("__Host-"),
            same_site: Written::default("lax"),
            persistence: Written::default("persistent"),
            parent_domain: None,
        }
    }
}

impl RawCookie {
    /// `origins` are those served, as far as they could be read.
    pub(super) fn check(&self, origins: &[&Url], report: &mut Report) -> Option<CookieConfig> {
        let bare = self.check_name(report);
        let parent_domain = match &self.parent_domain {
            Some(written) => check_parent_domain(written, origins, report).map(Some),
            None => Some(None),
        };
        let prefix = self.check_prefix(report);
        let same_site = report.choice("same_site", &self.same_site);
        let persistence = report.choice("persistence", &self.persistence);
        let name = CookieName::new(prefix?, bare?).ok()?;
        let cookie = CookieConfig {
            name,
            same_site: same_site?,
            persistence: persistence?,
            parent_domain: parent_domain?,
        };
        warn(&cookie, report);
        Some(cookie)
    }

    fn check_prefix(&self, report: &mut Report) -> Option<Prefix> {
        let prefix = report.choice("prefix", &self.prefix)?;
        match (&self.parent_domain, self.prefix.is_stated()) {
            (None, _) => Some(prefix),
            (Some(_), false) => Some(Prefix::Secure),
            (Some(_), true) if prefix.binds_to_host() => {
                report
                    .wrong(self.prefix.at(), format!("a `{}` cookie has no domain", prefix.as_str()))
                    .why("this prefix binds the cookie to one host, `parent_domain` gives it to all of them; a browser drops a cookie that says both")
                    .write("leave out `prefix`, and it is `__Secure-`; or leave out `parent_domain`");
                None
            }
            (Some(_), true) => Some(prefix),
        }
    }

    fn check_name(&self, report: &mut Report) -> Option<&str> {
        let at = self.name.at();
        let name = self.name.value.as_str();
        let bare = ["__Host-Http-", "__Host-", "__Http-", "__Secure-"]
            .iter()
            .find(|prefix| {
                name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
            })
            .map(|prefix| &name[prefix.len()..]);
        if let Some(bare) = bare {
            report
                .wrong(at, "`name` already has a cookie prefix")
                .why("the gateway adds the prefix itself: `__Host-`, so that no other host can set this cookie, or what `prefix` says")
                .write(format!("name = \"{}\"", if bare.is_empty() { "session" } else { bare }));
            return None;
        }
        if CookieName::host(name).is_err() {
            let trimmed = name.trim_start_matches('_');
            let trimmed = match trimmed.get(..5) {
                Some(start) if start.eq_ignore_ascii_case("http-") => &trimmed[5..],
                _ => trimmed,
            };
            if trimmed != name && CookieName::host(trimmed).is_ok() {
                report
                    .wrong(at, "`name` begins as a cookie prefix does")
                    .why("the gateway adds the prefix itself; `__` and `http-` behind it could make another prefix of it")
                    .write(format!("name = \"{trimmed}\""));
            } else {
                report
                    .wrong(at, "`name` cannot be a cookie's name")
                    .why("it is 1 to 64 letters, digits, `-` or `_`")
                    .write("name = \"session\"");
            }
            return None;
        }
        Some(name)
    }
}

/// A domain that covers all hosts served: on any other a browser would drop the cookie.
fn check_parent_domain(
    written: &Written<String>,
    origins: &[&Url],
    report: &mut Report,
) -> Option<CookieDomain> {
    let bare = written.value.trim_start_matches('.');
    let Ok(domain) = CookieDomain::parse(&written.value) else {
        let instead = CookieDomain::parse(bare).map(|domain| domain.to_string());
        report
            .wrong(written.at(), "`parent_domain` cannot be a cookie's domain")
            .why("it is a host name of two labels at least, without scheme, port or a dot before it; an IP address has no subdomains")
            .write(format!("parent_domain = \"{}\"", instead.as_deref().unwrap_or("example.com")));
        return None;
    };
    let hosts = origins.iter().filter_map(|origin| origin.host_str());
    if let Some(outside) = hosts.into_iter().find(|host| !domain.covers(host)) {
        let parent = outside.split_once('.').map_or("", |(_, parent)| parent);
        let found = report.wrong(
            written.at(),
            format!("`parent_domain` does not cover {outside}, which this gateway serves"),
        );
        found.why("a browser drops a cookie for a domain that the host is not in, so nobody could log in there");
        if CookieDomain::parse(parent).is_ok() {
            found.write(format!("parent_domain = \"{parent}\""));
        } else {
            found.write("leave out `parent_domain`");
        }
        return None;
    }
    Some(domain)
}

fn warn(cookie: &CookieConfig, report: &mut Report) {
    match (&cookie.parent_domain, cookie.name.prefix()) {
        (Some(domain), _) => report.warn(
            format!("cookie parent_domain is {domain} (R20)"),
            format!(
                "every host below {domain} gets the session cookie: whoever runs one of them, or takes over a forgotten name, acts as your users, and can put a session of their own in its place"
            ),
        ),
        (None, Prefix::Host | Prefix::HostHttp) => {}
        (None, Prefix::Secure) => report.warn(
            "cookie prefix is __Secure-",
            "every host of the same site can set a cookie of this name: it can log your users out, or into an account of its own",
        ),
        (None, Prefix::Unprotected) => {}
    }
    if cookie.name.prefix() == Prefix::Unprotected {
        report.warn(
            "cookie prefix is unprotected",
            "every host of the same site, and whoever is on the network of a user without HSTS, can set a cookie of this name: it can log your users out, or into an account of its own",
        );
    }
    if cookie.same_site == SameSite::None {
        report.warn(
            "cookie same_site is none",
            "requests that any other site has a browser send bring the session cookie; only the guard and the CSRF token stand against them, and nothing hides from a page elsewhere that somebody is logged in",
        );
    }
}
