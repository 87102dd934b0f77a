//! Weaker choices.

use std::fmt;

/// A setting that is weaker than the default, and what it opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    pub(super) choice: String,
    pub(super) opens: String,
}

impl Warning {
    /// The setting, with the route or provider that it belongs to.
    pub fn choice(&self) -> &str {
        &self.choice
    }

    /// What becomes possible through it.
    pub fn opens(&self) -> &str {
        &self.opens
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.choice, self.opens)
    }
}
