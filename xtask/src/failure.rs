//! Why a command of this crate could not do its work, for the person in front of the terminal.

use std::fmt;

/// A message that says what failed and, where it helps, what to do.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Adds to an error what was being done when it happened.
pub(crate) trait While<T> {
    /// Reads "cannot `doing`: the error".
    fn cannot(self, doing: impl fmt::Display) -> Result<T, Failure>;
}

impl<T, E: fmt::Display> While<T> for Result<T, E> {
    fn cannot(self, doing: impl fmt::Display) -> Result<T, Failure> {
        self.map_err(|error| Failure(format!("cannot {doing}: {error}")))
    }
}
