//! R28: the newest seals, the others open, and none goes before its time.

use std::time::Duration;

use proptest::prelude::*;

use super::{ids, line};
use crate::{
    key::Keyring,
    random::Counted,
    seal::{OpenError, Purpose, SealContext},
    time::Timestamp,
};

const DAY: Duration = Duration::from_secs(86_400);
const WEEK: Duration = Duration::from_secs(7 * 86_400);
const CONTEXT: SealContext<'_> =
    SealContext { purpose: Purpose::SessionRecord, name: b"n", secret: b"s" };

fn start() -> Timestamp {
    Timestamp::from_unix_seconds(1_800_000_000)
}

#[test]
fn r28_after_a_rotation_the_new_key_seals_and_the_old_one_opens() {
    let random = Counted::from(1);
    let before = Keyring::generate(&random);
    let old = before.seal(&random, &CONTEXT, b"old");
    let after = before.rotate(&random, start(), WEEK).keyring;
    assert_eq!(after.count(), 2);
    assert_eq!(*after.open(&CONTEXT, &old).unwrap(), b"old"[..]);
    let new = after.seal(&random, &CONTEXT, b"new");
    assert_eq!(*after.open(&CONTEXT, &new).unwrap(), b"new"[..]);
    assert_eq!(before.open(&CONTEXT, &new).unwrap_err(), OpenError, "sealed by the new key");
    assert!(!after.is_same(&before) && after.is_same(&after.clone()));
}

#[test]
fn r28_a_prepared_key_opens_and_seals_only_after_its_turn() {
    let random = Counted::from(1);
    let before = Keyring::generate(&random);
    let prepared = before.prepared(&random).unwrap();
    assert!(prepared.prepared(&random).is_none(), "one at a time");
    // A gateway that has not heard of it yet opens what one seals that has.
    let sealed = prepared.seal(&random, &CONTEXT, b"x");
    assert!(before.open(&CONTEXT, &sealed).is_ok());
    // And one that has opens what is sealed after its turn.
    let rotated = prepared.rotate(&random, start(), WEEK);
    assert!(rotated.was_prepared);
    assert_eq!(rotated.keyring.count(), 2);
    let sealed = rotated.keyring.seal(&random, &CONTEXT, b"x");
    assert!(prepared.open(&CONTEXT, &sealed).is_ok());
    assert!(before.open(&CONTEXT, &sealed).is_err());
    assert!(!rotated.keyring.is_same(&prepared));
}

#[test]
fn old_keys_stay_as_long_as_a_session_can_last() {
    let random = Counted::from(1);
    let mut keyring = Keyring::generate(&random);
    let mut dropped = Vec::new();
    for day in 0..12 {
        let rotated = keyring.rotate(&random, start().plus(DAY * day), WEEK);
        keyring = rotated.keyring;
        dropped.push(rotated.dropped);
    }
    // The key that ceased to seal on day 0 is of no use from day 7 on, and so forth.
    assert_eq!(dropped, [0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1]);
    assert_eq!(keyring.count(), 8);
    let at_once = keyring.rotate(&random, start().plus(DAY * 12), Duration::ZERO);
    assert_eq!((at_once.keyring.count(), at_once.dropped), (1, 8));
}

/// Keys that an operator put in by hand carry no time.
#[test]
fn a_key_of_unknown_age_stays_until_it_is_known() {
    let random = Counted::from(100);
    let by_hand = Keyring::parse(&format!("{}\n{}\n{}", line(1), line(2), line(3))).unwrap();
    let first = by_hand.rotate(&random, start(), WEEK);
    assert_eq!((first.keyring.count(), first.dropped), (4, 0));
    // All three ceased to seal by then.
    let second = first.keyring.rotate(&random, start().plus(WEEK), WEEK);
    assert_eq!((second.keyring.count(), second.dropped), (2, 3));
}

proptest! {
    /// What is written of a moment is read as that moment.
    #[test]
    fn times_survive_the_text(seconds in 0..253_402_300_799_u64) {
        let now = Timestamp::from_unix_seconds(seconds);
        let random = Counted::from(seconds);
        let rotated = Keyring::generate(&random).rotate(&random, now, WEEK).keyring;
        let again = Keyring::parse(&rotated.to_text()).unwrap();
        prop_assert_eq!(again.newest.since, Some(now));
        prop_assert_eq!(ids(&again), ids(&rotated));
    }
}

#[test]
fn times_are_those_of_the_calendar() {
    for (seconds, text) in [
        (0, "1970-01-01T00:00:00Z"),
        (951_782_400, "2000-02-29T00:00:00Z"),
        (1_700_000_000, "2023-11-14T22:13:20Z"),
        (4_107_542_399, "2100-02-28T23:59:59Z"),
        (4_107_542_400, "2100-03-01T00:00:00Z"),
    ] {
        let keyring = Keyring::parse(&format!("{} since {text}", line(1))).unwrap();
        assert_eq!(keyring.newest.since, Some(Timestamp::from_unix_seconds(seconds)));
        assert!(keyring.to_text().contains(text));
    }
}
