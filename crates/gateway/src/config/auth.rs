//! `[auth]`: the control endpoints.

/// Where the control endpoints live and where logout ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthConfig {
    /// Path under which `login`, `callback`, … live: starts with `/`, no trailing slash.
    pub prefix: String,
    /// Path (with query, if any) on the public origin to go to after logout.
    pub after_logout: String,
}
