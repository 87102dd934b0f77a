//! The one place of the testkit that reads the clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The time since 1970-01-01T00:00:00Z.
#[expect(clippy::disallowed_methods, reason = "the edge: a test provider lives in real time")]
pub(crate) fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970")
}
