//! The store on disk: one file, one process.
//!
//! Writes queue up for one writer thread. It takes what has queued, does it in one transaction,
//! makes that durable and only then answers everybody in it: under load many writes share one flush
//! of the disk, and what was acknowledged survives `kill -9` and power loss. The queue is bounded;
//! when it is full, callers wait.
//!
//! Reads run in the caller's task. Measured with records of 4 KB: a read takes 3 µs from redb's cache
//! and 8 µs from the operating system's (99th percentile 25 µs); handing it to a blocking thread makes
//! it 40 µs (99th percentile 200 µs). Only a file that does not fit into memory, on a slow disk, would
//! block a worker noticeably: such an installation wants a server as its store.
//!
//! After an error of the disk the database stops itself. The writer then opens it anew, and so the
//! store comes back by itself once the disk does.

mod database;
mod file;
mod tables;
mod writer;

#[cfg(test)]
mod tests;

use std::{
    fmt,
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, SystemTime},
};

use cloakroom_core::{
    session::{End, Holder, IndexKey, RecordId},
    time::Timestamp,
};
use tokio::sync::{mpsc, oneshot};

pub use file::OpenError;

use crate::{
    Content, FILED_LIMIT, Filed, Leased, Notice, NoticeSender, Notices, Replaced, SWEEP_LIMIT,
    SessionStore, StoreError, StoreErrorKind, StoreFuture, StoredRecord,
};
use database::{Fault, SharedDatabase};
use tables::Tables;
use writer::{Message, Request};

/// A database that does not open is not tried more often than this.
const RETRY: Duration = Duration::from_secs(1);

/// Writes that may wait for the writer; whoever comes then waits for room.
const QUEUE: usize = 1024;

/// Keeps records in one file of this machine; the default for one gateway.
///
/// Dropping the store finishes what has queued and closes the file.
pub struct EmbeddedStore {
    database: Arc<SharedDatabase>,
    queue: Option<mpsc::Sender<Message>>,
    writer: Option<thread::JoinHandle<()>>,
    notices: NoticeSender,
}

impl EmbeddedStore {
    /// Opens the store in the file at `path`, which is made (mode 0600) where it is missing, and so
    /// is its folder (mode 0700).
    ///
    /// Blocks, after a crash for as long as a check of the whole file takes (about ten seconds for a
    /// million sessions, its progress is in the log); call it before serving.
    ///
    /// # Errors
    /// Each says what to do: the file cannot be made or read, another process has it open, a newer
    /// version wrote it, it is something else.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let path = path.as_ref().to_owned();
        let name = format!("embedded store {}", path.display());
        Self::start(&name, RETRY, move || file::open(&path))
    }

    fn start(
        name: &str,
        retry: Duration,
        opener: impl Fn() -> Result<redb::Database, OpenError> + Send + Sync + 'static,
    ) -> Result<Self, OpenError> {
        let database = Arc::new(SharedDatabase::open(name, Box::new(opener))?);
        let (queue, waiting) = mpsc::channel(QUEUE);
        let writer = thread::Builder::new()
            .name("cloakroom-store".to_owned())
            .spawn({
                let database = Arc::clone(&database);
                move || writer::run(&database, waiting, retry)
            })
            .map_err(OpenError::Thread)?;
        let notices = NoticeSender::default();
        Ok(Self { database, queue: Some(queue), writer: Some(writer), notices })
    }

    /// Has `change` done by the writer; its result comes when it is durable.
    fn write<'a, T: Send + 'static>(
        &'a self,
        change: impl FnOnce(&mut Tables<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> StoreFuture<'a, T> {
        self.write_and_tell(change, |_| None)
    }

    /// [`EmbeddedStore::write`], and tells everybody once it is durable, also where nobody waits for it
    /// any more.
    fn write_and_tell<'a, T: Send + 'static>(
        &'a self,
        change: impl FnOnce(&mut Tables<'_>) -> Result<T, Fault> + Send + 'static,
        notice: impl FnOnce(&T) -> Option<Notice> + Send + 'static,
    ) -> StoreFuture<'a, T> {
        Box::pin(async move {
            let (reply, answer) = oneshot::channel();
            let notices = self.notices.clone();
            let done = move |result: &T| {
                if let Some(notice) = notice(result) {
                    notices.send(notice);
                }
            };
            let request = Message::Write(Box::new(Request::new(change, done, reply)));
            let queue = self.queue.as_ref().ok_or_else(|| self.stopped())?;
            queue.send(request).await.map_err(|_| self.stopped())?;
            answer.await.map_err(|_| self.stopped())?
        })
    }

    fn read<T>(
        &self,
        look: impl FnOnce(&redb::Database) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        self.database.with(look).inspect_err(|_| {
            // Nobody may be writing: wake the writer, so that it opens the file anew. When its
            // queue is full, it is awake.
            if let Some(queue) = &self.queue {
                let _ = queue.try_send(Message::Recover);
            }
        })
    }

    fn stopped(&self) -> StoreError {
        self.database.error(
            StoreErrorKind::Unavailable,
            "its writer has stopped; restart the gateway, and see the log for the reason",
        )
    }
}

