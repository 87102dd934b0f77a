//! The configuration: what `cloakroom.toml` means, after every check.
//!
//! Each section is a module of its own with three parts: the raw struct (what may be written; its doc
//! comments are the JSON Schema's descriptions), the validated type (what it means), and the checks
//! from one to the other. A mistake never stops the reading: all of them are reported together.

mod auth;
mod cookie;
mod guard;
mod log;
mod provider;
mod route;
mod session;

use std::net::SocketAddr;
use std::path::PathBuf;

use url::Url;

pub use auth::AuthConfig;
pub use cookie::{CookieConfig, Persistence, SameSite};
pub use guard::GuardConfig;
pub use log::{LogConfig, LogFormat};
pub use provider::{ClientAuth, ProviderConfig};
pub use route::{RouteConfig, RouteSession, Unauthenticated};
pub use session::SessionConfig;

/// A checked configuration. Relative paths in the file are resolved against the file's folder.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where browsers find this gateway: scheme, host and port, nothing more.
    pub public_url: Url,
    /// Where the gateway accepts connections.
    pub listen: SocketAddr,
    /// The OpenID providers, in file order; the first one is the default choice at login.
    pub providers: Vec<ProviderConfig>,
    /// The routes, in file order; the longest matching path wins.
    pub routes: Vec<RouteConfig>,
    /// The folder of the single-page app, if the gateway serves one.
    pub site: Option<PathBuf>,
    /// Where sessions are kept and how long they last.
    pub session: SessionConfig,
    /// The session cookie.
    pub cookie: CookieConfig,
    /// What is asked of requests beyond Fetch Metadata and Origin.
    pub guard: GuardConfig,
    /// The control endpoints.
    pub auth: AuthConfig,
    /// Log lines.
    pub log: LogConfig,
}
