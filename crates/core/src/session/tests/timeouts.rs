//! R32, to the millisecond.

use std::time::Duration;

use proptest::prelude::*;

use crate::{session::Timeouts, time::Timestamp};

const HOUR: Duration = Duration::from_secs(3600);
const LIMITS: Timeouts = Timeouts { idle: HOUR, absolute: Duration::from_secs(10 * 3600) };
/// A twentieth of [`LIMITS`]' idle timeout.
const STEP: Duration = Duration::from_secs(180);
const MILLI: Duration = Duration::from_millis(1);

const START: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

fn end() -> Timestamp {
    START.plus(LIMITS.absolute)
}

#[test]
fn r32_a_session_ends_when_idle_and_never_after_its_end() {
    for (now, expected) in [
        (START, START.plus(HOUR)),
        (START.plus(MILLI), START.plus(HOUR + MILLI)),
        (START.plus(9 * HOUR - MILLI), end().minus(MILLI)),
        (START.plus(9 * HOUR), end()),
        (START.plus(9 * HOUR + MILLI), end()),
        (end(), end()),
        (end().plus(HOUR), end()),
    ] {
        assert_eq!(LIMITS.expiry(now, end()), expected, "{now:?}");
    }
}

#[test]
fn r32_an_idle_timeout_longer_than_the_session_changes_nothing() {
    let limits = Timeouts { idle: 20 * HOUR, absolute: HOUR };
    assert_eq!(limits.expiry(START, START.plus(HOUR)), START.plus(HOUR));
    assert_eq!(limits.touch(START.plus(HOUR / 2), START.plus(HOUR), START.plus(HOUR)), None);
}

#[test]
fn a_touch_is_worth_a_write_once_per_twentieth() {
    let stored = LIMITS.expiry(START, end());
    let touch = |later: Duration| LIMITS.touch(START.plus(later), stored, end());
    assert_eq!(touch(Duration::ZERO), None);
    assert_eq!(touch(STEP - MILLI), None);
    assert_eq!(touch(STEP), Some(stored.plus(STEP)));
    assert_eq!(touch(STEP + MILLI), Some(stored.plus(STEP + MILLI)));
    assert_eq!(touch(20 * HOUR), Some(end()));
    // A clock that went back never shortens a session.
    assert_eq!(LIMITS.touch(START.minus(HOUR), stored, end()), None);
    assert_eq!(LIMITS.touch(START.plus(9 * HOUR), end(), end()), None);
    assert_eq!(LIMITS.touch(START.plus(9 * HOUR), end().minus(STEP), end()), Some(end()));
    // The last one reaches the end itself.
    assert_eq!(LIMITS.touch(START.plus(9 * HOUR), end().minus(MILLI), end()), Some(end()));
}

#[test]
fn tiny_idle_timeouts_do_not_write_without_end() {
    let limits = Timeouts { idle: Duration::from_millis(10), absolute: HOUR };
    let stored = limits.expiry(START, end());
    assert_eq!(limits.touch(START, stored, end()), None);
    assert_eq!(limits.touch(START.plus(MILLI), stored, end()), Some(stored.plus(MILLI)));
    let none = Timeouts { idle: Duration::ZERO, absolute: HOUR };
    assert_eq!(none.touch(START, START, end()), None);
    assert_eq!(none.touch(START.minus(MILLI), START, end()), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// R32: a session that is used lives at most idle after its last use and at least nineteen
    /// twentieths of it, and never past its end.
    #[test]
    fn r32_use_keeps_a_session_alive(
        gaps in proptest::collection::vec(0_u64..4_000_000, 1..40),
    ) {
        let mut now = START;
        let mut stored = LIMITS.expiry(now, end());
        for gap in gaps {
            now = now.plus(Duration::from_millis(gap));
            if now >= stored {
                break;
            }
            if let Some(later) = LIMITS.touch(now, stored, end()) {
                prop_assert!(later > stored);
                stored = later;
            }
            prop_assert!(stored <= end());
            prop_assert!(stored <= now.plus(HOUR));
            prop_assert!(stored > now.plus(HOUR - STEP).min(end().minus(STEP)));
        }
    }
}
