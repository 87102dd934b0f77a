//! `cloakroom run`.

use crate::cli::ConfigFile;
use crate::commands::Failure;
use crate::config::{Config, Environment};
use crate::{logging, serve};

/// Serves until SIGINT or SIGTERM.
///
/// # Errors
/// If the configuration is missing or wrong, or what it names cannot be used.
pub(crate) fn run(options: &ConfigFile, environment: &Environment) -> Result<(), Failure> {
    let config = Config::load(&options.config, environment)?;
    logging::start(&config.log);
    for warning in config.warnings() {
        tracing::warn!(choice = warning.choice(), opens = warning.opens(), "weaker choice");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    Ok(runtime.block_on(serve::serve(&config))?)
}
