//! The configuration: what `cloakroom.toml` means, after every check.
//!
//! Each section is a module of its own with three parts: the raw struct (what may be written; its doc
//! comments are the JSON Schema's descriptions), the validated type (what it means), and the checks
//! from one to the other. A mistake never stops the reading: all of them are reported together.

mod access_token;
mod allow_origins;
mod auth;
mod bare_url;
mod cookie;
mod duration;
mod environment;
mod error;
mod excerpt;
mod guard;
mod hidden;
mod hsts;
mod keys;
mod listen;
mod log;
mod normal_path;
mod provider;
mod public;
mod raw;
mod read;
mod report;
mod route;
mod schema;
mod secret;
mod session;
mod site;
mod structure;
mod suggest;
mod syntax;
mod tls;
mod token_api;
mod warning;
mod written;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use url::Url;

pub use access_token::{AccessTokenConfig, TokenKeys};
pub(crate) use allow_origins::is_another_site;
pub use auth::AuthConfig;
pub use cookie::{CookieConfig, Persistence};
pub(crate) use duration::{parse as parse_duration, show as show_duration};
pub use environment::Environment;
pub use error::{ConfigError, Mistake};
pub use guard::GuardConfig;
pub use hsts::HstsConfig;
pub use keys::KeysConfig;
pub use listen::ListenConfig;
pub use log::{LogConfig, LogFormat};
pub use provider::{ClientAuth, OidcConfig, ProviderConfig, ProviderKind};
pub use route::{RouteConfig, RouteSession, Unauthenticated};
pub use schema::json_schema;
pub(crate) use session::LONGEST as LONGEST_SESSION;
pub use session::{SessionConfig, SessionMode};
pub use tls::TlsConfig;
pub use warning::Warning;

/// A checked configuration. Relative paths in the file are resolved against the file's folder.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where browsers find this gateway: scheme, host and port, nothing more.
    pub public_url: Url,
    /// Further origins at which browsers find it, of the same scheme.
    pub also: Vec<Url>,
    /// What browsers are told about https.
    pub hsts: HstsConfig,
    /// Where and how the gateway accepts connections.
    pub listen: ListenConfig,
    /// The providers, in file order; the first OpenID provider is the default choice at login.
    pub providers: Vec<ProviderConfig>,
    /// The routes, in file order; the longest matching path wins.
    pub routes: Vec<RouteConfig>,
    /// The folder of the single-page app, if the gateway serves one.
    pub site: Option<PathBuf>,
    /// Where sessions are kept and how long they last.
    pub session: SessionConfig,
    /// Where the keyring is.
    pub keys: KeysConfig,
    /// The session cookie.
    pub cookie: CookieConfig,
    /// What is asked of requests beyond Fetch Metadata and Origin.
    pub guard: GuardConfig,
    /// The control endpoints.
    pub auth: AuthConfig,
    /// Log lines.
    pub log: LogConfig,
    warnings: Vec<Warning>,
}

impl Config {
    /// Reads and checks the configuration in `file`; secrets come from `environment` or their files.
    ///
    /// # Errors
    /// If the file is missing or unreadable, or for every mistake in it.
    pub fn load(file: &Path, environment: &Environment) -> Result<Self, ConfigError> {
        let name = || file.display().to_string();
        let bytes = fs::read(file).map_err(|source| match source.kind() {
            ErrorKind::NotFound => ConfigError::Missing { file: name() },
            _ => ConfigError::Unreadable { file: name(), source },
        })?;
        let text = String::from_utf8(bytes).map_err(|error| ConfigError::Unreadable {
            file: name(),
            source: std::io::Error::new(ErrorKind::InvalidData, error.utf8_error()),
        })?;
        Self::parse(&text, file, environment)
    }

    /// Checks `text` as if it were the content of `file`, in whose folder relative paths start.
    ///
    /// # Errors
    /// For every mistake in it.
    pub fn parse(text: &str, file: &Path, environment: &Environment) -> Result<Self, ConfigError> {
        read::read(text, file, environment)
    }

    /// The choices that are weaker than the default, and what each opens: for a log line at start.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}
