//! `[guard]`: what is asked of a request beyond Fetch Metadata and Origin.

use http::HeaderName;

/// Additional defence against cross-site request forgery.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GuardConfig {
    /// Requests with an unsafe method must carry this header, whatever its value (R37).
    pub required_header: Option<HeaderName>,
}
