//! `[session]`: where sessions are kept and how long they last.

use std::path::{Path, PathBuf};
use std::time::Duration;

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
}

/// Where a session is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionMode {
    /// In the data folder; the cookie holds a ticket.
    Server,
    /// In the cookies, sealed.
    Sealed,
}

impl Choice for SessionMode {
    const ALL: &'static [(&'static str, Self, &'static str)] = &[
        ("server", Self::Server, "kept in the data folder; the cookie is a ticket to it"),
        ("sealed", Self::Sealed, "kept in encrypted cookies; nothing is stored here"),
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
}

impl Default for RawSession {
    fn default() -> Self {
        Self {
            mode: Written::default("server"),
            data_dir: Written::default("cloakroom-data"),
            idle_timeout: Written::default("24h"),
            absolute_timeout: Written::default("7d"),
        }
    }
}

impl RawSession {
    /// The folder for sessions and keys.
    pub(super) fn data_dir(&self, folder: &Path) -> PathBuf {
        folder.join(&self.data_dir.value)
    }

    pub(super) fn check(&self, folder: &Path, report: &mut Report) -> Option<SessionConfig> {
        let mode = report.choice("mode", &self.mode);
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
        if mode == Some(SessionMode::Sealed) {
            report.warn(
                "session.mode is \"sealed\": sessions are kept in the browsers' cookies alone",
                "a session ends only in its own browser; after a restart, or at another gateway, a copied cookie opens again after its logout, and a refresh token that rotated meanwhile is lost; use \"server\" where that matters",
            );
        }
        Some(SessionConfig { mode: mode?, data_dir: data_dir?, idle_timeout, absolute_timeout })
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
