//! What every store must do: one function a property, run for each store by `tests/stores.rs`.

mod lease;
mod model;
mod notices;

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use cloakroom_core::{
    session::{End, IndexKey, RecordId},
    time::Timestamp,
};
use cloakroom_store::{
    Content, FILED_LIMIT, Filed, Replaced, SWEEP_LIMIT, SessionStore, StoreErrorKind, StoredRecord,
};

pub(crate) use lease::*;
pub(crate) use model::behaves_as_the_model;
pub(crate) use notices::*;

type Store = Arc<dyn SessionStore>;

fn id(name: impl AsRef<[u8]>) -> RecordId {
    RecordId::hash(b"test", name.as_ref())
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_unix_seconds(seconds)
}

/// Runs `count` tasks that start at the same moment.
async fn at_once<T, F>(count: u64, task: impl Fn(u64) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let start = Arc::new(tokio::sync::Barrier::new(usize::try_from(count).unwrap()));
    let tasks: Vec<_> = (0..count)
        .map(|number| {
            let (start, task) = (Arc::clone(&start), task(number));
            tokio::spawn(async move {
                start.wait().await;
                task.await
            })
        })
        .collect();
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}

pub(crate) async fn gives_back_what_it_was_given(store: Store) {
    let sealed: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    store.create(id("long"), sealed.clone().into(), at(10)).await.unwrap();
    store.create(id("empty"), Vec::new().into(), at(10)).await.unwrap();
    assert_eq!(
        store.load(id("long"), at(1)).await.unwrap(),
        Some(StoredRecord { version: 1, sealed, expires_at: at(10) })
    );
    assert_eq!(store.load(id("empty"), at(1)).await.unwrap().unwrap().sealed, b"");
    assert_eq!(store.load(id("unknown"), at(1)).await.unwrap(), None);
}

pub(crate) async fn never_creates_over_a_record(store: Store) {
    store.create(id("a"), b"first".to_vec().into(), at(10)).await.unwrap();
    // Also where the first has expired but is not swept: there is no `now` to know it by.
    let error = store.create(id("a"), b"second".to_vec().into(), at(99)).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::IdInUse);
    let kept = store.load(id("a"), at(1)).await.unwrap().unwrap();
    assert_eq!((kept.version, kept.sealed.as_slice()), (1, b"first".as_slice()));
    assert_eq!(store.remove(id("a"), End::Logout).await.unwrap().unwrap().sealed, b"first");
    store.create(id("a"), b"third".to_vec().into(), at(10)).await.unwrap();
}

pub(crate) async fn one_of_many_creators_wins(store: Store) {
    let created = at_once(32, |number| {
        let store = Arc::clone(&store);
        async move { store.create(id("a"), vec![number as u8].into(), at(10)).await.is_ok() }
    })
    .await;
    let winner = created.iter().position(|won| *won).unwrap();
    assert_eq!(created.iter().filter(|won| **won).count(), 1);
    assert_eq!(store.load(id("a"), at(1)).await.unwrap().unwrap().sealed, [winner as u8]);
}

pub(crate) async fn replaces_only_the_version_that_was_read(store: Store) {
    store.create(id("a"), b"1".to_vec().into(), at(10)).await.unwrap();
    let done = store.replace(id("a"), 1, b"2".to_vec().into(), at(20)).await.unwrap();
    assert_eq!(done, Replaced::Done { version: 2 });
    for stale in [0, 1, 3, u64::MAX] {
        let refused = store.replace(id("a"), stale, b"x".to_vec().into(), at(30)).await.unwrap();
        assert_eq!(refused, Replaced::Conflict);
    }
    let kept = store.load(id("a"), at(1)).await.unwrap().unwrap();
    assert_eq!(kept, StoredRecord { version: 2, sealed: b"2".to_vec(), expires_at: at(20) });
    assert_eq!(
        store.replace(id("b"), 1, b"x".to_vec().into(), at(30)).await.unwrap(),
        Replaced::Gone
    );
    assert_eq!(store.load(id("b"), at(1)).await.unwrap(), None);
}

