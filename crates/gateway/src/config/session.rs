//! `[session]`: where sessions are kept and how long they last.

use std::path::{Path, PathBuf};
use std::time::Duration;

use cloakroom_core::cookie::{CookieName, ReservedNames};
use schemars::JsonSchema;
use serde::Deserialize;

use super::duration::{DurationText, show};
use super::report::Report;
use super::written::{Choice, OneOf, Written};

/// Browsers keep no cookie for longer (R24).
pub(crate) const LONGEST: Duration = Duration::from_secs(400 * 86_400);

/// Storage and lifetime of sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionConfig {
    /// Where a session is kept.
    pub mode: SessionMode,
    /// Folder of the embedded store and the keyring.
    pub data_dir: PathBuf,
    /// A session ends when it was not used for this long (R32).
    pub idle_timeout: Duration,
    /// A session ends this long after login, however busy (R32).
    pub absolute_timeout: Duration,
    /// The name of the access token's cookie in mode `jwt`, without its prefix.
    pub access_cookie: String,
}

impl SessionConfig {
    /// The name of the access token's cookie without its prefix, in the mode that sets it.
    pub(super) fn used_access_cookie(&self) -> Option<&str> {
        (self.mode == SessionMode::Jwt).then_some(self.access_cookie.as_str())
    }
}

/// Where a session is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionMode {
    /// In the data folder; the cookie holds a ticket.
    Server,
    /// In the cookies, sealed.
    Sealed,
    /// The access token in a cookie, the rest sealed in another.
    Jwt,
}

impl Choice for SessionMode {
    const ALL: &'static [(&'static str, Self, &'static str)] = &[
        ("server", Self::Server, "kept in the data folder; the cookie is a ticket to it"),
        ("sealed", Self::Sealed, "kept in encrypted cookies; nothing is stored here"),
        (
            "jwt",
            Self::Jwt,
            "the access token as it is in a cookie, for APIs that verify cookies; the rest encrypted in another",
        ),
    ];
}

/// Where sessions are kept and how long they last.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawSession {
    /// Where a session is kept. `"server"` is the safe choice.
    mode: Written<OneOf<SessionMode>>,
    /// The folder for sessions and their keys. It is made at the first start, for the gateway's own
    /// user alone. Whoever loses it logs everybody out.
    #[schemars(example = &"/var/lib/cloakroom")]
    pub(super) data_dir: Written<String>,
    /// A session ends when it was not used for this long.
    pub(super) idle_timeout: Written<DurationText>,
    /// A session ends this long after login, however busy it is. At most 400 days, the longest that
    /// browsers keep a cookie.
    pub(super) absolute_timeout: Written<DurationText>,
    /// The cookies of mode `jwt`.
    #[schemars(extend("examples" = [{ "access_cookie": "access_token" }]))]
    jwt: Option<Written<RawJwt>>,
}

/// The cookies of mode `jwt`.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawJwt {
    /// The name of the cookie that holds the access token, to which the gateway adds the prefix.
    access_cookie: Written<String>,
}

impl Default for RawJwt {
    fn default() -> Self {
        Self { access_cookie: Written::default("access_token") }
    }
}

impl Default for RawSession {
    fn default() -> Self {
        Self {
            mode: Written::default("server"),
            data_dir: Written::default("cloakroom-data"),
            idle_timeout: Written::default("24h"),
            absolute_timeout: Written::default("7d"),
            jwt: None,
        }
    }
}

impl RawSession {
    /// The folder for sessions and keys.
    pub(super) fn data_dir(&self, folder: &Path) -> PathBuf {
        folder.join(&self.data_dir.value)
    }

