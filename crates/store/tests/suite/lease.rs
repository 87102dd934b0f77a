//! The right to refresh a session: one holder at a time, and a fence against late ones (R15).

use std::time::Duration;

use cloakroom_core::session::{End, Holder};
use cloakroom_store::{Leased, Replaced, StoredRecord};

use super::{Store, at, at_once, id};

const LONG: Duration = Duration::from_secs(3600);
/// Over as soon as it is taken, so that no test waits.
const NONE: Duration = Duration::ZERO;

fn holder(number: u8) -> Holder {
    Holder::from_bytes([number; 16])
}

async fn new(store: &Store) {
    store.create(id("a"), b"1".to_vec().into(), at(10)).await.unwrap();
}

async fn lease(store: &Store, by: u8, lasts: Duration) -> Leased {
    store.lease(id("a"), holder(by), None, lasts, at(1)).await.unwrap()
}

fn taken(version: u64, sealed: &[u8], interrupted: bool) -> Leased {
    let record = StoredRecord { version, sealed: sealed.to_vec(), expires_at: at(10) };
    Leased::Taken { record, interrupted }
}

fn is_held_by(leased: &Leased, number: u8) -> bool {
    matches!(leased, Leased::Held { by, left } if *by == holder(number) && *left <= LONG && *left > LONG / 2)
}

pub(crate) async fn r15_a_lease_is_one_holders(store: Store) {
    new(&store).await;
    assert_eq!(lease(&store, 1, LONG).await, taken(2, b"1", false));
    assert!(is_held_by(&lease(&store, 2, LONG).await, 1));
    // Also by itself: a flight that was forgotten is a flight.
    assert!(is_held_by(&lease(&store, 1, LONG).await, 1));
    let kept = store.load(id("a"), at(1)).await.unwrap().unwrap();
    assert_eq!((kept.version, kept.sealed.as_slice()), (2, b"1".as_slice()));
    // Its write ends it.
    let done = store.replace(id("a"), 2, b"2".to_vec().into(), at(10)).await.unwrap();
    assert_eq!(done, Replaced::Done { version: 3 });
    assert_eq!(lease(&store, 2, LONG).await, taken(4, b"2", false));
}

pub(crate) async fn r15_one_of_many_takers_wins(store: Store) {
    new(&store).await;
    for round in 0..4_u64 {
        let leased = at_once(16, |number| {
            let store = store.clone();
            async move { lease(&store, number as u8, LONG).await }
        })
        .await;
        let winner = leased.iter().position(|it| matches!(it, Leased::Taken { .. })).unwrap();
        let lost = leased.iter().filter(|it| is_held_by(it, winner as u8)).count();
        assert_eq!(lost, 15);
        store.release(id("a"), 2 + round).await.unwrap();
    }
}

pub(crate) async fn r15_a_late_holder_is_fenced_off(store: Store) {
    new(&store).await;
    assert_eq!(lease(&store, 1, NONE).await, taken(2, b"1", false));
    assert_eq!(lease(&store, 2, LONG).await, taken(3, b"1", true));
    let late = store.replace(id("a"), 2, b"late".to_vec().into(), at(10)).await.unwrap();
    assert_eq!(late, Replaced::Conflict);
    assert!(!store.renew(id("a"), 2, LONG).await.unwrap());
    store.release(id("a"), 2).await.unwrap();
    assert!(is_held_by(&lease(&store, 1, LONG).await, 2), "a late release frees nothing");
    let done = store.replace(id("a"), 3, b"2".to_vec().into(), at(10)).await.unwrap();
    assert_eq!(done, Replaced::Done { version: 4 });
    // Late once more, when the lease is over.
    let late = store.replace(id("a"), 2, b"late".to_vec().into(), at(10)).await.unwrap();
    assert_eq!(late, Replaced::Conflict);
    assert!(!store.renew(id("a"), 3, LONG).await.unwrap());
    assert_eq!(store.load(id("a"), at(1)).await.unwrap().unwrap().sealed, b"2");
}

pub(crate) async fn r15_a_dead_holder_is_replaced_at_once(store: Store) {
    new(&store).await;
    assert_eq!(lease(&store, 1, LONG).await, taken(2, b"1", false));
    let over = |dead| store.lease(id("a"), holder(2), Some(holder(dead)), LONG, at(1));
    assert!(is_held_by(&over(3).await.unwrap(), 1), "somebody else is dead");
    assert_eq!(over(1).await.unwrap(), taken(3, b"1", true));
    assert!(is_held_by(&over(1).await.unwrap(), 2));
    assert!(!store.renew(id("a"), 2, LONG).await.unwrap());
}

pub(crate) async fn r15_a_lease_is_renewed_by_its_holder_alone(store: Store) {
    new(&store).await;
    assert!(!store.renew(id("a"), 1, LONG).await.unwrap(), "there is none");
    assert_eq!(lease(&store, 1, NONE).await, taken(2, b"1", false));
    for stale in [0, 1, 3, u64::MAX] {
        assert!(!store.renew(id("a"), stale, LONG).await.unwrap());
    }
    // Its time is up, and nobody else took it.
    assert!(store.renew(id("a"), 2, LONG).await.unwrap());
    assert!(is_held_by(&lease(&store, 2, LONG).await, 1));
    assert!(store.renew(id("a"), 2, NONE).await.unwrap(), "a renewal may shorten it");
    assert_eq!(lease(&store, 2, LONG).await, taken(3, b"1", true));
}

pub(crate) async fn r15_a_released_lease_is_free(store: Store) {
    new(&store).await;
    assert_eq!(lease(&store, 1, LONG).await, taken(2, b"1", false));
    store.release(id("a"), 2).await.unwrap();
    store.release(id("a"), 2).await.unwrap();
    assert!(!store.renew(id("a"), 2, LONG).await.unwrap());
    assert_eq!(lease(&store, 2, LONG).await, taken(3, b"1", false));
}

pub(crate) async fn a_lease_keeps_nobody_from_ending_or_using_the_session(store: Store) {
    new(&store).await;
    assert_eq!(lease(&store, 1, LONG).await, taken(2, b"1", false));
    store.touch(id("a"), at(20)).await.unwrap();
    assert!(store.renew(id("a"), 2, LONG).await.unwrap(), "a touch is no write");
    let removed = store.remove(id("a"), End::Logout).await.unwrap().unwrap();
    assert_eq!((removed.version, removed.expires_at), (2, at(20)));
    assert!(!store.renew(id("a"), 2, LONG).await.unwrap());
    let late = store.replace(id("a"), 2, b"late".to_vec().into(), at(10)).await.unwrap();
    assert_eq!(late, Replaced::Gone);
    // The same id again is another record.
    new(&store).await;
    assert_eq!(lease(&store, 2, LONG).await, taken(2, b"1", false));
}

pub(crate) async fn nothing_is_leased_that_is_not_there(store: Store) {
    assert_eq!(lease(&store, 1, LONG).await, Leased::Gone);
    new(&store).await;
    let expired = store.lease(id("a"), holder(1), None, LONG, at(10)).await.unwrap();
    assert_eq!(expired, Leased::Gone);
    assert_eq!(store.load(id("a"), at(1)).await.unwrap().unwrap().version, 1);
    assert!(!store.renew(id("b"), 1, LONG).await.unwrap());
    store.release(id("b"), 1).await.unwrap();
}