pub(crate) async fn one_of_many_writers_wins(store: Store) {
    store.create(id("a"), Vec::new().into(), at(10)).await.unwrap();
    for version in 1..=8 {
        let results = at_once(16, |number| {
            let store = Arc::clone(&store);
            async move {
                store.replace(id("a"), version, vec![number as u8].into(), at(10)).await.unwrap()
            }
        })
        .await;
        let won = Replaced::Done { version: version + 1 };
        let winner = results.iter().position(|result| *result == won).unwrap();
        let lost = results.iter().filter(|result| **result == Replaced::Conflict).count();
        assert_eq!(lost, 15);
        let kept = store.load(id("a"), at(1)).await.unwrap().unwrap();
        assert_eq!((kept.version, kept.sealed), (version + 1, vec![winner as u8]));
    }
}

pub(crate) async fn no_write_is_lost_under_contention(store: Store) {
    store.create(id("sum"), 0_u64.to_be_bytes().to_vec().into(), at(10)).await.unwrap();
    at_once(16, |_| {
        let store = Arc::clone(&store);
        async move {
            let mut done = 0;
            while done < 8 {
                let read = store.load(id("sum"), at(1)).await.unwrap().unwrap();
                let sum = u64::from_be_bytes(read.sealed.try_into().unwrap()) + 1;
                let sealed = sum.to_be_bytes().to_vec();
                let written =
                    store.replace(id("sum"), read.version, sealed.into(), at(10)).await.unwrap();
                done += u64::from(matches!(written, Replaced::Done { .. }));
            }
        }
    })
    .await;
    let end = store.load(id("sum"), at(1)).await.unwrap().unwrap();
    assert_eq!((end.version, end.sealed), (129, 128_u64.to_be_bytes().to_vec()));
}

pub(crate) async fn a_record_is_gone_from_its_expiry_on(store: Store) {
    store.create(id("a"), Vec::new().into(), Timestamp::from_unix_millis(10_000)).await.unwrap();
    let just_before = Timestamp::from_unix_millis(9_999);
    assert!(store.load(id("a"), just_before).await.unwrap().is_some());
    assert!(store.load(id("a"), at(10)).await.unwrap().is_none());
    assert!(store.load(id("a"), at(11)).await.unwrap().is_none());
}

pub(crate) async fn touch_moves_the_expiry_alone(store: Store) {
    store.create(id("a"), b"1".to_vec().into(), at(10)).await.unwrap();
    store.touch(id("a"), at(20)).await.unwrap();
    let touched = StoredRecord { version: 1, sealed: b"1".to_vec(), expires_at: at(20) };
    assert_eq!(store.load(id("a"), at(15)).await.unwrap(), Some(touched.clone()));
    // A touch that was overtaken by a later one changes nothing.
    store.touch(id("a"), at(12)).await.unwrap();
    assert_eq!(store.load(id("a"), at(15)).await.unwrap(), Some(touched));
    // Swept by its new expiry, not by its old one.
    assert_eq!(store.sweep(at(19)).await.unwrap(), 0);
    assert_eq!(store.sweep(at(20)).await.unwrap(), 1);
    store.touch(id("a"), at(99)).await.unwrap();
    assert_eq!(store.load(id("a"), at(15)).await.unwrap(), None);
}

pub(crate) async fn touch_does_not_get_in_the_way_of_replace(store: Store) {
    store.create(id("a"), b"1".to_vec().into(), at(10)).await.unwrap();
    let read = store.load(id("a"), at(1)).await.unwrap().unwrap();
    store.touch(id("a"), at(20)).await.unwrap();
    let done = store.replace(id("a"), read.version, b"2".to_vec().into(), at(15)).await.unwrap();
    assert_eq!(done, Replaced::Done { version: 2 });
    let results = at_once(16, |number| {
        let store = Arc::clone(&store);
        async move {
            if number == 7 {
                let done = store.replace(id("a"), 2, b"3".to_vec().into(), at(15)).await.unwrap();
                assert_eq!(done, Replaced::Done { version: 3 });
            } else {
                store.touch(id("a"), at(30 + number)).await.unwrap();
            }
        }
    })
    .await;
    assert_eq!(results.len(), 16);
    let kept = store.load(id("a"), at(1)).await.unwrap().unwrap();
    assert_eq!(kept, StoredRecord { version: 3, sealed: b"3".to_vec(), expires_at: at(45) });
}

