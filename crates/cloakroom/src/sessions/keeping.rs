//! Where a session is kept: what the cookie holds and what we remember.
//!
//! Everything else about sessions (flights, grace, timeouts) is the same in every mode.

mod server;

use cloakroom_core::{
    session::{Record, RecordId},
    time::Timestamp,
};
use cloakroom_store::{Replaced, StoreError};
use http::{HeaderMap, HeaderValue};

pub(super) use self::server::Server;
use super::{Presented, Request, StartError, Started, Stored};

/// How the sessions of one Cloakroom are kept.
pub(super) enum Keeping {
    /// The record in the store, a ticket in the cookie.
    Server(Server),
}

impl Keeping {
    /// What the request's cookies name; a cookie that comes twice is none (R27).
    pub(super) fn present(&self, headers: &HeaderMap) -> Option<Presented> {
        match self {
            Self::Server(server) => server.present(headers),
        }
    }

    /// Keeps a new session under a new id (R31).
    pub(super) async fn start(
        &self,
        record: Record,
        now: Timestamp,
    ) -> Result<Started, StartError> {
        match self {
            Self::Server(server) => server.start(&record, now).await,
        }
    }

    /// The session that `presented` opens.
    pub(super) async fn load(
        &self,
        presented: &Presented,
        now: Timestamp,
    ) -> Result<Option<Stored>, StoreError> {
        match self {
            Self::Server(server) => server.load(presented, now).await,
        }
    }

    /// Puts `record` in the place of `before`, unless somebody else did or the session is gone.
    pub(super) async fn replace(
        &self,
        presented: &Presented,
        before: &Stored,
        record: &Record,
    ) -> Result<Replaced, StoreError> {
        match self {
            Self::Server(server) => server.replace(presented, before, record).await,
        }
    }

    /// Ends the session and gives its last record, where it can be had, so that its tokens can be
    /// revoked.
    pub(super) async fn remove(&self, presented: &Presented) -> Result<Option<Record>, StoreError> {
        match self {
            Self::Server(server) => server.remove(presented).await,
        }
    }

    /// Ends the session of that name, and says whether there was one.
    pub(super) async fn forget(&self, id: RecordId) -> Result<bool, StoreError> {
        match self {
            Self::Server(server) => server.forget(id).await,
        }
    }

    /// Notes that the session was used and ends at `expires_at` if nothing more comes.
    pub(super) async fn touch(
        &self,
        id: RecordId,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        match self {
            Self::Server(server) => server.touch(id, expires_at).await,
        }
    }

    /// What an answer to `presented` must set, so that the browser keeps up with its session.
    pub(super) fn cookies(
        &self,
        _presented: &Presented,
        _request: Request,
        _now: Timestamp,
    ) -> Vec<HeaderValue> {
        match self {
            // The ticket stays the same for as long as the session lasts.
            Self::Server(_) => Vec::new(),
        }
    }

    /// The cookies by which a browser forgets its session.
    pub(super) fn expire(&self) -> Vec<HeaderValue> {
        match self {
            Self::Server(server) => server.expire(),
        }
    }
}
