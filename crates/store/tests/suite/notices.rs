//! What a store tells everybody who shares it.

use std::time::Duration;

use cloakroom_core::session::{End, Holder};
use cloakroom_store::Notice;

use super::{Store, at, id};

/// Longer than any store takes; what is not told by then never is.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) async fn tells_what_happens_to_records(store: Store) {
    let mut notices = store.notices();
    let mut others = store.notices();
    store.create(id("a"), b"1".to_vec().into(), at(10)).await.unwrap();
    let holder = Holder::from_bytes([1; 16]);
    let lasts = Duration::from_secs(60);
    store.lease(id("a"), holder, None, lasts, at(1)).await.unwrap();
    store.release(id("a"), 2).await.unwrap();
    store.replace(id("a"), 2, b"2".to_vec().into(), at(10)).await.unwrap();
    store.remove(id("a"), End::Revoked).await.unwrap();
    for listener in [&mut notices, &mut others] {
        for expected in [
            Notice::Released { id: id("a") },
            Notice::Replaced { id: id("a"), version: 3 },
            Notice::Ended { id: id("a"), end: End::Revoked },
        ] {
            let heard = tokio::time::timeout(PATIENCE, listener.next()).await.unwrap();
            assert_eq!(heard, expected);
        }
    }
}

pub(crate) async fn tells_nothing_of_what_did_not_happen(store: Store) {
    store.create(id("a"), b"1".to_vec().into(), at(10)).await.unwrap();
    let mut notices = store.notices();
    store.replace(id("a"), 7, b"2".to_vec().into(), at(10)).await.unwrap();
    store.replace(id("b"), 1, b"2".to_vec().into(), at(10)).await.unwrap();
    store.release(id("a"), 1).await.unwrap();
    store.touch(id("a"), at(20)).await.unwrap();
    assert!(store.remove(id("b"), End::Logout).await.unwrap().is_none());
    assert!(store.remove(id("a"), End::Logout).await.unwrap().is_some());
    let heard = tokio::time::timeout(PATIENCE, notices.next()).await.unwrap();
    assert_eq!(heard, Notice::Ended { id: id("a"), end: End::Logout });
}
