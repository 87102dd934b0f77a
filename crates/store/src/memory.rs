//! The store for tests: everything in this process, nothing survives it.

use std::{
    collections::{BTreeSet, HashMap, hash_map::Entry},
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use cloakroom_core::{
    session::{End, Holder, IndexKey, RecordId},
    time::Timestamp,
};
use tokio::time::Instant;

use crate::{
    Content, FILED_LIMIT, Filed, Leased, Notice, NoticeSender, Notices, Replaced, SWEEP_LIMIT,
    SessionStore, StoreError, StoreErrorKind, StoreFuture, StoredRecord,
};

/// Keeps records in memory: for tests, and for nobody who minds losing every session at a restart.
#[derive(Default)]
pub struct MemoryStore {
    state: Mutex<State>,
    notices: NoticeSender,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// A panic while the lock is held leaves no half-done change: each change is its last step.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("records", &self.state().records.len()).finish()
    }
}

#[derive(Default)]
struct State {
    records: HashMap<RecordId, StoredRecord>,
    record_ends: BTreeSet<(Timestamp, RecordId)>,
    filed: HashMap<IndexKey, BTreeSet<RecordId>>,
    /// What each record is filed under.
    files: HashMap<RecordId, Vec<IndexKey>>,
    cards: HashMap<RecordId, Vec<u8>>,
    leases: HashMap<RecordId, Lease>,
    claims: HashMap<RecordId, Timestamp>,
    claim_ends: BTreeSet<(Timestamp, RecordId)>,
}

struct Lease {
    holder: Holder,
    until: Instant,
}

impl State {
    fn put(&mut self, id: RecordId, record: StoredRecord) {
        self.record_ends.insert((record.expires_at, id));
        if let Some(old) = self.records.insert(id, record.clone())
            && old.expires_at != record.expires_at
        {
            self.record_ends.remove(&(old.expires_at, id));
        }
    }

    fn file(&mut self, id: RecordId, keys: Vec<IndexKey>, card: Vec<u8>) {
        self.unfile(id);
        if !card.is_empty() {
            self.cards.insert(id, card);
        }
        if !keys.is_empty() {
            for key in &keys {
                self.filed.entry(*key).or_default().insert(id);
            }
            self.files.insert(id, keys);
        }
    }

    fn unfile(&mut self, id: RecordId) {
        self.cards.remove(&id);
        for key in self.files.remove(&id).into_iter().flatten() {
            if let Entry::Occupied(mut ids) = self.filed.entry(key) {
                ids.get_mut().remove(&id);
                if ids.get().is_empty() {
                    ids.remove();
                }
            }
        }
    }

    fn remove(&mut self, id: RecordId) -> Option<StoredRecord> {
        let old = self.records.remove(&id)?;
        self.unfile(id);
        self.leases.remove(&id);
        self.record_ends.remove(&(old.expires_at, id));
        Some(old)
    }

    fn lease(
        &mut self,
        id: RecordId,
        holder: Holder,
        over: Option<Holder>,
        lasts: Duration,
        now: Timestamp,
    ) -> Leased {
        let Some(record) = self.records.get_mut(&id).filter(|record| record.expires_at > now)
        else {
            return Leased::Gone;
        };
        let clock = Instant::now();
        let before = self.leases.get(&id);
        if let Some(Lease { holder: by, until }) = before
            && *until > clock
            && Some(*by) != over
        {
            return Leased::Held { by: *by, left: *until - clock };
        }
        let interrupted = before.is_some();
        record.version += 1;
        self.leases.insert(id, Lease { holder, until: clock + lasts });
        Leased::Taken { record: record.clone(), interrupted }
    }

    /// The lease that was taken at `version`: no write came since, for that would end it.
    fn lease_at(&mut self, id: RecordId, version: u64) -> Option<&mut Lease> {
        self.records.get(&id).filter(|record| record.version == version)?;
        self.leases.get_mut(&id)
    }

    fn claim(&mut self, key: RecordId, until: Timestamp, now: Timestamp) -> bool {
        let held = self.claims.get(&key).copied();
        if until <= now || held.is_some_and(|held| held > now) {
            return false;
        }
        if let Some(past) = held {
            self.claim_ends.remove(&(past, key));
        }
        self.claims.insert(key, until);
        self.claim_ends.insert((until, key));
        true
    }

    fn sweep(&mut self, now: Timestamp) -> usize {
        let mut removed = 0;
        while removed < SWEEP_LIMIT
            && let Some((_, id)) = due(&mut self.record_ends, now)
        {
            self.records.remove(&id);
            self.unfile(id);
            self.leases.remove(&id);
            removed += 1;
        }
        while removed < SWEEP_LIMIT
            && let Some((_, key)) = due(&mut self.claim_ends, now)
        {
            self.claims.remove(&key);
            removed += 1;
        }
        removed
    }
}

/// Takes out the first that has expired.
fn due(
    ends: &mut BTreeSet<(Timestamp, RecordId)>,
    now: Timestamp,
) -> Option<(Timestamp, RecordId)> {
    ends.first().is_some_and(|(end, _)| *end <= now).then(|| ends.pop_first())?
}

