//! `[cookie]`: the session cookie.

/// How the session cookie is named and sent. It is always `__Host-`, Secure, HttpOnly, Path=/ (R19).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieConfig {
    /// The name without the `__Host-` prefix.
    pub name: String,
    /// The SameSite attribute.
    pub same_site: SameSite,
    /// Whether the cookie outlives the browser's window.
    pub persistence: Persistence,
}

/// When the browser sends the session cookie along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// With requests from our own site, and with a followed link from elsewhere.
    Lax,
    /// With requests from our own site only.
    Strict,
}

/// How long the browser keeps the session cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persistence {
    /// With Max-Age, as long as the session may last: a restart of the browser keeps it.
    Persistent,
    /// Without Max-Age: until the browser is closed.
    BrowserSession,
}