    /// `providers` are all that have a name to call them by, and whether their tokens can be verified.
    pub(super) fn check(
        &self,
        folder: &Path,
        providers: &[(&str, bool)],
        report: &mut Report,
    ) -> Option<SessionConfig> {
        let mode = report.choice("mode", &self.mode);
        let access_cookie = self.check_jwt(mode, providers, report);
        let data_dir = self.check_data_dir(folder, report);
        let idle = report.duration("idle_timeout", &self.idle_timeout);
        let absolute = report.duration("absolute_timeout", &self.absolute_timeout);
        let (idle_timeout, absolute_timeout) = (idle?, absolute?);
        if absolute_timeout > LONGEST {
            report
                .wrong(self.absolute_timeout.at(), "`absolute_timeout` is longer than 400 days")
                .why("browsers keep no cookie for longer, whatever it says")
                .write("absolute_timeout = \"400d\" at most");
            return None;
        }
        if idle_timeout > absolute_timeout {
            let (idle, absolute) = (show(idle_timeout), show(absolute_timeout));
            report
                .wrong(
                    self.idle_timeout.at().or_else(|| self.absolute_timeout.at()),
                    format!("`idle_timeout` ({idle}) is longer than `absolute_timeout` ({absolute})"),
                )
                .why("a session ends at the absolute timeout in any case, so the idle one would never count")
                .write(format!(
                    "idle_timeout = \"{absolute}\" at most, or absolute_timeout = \"{idle}\" at least"
                ));
            return None;
        }
        if mode == Some(SessionMode::Jwt) {
            report.warn(
                "session.mode is \"jwt\": the access token itself is in a cookie",
                "whoever copies the cookie has the token until it expires, also past a logout wherever the gateway is not asked; the page must ask for each refresh; and what holds for \"sealed\" holds too: a restart, or another gateway, knows of no logout",
            );
        }
        if mode == Some(SessionMode::Sealed) {
            report.warn(
                "session.mode is \"sealed\": sessions are kept in the browsers' cookies alone",
                "a session ends only in its own browser; after a restart, or at another gateway, a copied cookie opens again after its logout, and a refresh token that rotated meanwhile is lost; use \"server\" where that matters",
            );
        }
        Some(SessionConfig {
            mode: mode?,
            data_dir: data_dir?,
            idle_timeout,
            absolute_timeout,
            access_cookie: access_cookie?,
        })
    }

    fn check_jwt(
        &self,
        mode: Option<SessionMode>,
        providers: &[(&str, bool)],
        report: &mut Report,
    ) -> Option<String> {
        let default = RawJwt::default();
        let jwt = self.jwt.as_ref();
        if let (Some(jwt), Some(SessionMode::Server | SessionMode::Sealed)) = (jwt, mode) {
            report
                .wrong(jwt.at(), "`jwt` has no effect without mode = \"jwt\"")
                .why("only that mode has a cookie for the access token")
                .write("mode = \"jwt\", or leave the table out");
            return None;
        }
        if mode == Some(SessionMode::Jwt)
            && let Some((name, _)) = providers.iter().find(|(_, verified)| !verified)
        {
            report
                .wrong(
                    self.mode.at(),
                    format!("mode = \"jwt\" needs to know how the tokens of provider `{name}` are verified"),
                )
                .why("the cookie's token proves the session, on every request")
                .write("[provider.access_token]\naudience = \"https://api.example.com\"\nbelow that [[provider]]");
            return None;
        }
        let written = jwt.map_or(&default.access_cookie, |jwt| &jwt.value.access_cookie);
        if CookieName::host(&written.value).is_err() {
            report
                .wrong(written.at(), "`access_cookie` cannot be a cookie's name")
                .why("it is 1 to 64 letters, digits, `-` or `_`; the prefix comes by itself")
                .write("access_cookie = \"access_token\"");
            return None;
        }
        Some(written.value.clone())
    }

    /// The two names must not be of one family: `session-1` is a part of the cookie `session`.
    pub(super) fn check_names(&self, session_cookie: &CookieName, report: &mut Report) {
        let Some(jwt) = &self.jwt else { return };
        let written = &jwt.value.access_cookie;
        let Ok(access) = CookieName::new(session_cookie.prefix(), &written.value) else { return };
        let within = |base: &CookieName, name: &CookieName| {
            ReservedNames::new([base.clone()]).contains(name.as_str().as_bytes())
        };
        if within(session_cookie, &access) || within(&access, session_cookie) {
            report
                .wrong(written.at(), "`access_cookie` and the session cookie have one name")
                .why("what begins with the name of the one and `-` is a part of it")
                .write("access_cookie = \"access_token\"");
        }
    }

    fn check_data_dir(&self, folder: &Path, report: &mut Report) -> Option<PathBuf> {
        let at = self.data_dir.at();
        let data_dir = self.data_dir(folder);
        if self.data_dir.value.is_empty() {
            report
                .wrong(at, "`data_dir` is empty")
                .why("sessions and their keys need a folder of their own")
                .write("data_dir = \"cloakroom-data\"");
            return None;
        }
        if data_dir.exists() && !data_dir.is_dir() {
            report
                .wrong(at, "`data_dir` is not a folder")
                .why("sessions and their keys need a folder of their own")
                .write("data_dir = \"…\", a folder, or a name that is free");
            return None;
        }
        if super::secret::others_may(&data_dir, 0o002) {
            report.warn(
                format!(
                    "data_dir `{}` can be written by every user of this machine",
                    self.data_dir.value
                ),
                format!(
                    "they can delete or replace sessions and keys; chmod 700 {}",
                    self.data_dir.value
                ),
            );
        }
        Some(data_dir)
    }
}
