//! `[[route]]`: which requests go to which upstream.

use std::time::Duration;

use http::{Method, Uri};

/// Requests under one path and the upstream they go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteConfig {
    /// Prefix by whole segments, in normal form: starts with `/`, no trailing slash (but for `/`).
    pub path: String,
    /// Scheme and authority of the upstream; its path is `/`.
    pub upstream: Uri,
    /// Whether a session is needed.
    pub session: RouteSession,
    /// What a request without a session gets where one is required.
    pub unauthenticated: Unauthenticated,
    /// The methods let through; `None` is all of them. HEAD is in it whenever GET is.
    pub methods: Option<Vec<Method>>,
    /// Time until the head of the upstream's response must have come, else 504.
    pub response_timeout: Duration,
}

/// What a route does with the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteSession {
    /// Without a session there is no request to the upstream.
    Required,
    /// With a session the bearer token goes along, without one nothing does.
    Optional,
    /// No bearer token, ever.
    None,
}

/// What a request without a session gets where one is required.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unauthenticated {
    /// A navigation goes to login, a fetch gets 401.
    Auto,
    /// 401 for everything.
    Status401,
    /// A redirect to login for everything.
    Login,
}
