//! One module per command.

mod check;
mod init;
mod run;
mod schema;

use std::io;
use std::path::PathBuf;

pub(crate) use check::check;
pub(crate) use init::init;
pub(crate) use run::run;
pub(crate) use schema::schema;

use crate::config::ConfigError;
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
