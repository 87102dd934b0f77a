//! One module per command.

mod check;
mod dev_cert;
mod init;
mod keys;
mod run;
mod schema;

use std::io;
use std::path::PathBuf;

pub(crate) use check::check;
pub(crate) use dev_cert::dev_cert;
pub(crate) use init::init;
pub(crate) use keys::{generate as generate_keys, rotate as rotate_keys};
pub(crate) use run::run;
pub(crate) use schema::schema;

use crate::config::ConfigError;
use crate::keyring::KeyringProblem;
use crate::serve::ServeError;

/// Why a command ended without success; `Display` is what the person at the terminal reads.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The configuration is missing or wrong.
    #[error("{0}{end}", end = count(.0))]
    Config(#[from] ConfigError),
    /// There is a file already.
    #[error("{} exists already; `--force` overwrites it, `--output <path>` writes elsewhere", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A file could not be written.
    #[error("{} could not be written: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A certificate cannot be for it.
    #[error(
        "`{host}` is neither a host name nor an IP address: write such as shop.test or 127.0.0.1, without scheme and port"
    )]
    Host {
        /// As it was written.
        host: String,
    },
    /// A certificate could not be made.
    #[error("the certificate could not be made: {0}")]
    Certificate(rcgen::Error),
    /// There is a keyring already.
    #[error("{} exists already; a keyring is never overwritten, for that would log everybody out. `cloakroom keys rotate` puts a new key into it", path.display())]
    KeyringExists {
        /// The file.
        path: PathBuf,
    },
    /// There is no keyring to rotate.
    #[error("there is no keyring {path}; `cloakroom keys generate --output {path}` makes one, and without [keys] the gateway's first start does", path = path.display())]
    NoKeyring {
        /// Where it would be.
        path: PathBuf,
    },
    /// A keyring could not be replaced.
    #[error("{} could not be replaced: {source}. It takes the file's owner, or root, and a folder that can be written", path.display())]
    Replace {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A keyring cannot be used.
    #[error(transparent)]
    Keyring(#[from] KeyringProblem),
    /// There is a prepared key already.
    #[error(
        "a key is prepared already; `cloakroom keys rotate` lets it seal, once every gateway has it"
    )]
    PreparedAlready,
    /// The gateway could not be started.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// Standard output could not be written.
    #[error("the output could not be written: {0}")]
    Output(#[from] io::Error),
}

/// The last line below several mistakes, of which the first may have scrolled away.
fn count(error: &ConfigError) -> String {
    match error {
        ConfigError::Mistakes { mistakes, .. } if mistakes.len() > 1 => {
            format!("\n\n{} mistakes", mistakes.len())
        }
        _ => String::new(),
    }
}
