//! The one place that reads the clock.

use std::time::{SystemTime, UNIX_EPOCH};

use cloakroom_core::time::Timestamp;

/// The time now.
#[expect(clippy::disallowed_methods, reason = "the demo is an edge: its API judges real tokens")]
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
