//! `[auth]`: the control endpoints.

use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::normal_path;
use super::report::Report;
use super::written::Written;

/// The prefix when none is written.
const PREFIX: &str = "/auth";

/// Where the control endpoints live and where logout ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthConfig {
    /// Path under which `login`, `callback`, … live: starts with `/`, no trailing slash.
    pub prefix: String,
    /// Path (with query, if any) on the public origin to go to after logout.
    pub after_logout: String,
}

/// The control endpoints: login, callback, logout, session, events, refresh.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawAuth {
    /// The path under which they live. No route may be under it.
    prefix: Written<String>,
    /// The page that people come to after logout: a path on the public URL.
    after_logout: Written<String>,
}

impl Default for RawAuth {
    fn default() -> Self {
        Self { prefix: Written::default(PREFIX), after_logout: Written::default("/") }
    }
}

impl RawAuth {
    pub(super) fn check(&self, report: &mut Report) -> Option<AuthConfig> {
        let prefix = self.check_prefix(report);
        let after_logout = self.check_after_logout(prefix.as_deref(), report);
        Some(AuthConfig { prefix: prefix?, after_logout: after_logout? })
    }

    fn check_prefix(&self, report: &mut Report) -> Option<String> {
        let (at, prefix) = (self.prefix.at(), &self.prefix.value);
        if prefix == "/" {
            report
                .wrong(at, "`prefix` cannot be /")
                .why("the control endpoints would take every path of the site")
                .write(format!("prefix = \"{PREFIX}\""));
            return None;
        }
        if let Some(fault) = normal_path::fault(prefix) {
            report
                .wrong(at, format!("`prefix` {}", fault.what))
                .why(fault.why)
                .write(format!("prefix = \"{}\"", fault.instead.as_deref().unwrap_or(PREFIX)));
            return None;
        }
        Some(prefix.clone())
    }

    fn check_after_logout(&self, prefix: Option<&str>, report: &mut Report) -> Option<String> {
        let (at, path) = (self.after_logout.at(), &self.after_logout.value);
        let base = Url::parse("https://origin.invalid/").ok()?;
        let target = base.join(path).ok();
        let own = target.filter(|target| path.starts_with('/') && target.origin() == base.origin());
        let clean = path.chars().all(|c| c.is_ascii_graphic() && c != '\\');
        let Some(own) = own.filter(|_| clean) else {
            report
                .wrong(at, "`after_logout` is not a path on the public URL")
                .why("after logout people stay on this site; an address elsewhere would be an open door for phishing")
                .write("after_logout = \"/\", or a page such as \"/goodbye\"");
            return None;
        };
        if prefix.is_some_and(|prefix| normal_path::is_under(own.path(), prefix)) {
            report
                .wrong(at, "`after_logout` is one of the control endpoints")
                .why("people would be sent in a circle")
                .write("after_logout = \"/\"");
            return None;
        }
        Some(path.clone())
    }
}
