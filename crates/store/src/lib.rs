//! Where Cloakroom keeps sealed session records.
//!
//! A store sees a hashed id, an expiry and bytes that it cannot open (R28, R30); what is in a record
//! is `cloakroom-core`'s business. Time is an argument, for no store reads a clock; but for leases: those are
//! counted by the store's own clock, because gateways' clocks differ.
//!
//! | store | for | survives |
//! |---|---|---|
//! | [`MemoryStore`] | tests | nothing |
//! | [`EmbeddedStore`] | one gateway | `kill -9` and power loss: what was acknowledged is there |

mod embedded;
mod error;
mod memory;
mod notice;

use std::{future::Future, pin::Pin, time::Duration};

use cloakroom_core::{
    session::{End, Holder, IndexKey, RecordId},
    time::Timestamp,
};

pub use embedded::{EmbeddedStore, OpenError};
pub use error::{StoreError, StoreErrorKind};
pub use memory::MemoryStore;
pub use notice::{Notice, NoticeSender, Notices};

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
    /// What [`SessionStore::filed`] gives beside the id: sealed bytes of their own.
    pub card: Vec<u8>,
}

/// Filed under nothing.
impl From<Vec<u8>> for Content {
    fn from(sealed: Vec<u8>) -> Self {
        Self { sealed, filed: Vec::new(), card: Vec::new() }
    }
}

/// A record as the index gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filed {
    /// Its id.
    pub id: RecordId,
    /// [`Content::card`] as it was given last.
    pub card: Vec<u8>,
    /// From this moment on the record is gone.
    pub expires_at: Timestamp,
}

/// A record as the store gives it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecord {
    /// Counts the writes and leases from 1; [`SessionStore::replace`] names the one it builds on.
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

/// What became of [`SessionStore::lease`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leased {
    /// It is ours.
    Taken {
        /// The record. Its version is the lease's fencing number: whoever writes with an older one gets
        /// [`Replaced::Conflict`].
        record: StoredRecord,
        /// The holder before neither wrote nor released: it is dead, or too slow.
        interrupted: bool,
    },
    /// Somebody has it already.
    Held {
        /// Who.
        by: Holder,
        /// For how much longer, if it is not renewed.
        left: Duration,
    },
    /// There is no such record any more.
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
    /// exactly one wins. Ends the lease, and tells everybody [`Notice::Replaced`].
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
    /// that is not swept yet is given back too. Where there was one, everybody is told
    /// [`Notice::Ended`].
    fn remove(&self, id: RecordId, end: End) -> StoreFuture<'_, Option<StoredRecord>>;

    /// The records that are filed under `key` and have not expired at `now`, at most [`FILED_LIMIT`] a
    /// call, in no order.
    ///
    /// It is the state of one moment: a record that a write is filing meanwhile may be missing.
    fn filed(&self, key: IndexKey, now: Timestamp) -> StoreFuture<'_, Vec<Filed>>;

    /// Uses `key` up: `true` exactly once until `until`, for states and tickets that count once (R4).
    ///
    /// Keys of claims and ids of records do not meet. A claim whose `until` is not after `now` is
    /// refused: what has expired is not used.
    fn claim(&self, key: RecordId, until: Timestamp, now: Timestamp) -> StoreFuture<'_, bool>;

    /// Removes records and claims that have expired at `now`, at most [`SWEEP_LIMIT`] a call; says
    /// how many. While it removes that many, there may be more.
    fn sweep(&self, now: Timestamp) -> StoreFuture<'_, usize>;

    /// Takes the right to replace the record, for as long as `lasts`, unless somebody has it; raises
    /// the record's version by one.
    ///
    /// How long a lease lasts is counted by the store's clock, `now` only says whether the record has
    /// expired. The lease of `over` counts as ended: say so of a process that is known to be dead, never
    /// of one that is only slow. Who holds the lease already gets [`Leased::Held`] by itself.
    ///
    /// A lease keeps nobody from [`SessionStore::touch`] and [`SessionStore::remove`].
    fn lease(
        &self,
        id: RecordId,
        holder: Holder,
        over: Option<Holder>,
        lasts: Duration,
        now: Timestamp,
    ) -> StoreFuture<'_, Leased>;

    /// Lets the lease that was taken at `version` last as long as `lasts` from now on, also where that
    /// is shorter; `false` where it is over: written, released, removed, or taken by somebody else.
    ///
    /// One whose time is up but which nobody else took can be renewed.
    fn renew(&self, id: RecordId, version: u64, lasts: Duration) -> StoreFuture<'_, bool>;

    /// Ends the lease that was taken at `version`, and leaves the record as it is; then everybody is
    /// told [`Notice::Released`]. Does nothing where the lease is over.
    fn release(&self, id: RecordId, version: u64) -> StoreFuture<'_, ()>;

    /// What happens to all records from now on, whichever process does it.
    fn notices(&self) -> Notices;
}
