//! `cloakroom check`.

mod explain;

use std::io::Write;

use crate::cli::ConfigFile;
use crate::commands::Failure;
use crate::config::{Config, Environment};

pub(crate) use explain::explain;

/// Says what the configuration does.
///
/// # Errors
/// If the configuration is missing or wrong, or `out` cannot be written.
pub(crate) fn check(
    options: &ConfigFile,
    environment: &Environment,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let config = Config::load(&options.config, environment)?;
    write!(out, "{} is right. What it does:\n\n{}", options.config.display(), explain(&config))?;
    Ok(())
}