/// A refresh gives the expiry that it read before the request beside it moved that on.
pub(crate) async fn r32_replace_does_not_undo_a_touch(store: Store) {
    store.create(id("a"), b"1".to_vec().into(), at(10)).await.unwrap();
    let read = store.load(id("a"), at(1)).await.unwrap().unwrap();
    store.touch(id("a"), at(20)).await.unwrap();
    let done =
        store.replace(id("a"), read.version, b"2".to_vec().into(), read.expires_at).await.unwrap();
    assert_eq!(done, Replaced::Done { version: 2 });
    let kept = StoredRecord { version: 2, sealed: b"2".to_vec(), expires_at: at(20) };
    assert_eq!(store.load(id("a"), at(19)).await.unwrap(), Some(kept));
    // The index of what expires was not set back either.
    assert_eq!(store.sweep(at(19)).await.unwrap(), 0);
    assert_eq!(store.sweep(at(20)).await.unwrap(), 1);
}

pub(crate) async fn removes(store: Store) {
    store.create(id("a"), b"1".to_vec().into(), at(10)).await.unwrap();
    let done = store.replace(id("a"), 1, b"2".to_vec().into(), at(20)).await.unwrap();
    assert_eq!(done, Replaced::Done { version: 2 });
    store.touch(id("a"), at(30)).await.unwrap();
    let last = StoredRecord { version: 2, sealed: b"2".to_vec(), expires_at: at(30) };
    assert_eq!(store.remove(id("a"), End::Logout).await.unwrap(), Some(last));
    assert_eq!(store.remove(id("a"), End::Logout).await.unwrap(), None);
    assert_eq!(store.load(id("a"), at(1)).await.unwrap(), None);
    assert_eq!(store.replace(id("a"), 2, Vec::new().into(), at(20)).await.unwrap(), Replaced::Gone);
    assert_eq!(store.sweep(at(99)).await.unwrap(), 0, "the index forgot it too");
}

/// A logout beside refreshes revokes the token set that was stored last.
pub(crate) async fn r17_remove_gives_back_the_last_replacement(store: Store) {
    for round in 0..8_u8 {
        let name = id([round]);
        let first = StoredRecord { version: 1, sealed: Vec::new(), expires_at: at(10) };
        store.create(name, first.sealed.clone().into(), first.expires_at).await.unwrap();
        let is_removed = Arc::new(AtomicBool::new(false));
        let results = at_once(8, |number| {
            let (store, is_removed) = (Arc::clone(&store), Arc::clone(&is_removed));
            async move {
                if number < 2 {
                    let removed = remove_from(&*store, name, u64::from(round) + 1).await;
                    is_removed.store(true, Ordering::SeqCst);
                    (Vec::new(), removed)
                } else {
                    (replace_until(&is_removed, &*store, name, number as u8).await, None)
                }
            }
        })
        .await;
        let (written, removed): (Vec<_>, Vec<_>) = results.into_iter().unzip();
        let last = written.into_iter().flatten().max_by_key(|record| record.version);
        let removed: Vec<_> = removed.into_iter().flatten().collect();
        assert_eq!(removed, [last.unwrap_or(first)], "one of both removers got it");
        let version = removed[0].version;
        let late = store.replace(name, version, Vec::new().into(), at(10)).await.unwrap();
        assert_eq!(late, Replaced::Gone);
    }
}

/// Removes the record once it has `version` or a later one.
async fn remove_from(
    store: &dyn SessionStore,
    name: RecordId,
    version: u64,
) -> Option<StoredRecord> {
    while store.load(name, at(1)).await.unwrap().is_some_and(|record| record.version < version) {
        tokio::task::yield_now().await;
    }
    store.remove(name, End::Logout).await.unwrap()
}

/// What was acknowledged as written.
async fn replace_until(
    is_removed: &AtomicBool,
    store: &dyn SessionStore,
    name: RecordId,
    writer: u8,
) -> Vec<StoredRecord> {
    let mut written = Vec::new();
    while !is_removed.load(Ordering::SeqCst)
        && let Some(read) = store.load(name, at(1)).await.unwrap()
    {
        let sealed = vec![writer, written.len() as u8];
        match store.replace(name, read.version, sealed.clone().into(), at(10)).await.unwrap() {
            Replaced::Done { version } => {
                written.push(StoredRecord { version, sealed, expires_at: at(10) });
            }
            Replaced::Conflict => {}
            Replaced::Gone => break,
        }
        tokio::task::yield_now().await;
    }
    written
}

