//! Environment variables as an argument.

use std::ffi::OsString;

type Lookup = dyn Fn(&str) -> Option<OsString>;

/// Where `{ env = "NAME" }` is looked up: the process's environment, or a test's own.
pub struct Environment(Box<Lookup>);

impl Environment {
    /// The environment of this process.
    pub fn process() -> Self {
        Self(Box::new(|name| std::env::var_os(name)))
    }

    /// The given variables and no others.
    pub fn of<const N: usize>(variables: [(&str, &str); N]) -> Self {
        let variables = variables.map(|(name, value)| (name.to_owned(), OsString::from(value)));
        Self(Box::new(move |name| {
            let mut variables = variables.iter();
            variables.find(|(known, _)| known == name).map(|(_, value)| value.clone())
        }))
    }

    pub(super) fn get(&self, name: &str) -> Option<OsString> {
        (self.0)(name)
    }
}
