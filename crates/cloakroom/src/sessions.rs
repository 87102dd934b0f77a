//! Sessions at the edge: the core's records in a store, refreshed at their provider.
//!
//! A refresh is one flight per session on a task of its own (R15): whoever needs the token waits for
//! the flight, and a browser that goes away cancels its own waiting only. See [`flights`].

mod flights;
mod refresh;

use std::{sync::Arc, time::Duration};

use cloakroom_core::{
    random::Random,
    session::{Record, RecordId, Ticket, Timeouts, TokenSet, UserKey},
    time::Timestamp,
};
use cloakroom_store::{SessionStore, StoreError};
use serde_json::{Map, Value};
use tokio_util::task::TaskTracker;

use self::flights::Flights;
use crate::{clock::Clock, keyring::SharedKeyring, provider::Provider};

/// How long a fresh token set protects itself: within this a client whose request still carried the
/// replaced token gets the present one and starts no refresh.
pub(crate) const GRACE: Duration = Duration::from_secs(10);

/// The sessions of one Cloakroom.
pub(crate) struct Sessions {
    store: Arc<dyn SessionStore>,
    keyring: SharedKeyring,
    random: Arc<dyn Random>,
    clock: Arc<dyn Clock>,
    timeouts: Timeouts,
    providers: Vec<Arc<Provider>>,
    flights: Flights,
    tasks: TaskTracker,
}

/// An opened record with what the store says beside it.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) record: Arc<Record>,
    pub(crate) version: u64,
    pub(crate) expires_at: Timestamp,
}

/// Why a session's token could not be refreshed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RefreshFailure {
    /// The session is over: logged out, timed out, or its refresh token is dead.
    #[error("the session has ended")]
    Ended,
    /// The provider or the store does not answer; the session lives on.
    #[error("the token cannot be refreshed at the moment")]
    Outage { retry_after: Duration },
}

impl Sessions {
    pub(crate) fn new(
        store: Arc<dyn SessionStore>,
        keyring: SharedKeyring,
        random: Arc<dyn Random>,
        clock: Arc<dyn Clock>,
        timeouts: Timeouts,
        providers: Vec<Arc<Provider>>,
        tasks: TaskTracker,
    ) -> Self {
        let flights = Flights::new(tasks.clone());
        Self { store, keyring, random, clock, timeouts, providers, flights, tasks }
    }

    pub(crate) fn store(&self) -> &Arc<dyn SessionStore> {
        &self.store
    }

    pub(crate) fn provider(&self, name: &str) -> Option<&Arc<Provider>> {
        self.providers.iter().find(|provider| provider.name() == name)
    }

    /// Begins a session under a new id (R31); the answer is what the cookie holds.
    pub(crate) async fn start(
        &self,
        provider: &str,
        user: UserKey,
        claims: Map<String, Value>,
        tokens: TokenSet,
        now: Timestamp,
    ) -> Result<Ticket, StoreError> {
        let ticket = Ticket::generate(&*self.random);
        let absolute_end = now.plus(self.timeouts.absolute);
        let record = Record {
            provider: provider.to_owned(),
            user,
            claims,
            tokens,
            created_at: now,
            absolute_end,
        };
        let sealed = record.seal(&self.keyring.get(), &ticket, &*self.random);
        let expires_at = self.timeouts.expiry(now, absolute_end);
        self.store.create(ticket.record_id(), sealed, expires_at).await?;
        tracing::info!(sid = ticket.record_id().handle(), provider, "session started");
        Ok(ticket)
    }

    /// The ticket's session as stored; `None` where there is none that this ticket opens.
    pub(crate) async fn load(
        &self,
        ticket: &Ticket,
        now: Timestamp,
    ) -> Result<Option<Stored>, StoreError> {
        let id = ticket.record_id();
        let Some(stored) = self.store.load(id, now).await? else { return Ok(None) };
        match Record::open(&self.keyring.get(), ticket, &stored.sealed) {
            Ok(record) if now < record.absolute_end => Ok(Some(Stored {
                record: Arc::new(record),
                version: stored.version,
                expires_at: stored.expires_at,
            })),
            Ok(_) => Ok(None),
            Err(error) => {
                tracing::warn!(sid = id.handle(), %error, "session record refused");
                Ok(None)
            }
        }
    }

    /// Logs the ticket's session out and revokes its tokens beside; the answer is its last record.
    ///
    /// On a task of its own: a browser that goes away stops no logout half-way.
    pub(crate) async fn log_out(
        self: &Arc<Self>,
        ticket: &Ticket,
        now: Timestamp,
    ) -> Result<Option<Record>, StoreError> {
        let (sessions, ticket) = (Arc::clone(self), ticket.clone());
        let task = self.tasks.spawn(async move {
            let record = sessions.remove(&ticket, now).await?;
            if let Some(record) = &record
                && let Some(provider) = sessions.provider_of(record)
            {
                provider.revoke(record.tokens.clone());
            }
            Ok(record)
        });
        match task.await {
            Ok(removed) => removed,
            // Nobody aborts it.
            Err(crash) => std::panic::resume_unwind(crash.into_panic()),
        }
    }

    async fn remove(&self, ticket: &Ticket, now: Timestamp) -> Result<Option<Record>, StoreError> {
        // Without the right secret half an id ends nothing.
        if self.load(ticket, now).await?.is_none() {
            return Ok(None);
        }
        let id = ticket.record_id();
        // Before the record goes: a flight that finds it gone must know why.
        self.flights.log_out(id);
        let removed = self.store.remove(id).await?;
        tracing::info!(sid = id.handle(), "session ended: logout");
        // What was removed may be newer than what was loaded.
        Ok(removed
            .and_then(|stored| Record::open(&self.keyring.get(), ticket, &stored.sealed).ok()))
    }

    /// Destroys the session that a login replaced (R31).
    ///
    /// Its tokens are left to expire: many providers keep one grant for both logins, and to revoke the
    /// old would end the new.
    pub(crate) async fn supersede(&self, id: RecordId) {
        match self.store.remove(id).await {
            Ok(None) => {}
            Ok(Some(_)) => tracing::info!(sid = id.handle(), "session ended: logged in anew"),
            Err(error) => {
                tracing::warn!(sid = id.handle(), %error, "the session before a login could not be removed");
            }
        }
    }

    /// Moves the idle timeout on, where it lags, beside the request.
    pub(crate) fn touch(
        self: &Arc<Self>,
        id: RecordId,
        record: &Record,
        stored: Timestamp,
        now: Timestamp,
    ) {
        let Some(expires_at) = self.timeouts.touch(now, stored, record.absolute_end) else {
            return;
        };
        let store = Arc::clone(&self.store);
        self.tasks.spawn(async move {
            if let Err(error) = store.touch(id, expires_at).await {
                tracing::warn!(%error, "the idle timeout of a session could not be moved on");
            }
        });
    }

    /// Removes expired records and forgotten flights; call it every minute or so.
    pub(crate) async fn sweep(&self, now: Timestamp) -> Result<usize, StoreError> {
        self.flights.forget_cooled(now);
        self.store.sweep(now).await
    }
}
