//! Who listens for what becomes of a session, and what they are told.
//!
//! Only what happens in this process is told. A session that nobody listens for has no entry here, and no
//! request asks: news come of refreshes and ends alone. News are a state, not a queue, so that a listener
//! that does not listen costs nothing.

#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use cloakroom_core::{
    session::{End, RecordId},
    time::Timestamp,
};
use tokio::sync::watch;

type Entries = HashMap<RecordId, watch::Sender<News>>;

/// The listeners of all sessions.
pub(super) struct Listeners {
    /// Nothing once nobody may listen any more.
    entries: Mutex<Option<Entries>>,
}

/// What has become of a session since somebody began to listen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct News {
    /// Counts its refreshes.
    pub(crate) refreshes: u64,
    /// When the access token of the last one ends, where that is known.
    pub(crate) token_ends_at: Option<Timestamp>,
    /// Whether it has ended, and why.
    pub(crate) ended: Option<End>,
}

/// Listens for one session until it is dropped.
pub(crate) struct Listening {
    listeners: Arc<Listeners>,
    id: RecordId,
    news: watch::Receiver<News>,
    known: News,
}

impl Listeners {
    /// Nobody listens yet.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { entries: Mutex::new(Some(HashMap::new())) })
    }

    /// Listens for the session of that id from now on.
    pub(super) fn listen(self: &Arc<Self>, id: RecordId) -> Listening {
        let entry = |entries: &mut Entries| entries.entry(id).or_default().subscribe();
        let mut entries = self.entries();
        // Whoever comes after the close gets what is closed already.
        let news = entries.as_mut().map_or_else(|| watch::Sender::default().subscribe(), entry);
        // Under the lock, so that all that comes later is news.
        let known = *news.borrow();
        Listening { listeners: Arc::clone(self), id, news, known }
    }

    /// Tells who listens for the session of that id.
    pub(super) fn tell(&self, id: RecordId, change: impl FnOnce(&mut News)) {
        if let Some(sender) = self.entries().as_ref().and_then(|entries| entries.get(&id)) {
            sender.send_modify(change);
        }
    }

    /// Ends all listening, for good.
    pub(super) fn close(&self) {
        *self.entries() = None;
    }

    fn entries(&self) -> MutexGuard<'_, Option<Entries>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listening {
    /// The id that it listens for.
    pub(super) fn id(&self) -> RecordId {
        self.id
    }

    /// What had happened when the listening began; all since then is news.
    pub(crate) fn known(&self) -> News {
        self.known
    }

    /// Waits for news; `None` when there will be no more.
    pub(crate) async fn changed(&mut self) -> Option<News> {
        self.news.changed().await.ok()?;
        Some(*self.news.borrow_and_update())
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut entries = self.listeners.entries();
        if let Some(entries) = entries.as_mut()
            && entries.get(&self.id).is_some_and(|sender| sender.receiver_count() <= 1)
        {
            entries.remove(&self.id);
        }
    }
}
