//! A store that stops where a test wants to be in the middle of something.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use cloakroom::{
    cloakroom_core::{
        session::{End, Holder, IndexKey, RecordId},
        time::Timestamp,
    },
    cloakroom_store::{
        Content, Filed, Leased, MemoryStore, Notices, Replaced, SessionStore, StoreFuture,
        StoredRecord,
    },
};
use tokio::sync::Notify;

/// Sessions in memory.
#[derive(Default)]
pub(crate) struct HeldStore {
    inner: MemoryStore,
    /// Behind a load.
    pub(crate) load: Stop,
    /// Behind a look into the index.
    pub(crate) filed: Stop,
    /// Before a removal.
    pub(crate) remove: Stop,
}

/// A place where the calls pass until one is to be held.
#[derive(Default)]
pub(crate) struct Stop {
    /// The calls until then, that one too; at none, none is held.
    left: AtomicUsize,
    came: Notify,
    release: Notify,
}

impl Stop {
    /// Holds the call of that number from now on.
    pub(crate) fn hold(&self, number: usize) {
        self.left.store(number, Ordering::SeqCst);
    }

    /// Waits until it is held.
    pub(crate) async fn came(&self) {
        self.came.notified().await;
    }

    /// Lets it go on.
    pub(crate) fn release(&self) {
        self.release.notify_one();
    }

    async fn pass(&self) {
        let next = |left: usize| left.checked_sub(1);
        if self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next) == Ok(1) {
            self.came.notify_one();
            self.release.notified().await;
        }
    }
}

impl SessionStore for HeldStore {
    fn load(&self, id: RecordId, now: Timestamp) -> StoreFuture<'_, Option<StoredRecord>> {
        Box::pin(async move {
            let loaded = self.inner.load(id, now).await;
            self.load.pass().await;
            loaded
        })
    }

    fn create(&self, id: RecordId, content: Content, expires_at: Timestamp) -> StoreFuture<'_, ()> {
        self.inner.create(id, content, expires_at)
    }

    fn replace(
        &self,
        id: RecordId,
        version: u64,
        content: Content,
        expires_at: Timestamp,
    ) -> StoreFuture<'_, Replaced> {
        self.inner.replace(id, version, content, expires_at)
    }

    fn touch(&self, id: RecordId, expires_at: Timestamp) -> StoreFuture<'_, ()> {
        self.inner.touch(id, expires_at)
    }

    fn remove(&self, id: RecordId, end: End) -> StoreFuture<'_, Option<StoredRecord>> {
        Box::pin(async move {
            self.remove.pass().await;
            self.inner.remove(id, end).await
        })
    }

    fn filed(&self, key: IndexKey, now: Timestamp) -> StoreFuture<'_, Vec<Filed>> {
        Box::pin(async move {
            let filed = self.inner.filed(key, now).await;
            self.filed.pass().await;
            filed
        })
    }

    fn claim(&self, key: RecordId, until: Timestamp, now: Timestamp) -> StoreFuture<'_, bool> {
        self.inner.claim(key, until, now)
    }

    fn sweep(&self, now: Timestamp) -> StoreFuture<'_, usize> {
        self.inner.sweep(now)
    }

    fn lease(
        &self,
        id: RecordId,
        holder: Holder,
        over: Option<Holder>,
        lasts: Duration,
        now: Timestamp,
    ) -> StoreFuture<'_, Leased> {
        self.inner.lease(id, holder, over, lasts, now)
    }

    fn renew(&self, id: RecordId, version: u64, lasts: Duration) -> StoreFuture<'_, bool> {
        self.inner.renew(id, version, lasts)
    }

    fn release(&self, id: RecordId, version: u64) -> StoreFuture<'_, ()> {
        self.inner.release(id, version)
    }

    fn notices(&self) -> Notices {
        self.inner.notices()
    }
}