impl Drop for EmbeddedStore {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(writer) = self.writer.take() {
            // A panic has been printed where it happened.
            let _ = writer.join();
        }
    }
}

impl fmt::Debug for EmbeddedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EmbeddedStore").field(&self.database.name()).finish()
    }
}

impl SessionStore for EmbeddedStore {
    fn load(&self, id: RecordId, now: Timestamp) -> StoreFuture<'_, Option<StoredRecord>> {
        Box::pin(async move {
            let found = self.read(|database| tables::load(database, id))?;
            Ok(found.filter(|record| record.expires_at > now))
        })
    }

    fn create(&self, id: RecordId, content: Content, expires_at: Timestamp) -> StoreFuture<'_, ()> {
        let created = self.write(move |tables| tables.create(id, &content, expires_at));
        Box::pin(async move {
            created.await?.then_some(()).ok_or_else(|| {
                let advice = "session ids must be random; please report this";
                self.database.error(StoreErrorKind::IdInUse, advice)
            })
        })
    }

    fn replace(
        &self,
        id: RecordId,
        version: u64,
        content: Content,
        expires_at: Timestamp,
    ) -> StoreFuture<'_, Replaced> {
        let replaced = move |replaced: &Replaced| match *replaced {
            Replaced::Done { version } => Some(Notice::Replaced { id, version }),
            Replaced::Conflict | Replaced::Gone => None,
        };
        let change =
            move |tables: &mut Tables<'_>| tables.replace(id, version, &content, expires_at);
        self.write_and_tell(change, replaced)
    }

    fn touch(&self, id: RecordId, expires_at: Timestamp) -> StoreFuture<'_, ()> {
        self.write(move |tables| tables.touch(id, expires_at))
    }

    fn remove(&self, id: RecordId, end: End) -> StoreFuture<'_, Option<StoredRecord>> {
        let ended = move |removed: &Option<StoredRecord>| {
            removed.is_some().then_some(Notice::Ended { id, end })
        };
        self.write_and_tell(move |tables| tables.remove(id), ended)
    }

    fn filed(&self, key: IndexKey, now: Timestamp) -> StoreFuture<'_, Vec<Filed>> {
        Box::pin(
            async move { self.read(|database| tables::filed(database, key, now, FILED_LIMIT)) },
        )
    }

    fn claim(&self, key: RecordId, until: Timestamp, now: Timestamp) -> StoreFuture<'_, bool> {
        self.write(move |tables| tables.claim(key, until, now))
    }

    fn sweep(&self, now: Timestamp) -> StoreFuture<'_, usize> {
        self.write(move |tables| tables.sweep(now, SWEEP_LIMIT))
    }

    fn lease(
        &self,
        id: RecordId,
        holder: Holder,
        over: Option<Holder>,
        lasts: Duration,
        now: Timestamp,
    ) -> StoreFuture<'_, Leased> {
        self.write(move |tables| tables.lease(id, holder, over, lasts, now, clock()))
    }

    fn renew(&self, id: RecordId, version: u64, lasts: Duration) -> StoreFuture<'_, bool> {
        self.write(move |tables| tables.renew(id, version, lasts, clock()))
    }

    fn release(&self, id: RecordId, version: u64) -> StoreFuture<'_, ()> {
        let released = self.write_and_tell(
            move |tables| tables.release(id, version),
            move |released| released.then_some(Notice::Released { id }),
        );
        Box::pin(async move { released.await.map(|_| ()) })
    }

    fn notices(&self) -> Notices {
        self.notices.listen()
    }
}

/// The clock that leases are counted by: the wall's, for a lease outlives the process that took it.
#[expect(clippy::disallowed_methods, reason = "this is the store's own clock")]
fn clock() -> Timestamp {
    let elapsed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix_millis(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}
