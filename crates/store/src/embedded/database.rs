//! The open database, which the writer replaces when it has failed.

use std::{
    error::Error,
    fmt,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use redb::Database;

use super::OpenError;
use crate::{StoreError, StoreErrorKind};

/// Opens the database: at start, and again after it has failed.
pub(super) type Opener = Box<dyn Fn() -> Result<Database, OpenError> + Send + Sync>;

/// The database as readers and the writer share it; absent while it does not open.
pub(super) struct SharedDatabase {
    name: Arc<str>,
    opener: Opener,
    current: RwLock<Option<Database>>,
    /// Whether it must be opened anew. Set by whoever meets the failure while it holds the lock that
    /// the opening needs, so that a failure of the database before is never taken for one of the next.
    has_failed: AtomicBool,
}

impl SharedDatabase {
    pub(super) fn open(name: &str, opener: Opener) -> Result<Self, OpenError> {
        let current = RwLock::new(Some(opener()?));
        Ok(Self { name: name.into(), opener, current, has_failed: AtomicBool::new(false) })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Runs `work` on the database.
    pub(super) fn with<T>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        match &*current {
            Some(database) => work(database).map_err(|fault| self.judge(fault)),
            None => Err(self.error(StoreErrorKind::Unavailable, DISK)),
        }
    }

    /// Whether [`SharedDatabase::reopen`] may help.
    pub(super) fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Acquire)
    }

    /// Closes the database and opens it anew. The lock is not held while the file is checked:
    /// readers are told at once that the store does not work.
    pub(super) fn reopen(&self) -> Result<(), OpenError> {
        // Closed before it is opened: the file is locked against a second opening.
        drop(self.current.write().unwrap_or_else(PoisonError::into_inner).take());
        let database = (self.opener)()?;
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        *current = Some(database);
        self.has_failed.store(false, Ordering::Release);
        Ok(())
    }

    pub(super) fn error(&self, kind: StoreErrorKind, advice: &'static str) -> StoreError {
        StoreError::new(kind, Arc::clone(&self.name), advice)
    }

    fn judge(&self, fault: Fault) -> StoreError {
        // Damaged content does not stop the database, and opening it anew would not mend it.
        if let redb::Error::Corrupted(_) = &*fault.0 {
            let advice =
                "stop the gateway and move the file away; everybody will have to log in again";
            return self.error(StoreErrorKind::Damaged, advice).with_source(fault);
        }
        self.has_failed.store(true, Ordering::Release);
        self.error(StoreErrorKind::Unavailable, DISK).with_source(fault)
    }
}

const DISK: &str = "see that its disk works and has room; it is tried again by itself";

/// An error of redb, whichever its type.
pub(super) struct Fault(Box<redb::Error>);

impl<E: Into<redb::Error>> From<E> for Fault {
    fn from(error: E) -> Self {
        Self(Box::new(error.into()))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Error for Fault {}
