//! How long a session lasts (R32).

use std::time::Duration;

use crate::time::Timestamp;

/// The two limits of a session, both enforced on the server.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// The session ends when no request came for this long.
    pub idle: Duration,
    /// The session ends this long after login, however busy.
    pub absolute: Duration,
}

impl Timeouts {
    /// When a session that was used at `now` ends if nothing more comes: never past `absolute_end`.
    pub fn expiry(&self, now: Timestamp, absolute_end: Timestamp) -> Timestamp {
        now.plus(self.idle).min(absolute_end)
    }

    /// The new expiry to write, where the stored one lags behind enough to be worth a write.
    ///
    /// A session in use is touched once per twentieth of its idle timeout, so that reading stays free
    /// of writes; the idle timeout is exact to that twentieth, and never shorter than stated minus it.
    /// The last touch, up to the absolute end, is always worth it.
    pub fn touch(
        &self,
        now: Timestamp,
        stored: Timestamp,
        absolute_end: Timestamp,
    ) -> Option<Timestamp> {
        let wanted = self.expiry(now, absolute_end);
        let last = wanted == absolute_end;
        (wanted > stored && (last || wanted.since(stored) >= self.idle / 20)).then_some(wanted)
    }
}