pub(crate) async fn a_key_is_claimed_once(store: Store) {
    assert!(store.claim(id("state"), at(10), at(1)).await.unwrap());
    assert!(!store.claim(id("state"), at(10), at(1)).await.unwrap());
    // A second claim does not lengthen the first.
    assert!(!store.claim(id("state"), at(50), at(9)).await.unwrap());
    assert!(store.claim(id("state"), at(50), at(10)).await.unwrap(), "the first was until 10");
    assert!(!store.claim(id("late"), at(10), at(10)).await.unwrap(), "expired is not used");
    assert!(store.claim(id("late"), at(11), at(10)).await.unwrap(), "and was not used up by it");
}

pub(crate) async fn claims_and_records_do_not_meet(store: Store) {
    store.create(id("a"), Vec::new().into(), at(10)).await.unwrap();
    assert!(store.claim(id("a"), at(10), at(1)).await.unwrap());
    assert!(store.remove(id("a"), End::Logout).await.unwrap().is_some());
    assert!(!store.claim(id("a"), at(10), at(1)).await.unwrap());
    assert_eq!(store.load(id("a"), at(1)).await.unwrap(), None);
}

pub(crate) async fn one_of_many_claimants_wins(store: Store) {
    for round in 0..8_u8 {
        let won = at_once(32, |_| {
            let store = Arc::clone(&store);
            async move { store.claim(id([round]), at(10), at(1)).await.unwrap() }
        })
        .await;
        assert_eq!(won.iter().filter(|won| **won).count(), 1);
    }
}

pub(crate) async fn sweeps_what_has_expired_and_nothing_else(store: Store) {
    for end in 1..=9 {
        store.create(id([end as u8]), Vec::new().into(), at(end)).await.unwrap();
        assert!(store.claim(id([end as u8]), at(end), at(0)).await.unwrap());
    }
    assert_eq!(store.sweep(at(0)).await.unwrap(), 0);
    assert_eq!(store.sweep(at(4)).await.unwrap(), 8);
    assert_eq!(store.sweep(at(4)).await.unwrap(), 0);
    for end in 1..=9 {
        assert_eq!(store.load(id([end as u8]), at(0)).await.unwrap().is_some(), end > 4);
    }
    assert!(store.claim(id([4]), at(9), at(0)).await.unwrap(), "swept claims are forgotten");
    assert!(!store.claim(id([5]), at(9), at(0)).await.unwrap());
}

pub(crate) async fn a_sweep_is_bounded(store: Store) {
    let extra = 10;
    let count = (SWEEP_LIMIT + extra) as u64;
    at_once(count, |number| {
        let store = Arc::clone(&store);
        async move { store.create(id(number.to_be_bytes()), vec![0; 64].into(), at(10)).await.unwrap() }
    })
    .await;
    assert_eq!(store.sweep(at(10)).await.unwrap(), SWEEP_LIMIT);
    assert_eq!(store.sweep(at(10)).await.unwrap(), extra);
    assert_eq!(store.sweep(at(10)).await.unwrap(), 0);
}

fn key(number: u8) -> IndexKey {
    IndexKey::from_bytes([number; 32])
}

/// What is found under `numbers`, one after the other.
async fn found(store: &Store, numbers: &[u8], now: u64) -> Vec<Vec<RecordId>> {
    let mut found = Vec::new();
    for number in numbers {
        let filed = store.filed(key(*number), at(now)).await.unwrap();
        let mut ids: Vec<_> = filed.into_iter().map(|it| it.id).collect();
        ids.sort();
        found.push(ids);
    }
    found
}

fn filed(keys: &[u8]) -> Content {
    let filed = keys.iter().copied().map(key).collect();
    Content { sealed: b"1".to_vec(), filed, card: Vec::new() }
}