impl SessionStore for MemoryStore {
    fn load(&self, id: RecordId, now: Timestamp) -> StoreFuture<'_, Option<StoredRecord>> {
        Box::pin(async move {
            let state = self.state();
            Ok(state.records.get(&id).filter(|record| record.expires_at > now).cloned())
        })
    }

    fn create(&self, id: RecordId, content: Content, expires_at: Timestamp) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let mut state = self.state();
            if state.records.contains_key(&id) {
                let advice = "session ids must be random; please report this";
                return Err(StoreError::new(StoreErrorKind::IdInUse, "memory store", advice));
            }
            state.put(id, StoredRecord { version: 1, sealed: content.sealed, expires_at });
            state.file(id, content.filed, content.card);
            Ok(())
        })
    }

    fn replace(
        &self,
        id: RecordId,
        version: u64,
        content: Content,
        expires_at: Timestamp,
    ) -> StoreFuture<'_, Replaced> {
        Box::pin(async move {
            let mut state = self.state();
            match state.records.get(&id) {
                None => Ok(Replaced::Gone),
                Some(old) if old.version != version => Ok(Replaced::Conflict),
                Some(old) => {
                    let version = version + 1;
                    let expires_at = expires_at.max(old.expires_at);
                    let sealed = content.sealed;
                    state.put(id, StoredRecord { version, sealed, expires_at });
                    state.file(id, content.filed, content.card);
                    state.leases.remove(&id);
                    self.notices.send(Notice::Replaced { id, version });
                    Ok(Replaced::Done { version })
                }
            }
        })
    }

    fn touch(&self, id: RecordId, expires_at: Timestamp) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let mut state = self.state();
            if let Some(old) = state.records.get(&id)
                && expires_at > old.expires_at
            {
                let touched = StoredRecord { expires_at, ..old.clone() };
                state.put(id, touched);
            }
            Ok(())
        })
    }

    fn remove(&self, id: RecordId, end: End) -> StoreFuture<'_, Option<StoredRecord>> {
        Box::pin(async move {
            let mut state = self.state();
            let removed = state.remove(id);
            if removed.is_some() {
                self.notices.send(Notice::Ended { id, end });
            }
            Ok(removed)
        })
    }

    fn filed(&self, key: IndexKey, now: Timestamp) -> StoreFuture<'_, Vec<Filed>> {
        Box::pin(async move {
            let state = self.state();
            let ids = state.filed.get(&key).into_iter().flatten();
            let filed = ids.filter_map(|id| {
                let expires_at = state.records.get(id)?.expires_at;
                let card = state.cards.get(id).cloned().unwrap_or_default();
                (expires_at > now).then_some(Filed { id: *id, card, expires_at })
            });
            Ok(filed.take(FILED_LIMIT).collect())
        })
    }

    fn claim(&self, key: RecordId, until: Timestamp, now: Timestamp) -> StoreFuture<'_, bool> {
        Box::pin(async move { Ok(self.state().claim(key, until, now)) })
    }

    fn sweep(&self, now: Timestamp) -> StoreFuture<'_, usize> {
        Box::pin(async move { Ok(self.state().sweep(now)) })
    }

    fn lease(
        &self,
        id: RecordId,
        holder: Holder,
        over: Option<Holder>,
        lasts: Duration,
        now: Timestamp,
    ) -> StoreFuture<'_, Leased> {
        Box::pin(async move { Ok(self.state().lease(id, holder, over, lasts, now)) })
    }

    fn renew(&self, id: RecordId, version: u64, lasts: Duration) -> StoreFuture<'_, bool> {
        Box::pin(async move {
            let mut state = self.state();
            let lease = state.lease_at(id, version);
            Ok(lease.map(|lease| lease.until = Instant::now() + lasts).is_some())
        })
    }

    fn release(&self, id: RecordId, version: u64) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let mut state = self.state();
            if state.lease_at(id, version).is_some() {
                state.leases.remove(&id);
                self.notices.send(Notice::Released { id });
            }
            Ok(())
        })
    }

    fn notices(&self) -> Notices {
        self.notices.listen()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is removed or swept leaves nothing behind that would grow.
    #[tokio::test]
    async fn the_index_forgets_what_is_gone() {
        let store = MemoryStore::new();
        let id = |name: u8| RecordId::hash(b"test", &[name]);
        let at = Timestamp::from_unix_seconds;
        for name in 0..4 {
            let filed = vec![IndexKey::from_bytes([1; 32]), IndexKey::from_bytes([name; 32])];
            let content = Content { sealed: Vec::new(), filed, card: vec![name] };
            store.create(id(name), content, at(10 + u64::from(name))).await.unwrap();
            let holder = Holder::from_bytes([name; 16]);
            store.lease(id(name), holder, None, Duration::from_secs(9), at(1)).await.unwrap();
        }
        store.remove(id(0), End::Logout).await.unwrap();
        assert_eq!(store.sweep(at(99)).await.unwrap(), 3);
        let state = store.state();
        assert!(state.filed.is_empty() && state.files.is_empty());
        assert!(state.cards.is_empty() && state.leases.is_empty());
    }
}
