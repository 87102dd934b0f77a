//! `cloakroom schema`.

use std::io::Write;

use crate::commands::Failure;
use crate::config::json_schema;

/// Prints the JSON Schema of the configuration.
///
/// # Errors
/// If `out` cannot be written.
pub(crate) fn schema(out: &mut dyn Write) -> Result<(), Failure> {
    writeln!(out, "{:#}", json_schema())?;
    Ok(())
}