pub(crate) async fn r33_finds_what_is_filed_under_a_key(store: Store) {
    store.create(id("a"), filed(&[1]), at(10)).await.unwrap();
    store.create(id("b"), filed(&[1, 2]), at(20)).await.unwrap();
    store.create(id("c"), filed(&[]), at(20)).await.unwrap();
    let mut both = vec![id("a"), id("b")];
    both.sort();
    assert_eq!(found(&store, &[1, 2, 3], 9).await, [both, vec![id("b")], vec![]]);
    // What has expired is not found, swept or not.
    assert_eq!(found(&store, &[1, 2], 10).await, [[id("b")], [id("b")]]);
    assert_eq!(store.sweep(at(10)).await.unwrap(), 1);
    // Who is refused files nothing.
    store.create(id("b"), filed(&[3]), at(99)).await.unwrap_err();
    assert_eq!(store.replace(id("b"), 7, filed(&[3]), at(99)).await.unwrap(), Replaced::Conflict);
    assert_eq!(store.replace(id("a"), 1, filed(&[3]), at(99)).await.unwrap(), Replaced::Gone);
    assert_eq!(found(&store, &[1, 3], 0).await, [vec![id("b")], vec![]]);
    // A touch leaves it where it is; each write files it anew.
    store.touch(id("b"), at(30)).await.unwrap();
    assert_eq!(found(&store, &[1, 2], 25).await, [[id("b")], [id("b")]]);
    let done = store.replace(id("b"), 1, filed(&[2, 3]), at(30)).await.unwrap();
    assert_eq!(done, Replaced::Done { version: 2 });
    assert_eq!(found(&store, &[1, 2, 3], 25).await, [vec![], vec![id("b")], vec![id("b")]]);
    assert!(store.remove(id("b"), End::Logout).await.unwrap().is_some());
    assert_eq!(found(&store, &[1, 2, 3], 0).await, [[], [], []]);
    // The same id again is another record.
    store.create(id("b"), filed(&[]), at(30)).await.unwrap();
    assert_eq!(found(&store, &[1, 2, 3], 0).await, [[], [], []]);
}

pub(crate) async fn r33_what_is_found_comes_with_its_card(store: Store) {
    let content = |card: &str| Content { card: card.as_bytes().to_vec(), ..filed(&[1]) };
    store.create(id("a"), content("first"), at(10)).await.unwrap();
    let found = |card: &str, end| {
        vec![Filed { id: id("a"), card: card.as_bytes().to_vec(), expires_at: at(end) }]
    };
    assert_eq!(store.filed(key(1), at(1)).await.unwrap(), found("first", 10));
    store.touch(id("a"), at(20)).await.unwrap();
    assert_eq!(store.filed(key(1), at(1)).await.unwrap(), found("first", 20));
    store.replace(id("a"), 1, content("second"), at(20)).await.unwrap();
    assert_eq!(store.filed(key(1), at(1)).await.unwrap(), found("second", 20));
    store.replace(id("a"), 2, filed(&[1]), at(20)).await.unwrap();
    assert_eq!(store.filed(key(1), at(1)).await.unwrap(), found("", 20));
}

pub(crate) async fn what_is_found_is_bounded(store: Store) {
    let count = (FILED_LIMIT + 10) as u64;
    at_once(count, |number| {
        let store = Arc::clone(&store);
        async move { store.create(id(number.to_be_bytes()), filed(&[1]), at(10)).await.unwrap() }
    })
    .await;
    let first = store.filed(key(1), at(1)).await.unwrap();
    assert_eq!(first.len(), FILED_LIMIT);
    for filed in first {
        store.remove(filed.id, End::Logout).await.unwrap();
    }
    assert_eq!(store.filed(key(1), at(1)).await.unwrap().len(), 10);
}

pub(crate) async fn extreme_times_are_times(store: Store) {
    let (first, last) = (Timestamp::from_unix_millis(0), Timestamp::from_unix_millis(u64::MAX));
    store.create(id("first"), Vec::new().into(), first).await.unwrap();
    store.create(id("last"), Vec::new().into(), last).await.unwrap();
    assert!(store.load(id("first"), first).await.unwrap().is_none());
    assert!(store.load(id("last"), at(1 << 40)).await.unwrap().is_some());
    assert_eq!(store.sweep(first).await.unwrap(), 1);
    assert_eq!(store.sweep(last).await.unwrap(), 1);
}
