//! Where Cloakroom keeps sealed session records.
//!
//! A store sees a hashed id, an expiry and bytes that it cannot open (R28, R30); what is in a record
//! is `cloakroom-core`'s business. Time is an argument everywhere: no store reads a clock.
//!
//! | store | for | survives |
//! |---|---|---|
//! | [`MemoryStore`] | tests | nothing |
//! | [`EmbeddedStore`] | one gateway | `kill -9` and power loss: what was acknowledged is there |
//!
//! Not here yet: stores for several gateways, the lease between them.

mod embedded;
mod error;
mod memory;

use std::{future::Future, pin::Pin};

use cloakroom_core::{
    session::{IndexKey, RecordId},
    time::Timestamp,
};

pub use embedded::{EmbeddedStore, OpenError};
pub use error::{StoreError, StoreErrorKind};
pub use memory::MemoryStore;

/// The most that one [`SessionStore::sweep`] removes.
pub const SWEEP_LIMIT: usize = 1024;

/// The most that one [`SessionStore::filed`] gives.
pub const FILED_LIMIT: usize = 1024;

/// What a store's method returns: the trait stays usable as `dyn SessionStore`.
///
/// Nothing happens before the first poll. A future that is dropped after it may have had its effect
/// or not; never half of it.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// What is written of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// The sealed bytes.
    pub sealed: Vec<u8>,
    /// What [`SessionStore::filed`] finds the record under, until the next write or its end.
    pub filed: Vec<IndexKey>,
}

/// Filed under nothing.
impl From<Vec<u8>> for Content {
    fn from(sealed: Vec<u8>) -> Self {
        Self { sealed, filed: Vec::new() }
    }
}

/// A record as the store gives it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecord {
    /// Counts the writes from 1; [`SessionStore::replace`] names the one it builds on.
    pub version: u64,
    /// The sealed bytes, as they were given.
    pub sealed: Vec<u8>,
    /// From this moment on the record is gone.
    pub expires_at: Timestamp,
}

/// What became of a conditional write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaced {
    /// It is written.
    Done {
        /// The version of what was written.
        version: u64,
    },
    /// Somebody else wrote since the version was read; nothing changed.
    Conflict,
    /// There is no such record any more; nothing changed.
    Gone,
}

/// A keeper of sealed records.
///
/// Every method acts at once or not at all, and what it acknowledged stays. Something expires *at*
/// its `expires_at`: from `now == expires_at` on it is gone. A method without `now` cannot know that
/// and counts an expired record as there until it is swept; whoever writes has loaded before.
///
/// # Errors
/// Every method fails with [`StoreErrorKind::Unavailable`] or [`StoreErrorKind::Damaged`] where the
/// store does not work; a write that failed so may still have had its effect.
pub trait SessionStore: Send + Sync + 'static {
    /// The record, unless it is unknown or has expired at `now`.
    fn load(&self, id: RecordId, now: Timestamp) -> StoreFuture<'_, Option<StoredRecord>>;

    /// Keeps a new record at version 1.
    ///
    /// # Errors
    /// [`StoreErrorKind::IdInUse`] where the id names a record already: an id is never adopted (R31).
    fn create(&self, id: RecordId, content: Content, expires_at: Timestamp) -> StoreFuture<'_, ()>;

    /// Writes the record if it still has `version`; of several writers that read the same version
    /// exactly one wins.
    ///
    /// Moves the expiry later or leaves it, never earlier: whoever gives the expiry that was read
    /// does not undo a [`SessionStore::touch`] that came since (R32).
    fn replace(
        &self,
        id: RecordId,
        version: u64,
        content: Content,
        expires_at: Timestamp,
    ) -> StoreFuture<'_, Replaced>;

    /// Moves the expiry later, and leaves the record and its version alone.
    ///
    /// Never earlier, so that the touches of parallel requests may arrive in any order; no method
    /// shortens a record's life but [`SessionStore::remove`]. Does nothing for an unknown id.
    fn touch(&self, id: RecordId, expires_at: Timestamp) -> StoreFuture<'_, ()>;

    /// Removes the record and gives it back, so that a logout revokes what was stored last (R17).
    ///
    /// No write comes between: it is the result of the last [`SessionStore::replace`] that was done,
    /// and every later one finds the record gone. Of several removers one gets it. An expired record
    /// that is not swept yet is given back too.
    fn remove(&self, id: RecordId) -> StoreFuture<'_, Option<StoredRecord>>;

    /// The ids of the records that are filed under `key` and have not expired at `now`, at most
    /// [`FILED_LIMIT`] a call, in no order.
    ///
    /// It is the state of one moment: a record that a write is filing meanwhile may be missing.
    fn filed(&self, key: IndexKey, now: Timestamp) -> StoreFuture<'_, Vec<RecordId>>;

    /// Uses `key` up: `true` exactly once until `until`, for states and tickets that count once (R4).
    ///
    /// Keys of claims and ids of records do not meet. A claim whose `until` is not after `now` is
    /// refused: what has expired is not used.
    fn claim(&self, key: RecordId, until: Timestamp, now: Timestamp) -> StoreFuture<'_, bool>;

    /// Removes records and claims that have expired at `now`, at most [`SWEEP_LIMIT`] a call; says
    /// how many. While it removes that many, there may be more.
    fn sweep(&self, now: Timestamp) -> StoreFuture<'_, usize>;
}
