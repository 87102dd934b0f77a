//! Whether an access token is good, due for a refresh, or dead.

use std::time::Duration;

use super::{RecordId, TokenSet};
use crate::time::Timestamp;

/// What to do about an access token before a request goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Use it.
    Fresh,
    /// Use it, and refresh beside the request.
    Due,
    /// Refresh first.
    Expired,
}

impl Freshness {
    /// The state of `tokens` at `now`; the session's id spreads the due points of many sessions.
    ///
    /// A token of unknown lifetime is always fresh: only the API's answer can tell.
    pub fn of(tokens: &TokenSet, id: &RecordId, now: Timestamp) -> Self {
        let Some(expires_at) = tokens.expires_at else { return Self::Fresh };
        let margin = refresh_margin(expires_at.since(tokens.obtained_at));
        if now >= expires_at.minus(margin / 4) {
            Self::Expired
        } else if now >= expires_at.minus(margin - jitter(margin / 2, id)) {
            Self::Due
        } else {
            Self::Fresh
        }
    }
}

/// How long before its expiry a token that lives `lifetime` is due: a tenth, at most a minute.
///
/// In the last quarter of the margin a request no longer starts with the token, so that it does not
/// die on the way.
pub fn refresh_margin(lifetime: Duration) -> Duration {
    (lifetime / 10).min(Duration::from_secs(60))
}

/// A share of `most` that is the same for one session and spread over many.
fn jitter(most: Duration, id: &RecordId) -> Duration {
    most * u32::from(id.as_bytes()[31]) / 256
}
