//! `[cookie]`: the session cookie.

use cloakroom_core::cookie::CookieName;
use schemars::JsonSchema;
use serde::Deserialize;

use super::report::Report;
use super::written::{Choice, OneOf, Written};

/// How the session cookie is named and sent. It is always `__Host-`, Secure, HttpOnly, Path=/ (R19).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieConfig {
    /// The name without the `__Host-` prefix.
    pub name: String,
    /// The SameSite attribute.
    pub same_site: SameSite,
    /// Whether the cookie outlives the browser's window.
    pub persistence: Persistence,
}

/// When the browser sends the session cookie along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// With requests from our own site, and with a followed link from elsewhere.
    Lax,
    /// With requests from our own site only.
    Strict,
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

/// The session cookie. It is always `__Host-`, `Secure`, `HttpOnly` and `Path=/`.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawCookie {
    /// The name, to which the gateway adds the prefix `__Host-`.
    name: Written<String>,
    /// When the browser sends the cookie along.
    same_site: Written<OneOf<SameSite>>,
    /// How long the browser keeps the cookie.
    persistence: Written<OneOf<Persistence>>,
}

impl Default for RawCookie {
    fn default() -> Self {
        Self {
            name: Written::default("session"),
            same_site: Written::default("lax"),
            persistence: Written::default("persistent"),
        }
    }
}

impl RawCookie {
    pub(super) fn check(&self, report: &mut Report) -> Option<CookieConfig> {
        let name = self.check_name(report);
        let same_site = if self.same_site.value.text.eq_ignore_ascii_case("none") {
            report
                .wrong(self.same_site.at(), "`same_site` cannot be none")
                .why("every other site could then send requests with the session; this is what Cloakroom is there to prevent")
                .write("same_site = \"lax\", or leave the line out");
            None
        } else {
            report.choice("same_site", &self.same_site)
        };
        let persistence = report.choice("persistence", &self.persistence);
        Some(CookieConfig { name: name?, same_site: same_site?, persistence: persistence? })
    }

    fn check_name(&self, report: &mut Report) -> Option<String> {
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
                .why("the gateway adds `__Host-` itself, so that no other host can set this cookie")
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
                    .why("the gateway adds `__Host-` itself; `__` and `http-` behind it could make another prefix of it")
                    .write(format!("name = \"{trimmed}\""));
            } else {
                report
                    .wrong(at, "`name` cannot be a cookie's name")
                    .why("it is 1 to 64 letters, digits, `-` or `_`")
                    .write("name = \"session\"");
            }
            return None;
        }
        Some(name.to_owned())
    }
}
