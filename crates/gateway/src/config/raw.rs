//! The whole file as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::auth::RawAuth;
use super::cookie::RawCookie;
use super::guard::RawGuard;
use super::keys::RawKeys;
use super::listen::RawListen;
use super::log::RawLog;
use super::provider::RawProvider;
use super::public::RawPublic;
use super::route::RawRoute;
use super::session::RawSession;
use super::site::RawSite;

/// The configuration of the gateway `cloakroom`, usually `cloakroom.toml`.
///
/// Every default is the safe choice. Durations are text such as `500ms`, `30s`, `5m`, `24h` or `7d`.
/// Relative paths start at the folder of the file.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Cloakroom")]
#[expect(
    dead_code,
    reason = "the sections are read one by one, so that one mistake hides no other"
)]
pub(super) struct RawConfig {
    /// Where browsers find the gateway.
    public: RawPublic,
    /// Where the gateway accepts connections.
    #[serde(default)]
    listen: RawListen,
    /// Where tokens come from: OpenID providers and login services that people log in with.
    #[serde(default)]
    provider: Vec<RawProvider>,
    /// Which requests go to which upstream. The longest matching path wins.
    #[serde(default)]
    route: Vec<RawRoute>,
    /// The single-page app, served to every request that no route takes.
    site: Option<RawSite>,
    /// Where sessions are kept and how long they last.
    #[serde(default)]
    session: RawSession,
    /// Where the keyring is, which seals sessions and everything else that leaves the gateway.
    #[serde(default)]
    keys: RawKeys,
    /// The session cookie. It is always `Secure`, `HttpOnly` and `Path=/`.
    #[serde(default)]
    cookie: RawCookie,
    /// Defence against cross-site requests, in addition to the checks that are always made.
    #[serde(default)]
    guard: RawGuard,
    /// The control endpoints: login, callback, logout, session, events, refresh.
    #[serde(default)]
    auth: RawAuth,
    /// Log lines, which go to stderr.
    #[serde(default)]
    log: RawLog,
}
