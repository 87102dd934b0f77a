//! Mode `server`: the record in the store, sealed; the cookie is a ticket that opens it.

use std::{sync::Arc, time::Duration};

use cloakroom_core::{
    cookie::{self, Found},
    random::Random,
    session::{Card, End, Holder, Record, RecordId, Ticket, Timeouts, UserKey},
    time::Timestamp,
};
use cloakroom_store::{Content, Leased, Replaced, SessionStore, StoreError, StoredRecord};
use http::{HeaderMap, HeaderValue};

use super::{Kind, Lease, Presented, StartError, Started, Stored};
use crate::{keyring::SharedKeyring, settings::CookieSettings};

pub(crate) struct Server {
    pub(in crate::sessions) store: Arc<dyn SessionStore>,
    /// Who this process is to those that share the store.
    pub(in crate::sessions) holder: Holder,
    pub(in crate::sessions) keyring: SharedKeyring,
    pub(in crate::sessions) random: Arc<dyn Random>,
    pub(in crate::sessions) timeouts: Timeouts,
    pub(in crate::sessions) cookie: CookieSettings,
}

impl Server {
    pub(super) fn present(&self, headers: &HeaderMap) -> Option<Presented> {
        match cookie::find(headers, &self.cookie.name) {
            Found::One(value) => Ticket::decode(value).map(Presented::ticket),
            Found::Absent => None,
            Found::Duplicate => {
                let cookie = self.cookie.name.as_str();
                tracing::warn!(cookie, "session cookie sent twice: ignored");
                None
            }
        }
    }

    pub(super) fn is_named(&self, headers: &HeaderMap) -> bool {
        cookie::find(headers, &self.cookie.name) != Found::Absent
    }

    pub(super) async fn start(
        &self,
        record: &Record,
        now: Timestamp,
    ) -> Result<Started, StartError> {
        let ticket = Ticket::generate(&*self.random);
        let attributes = self.cookie.attributes();
        let cookie = cookie::set(&self.cookie.name, &ticket.encode(), &attributes)
            .map_err(|error| StartError::DoesNotFit(error.to_string()))?;
        let content = self.content(record, &ticket);
        let expires_at = self.timeouts.expiry(now, record.absolute_end);
        self.store.create(ticket.record_id(), content, expires_at).await?;
        Ok(Started { id: ticket.record_id(), cookies: vec![cookie] })
    }

    pub(super) async fn load(
        &self,
        presented: &Presented,
        now: Timestamp,
    ) -> Result<Option<Stored>, StoreError> {
        let Kind::Ticket(ticket) = presented.kind() else { return Ok(None) };
        let id = ticket.record_id();
        let Some(stored) = self.store.load(id, now).await? else { return Ok(None) };
        Ok(self.open(ticket, &stored, now))
    }

    fn open(&self, ticket: &Ticket, stored: &StoredRecord, now: Timestamp) -> Option<Stored> {
        match Record::open(&self.keyring.get(), ticket, &stored.sealed) {
            Ok(record) if now < record.absolute_end => Some(Stored {
                record: Arc::new(record),
                version: stored.version,
                expires_at: stored.expires_at,
            }),
            Ok(_) => None,
            Err(error) => {
                let sid = ticket.record_id().handle();
                tracing::warn!(sid, %error, "session record refused");
                None
            }
        }
    }

    pub(super) async fn lease(
        &self,
        presented: &Presented,
        over: Option<Holder>,
        lasts: Duration,
        now: Timestamp,
    ) -> Result<Lease, StoreError> {
        let Kind::Ticket(ticket) = presented.kind() else { return Ok(Lease::Gone) };
        let id = presented.id();
        match self.store.lease(id, self.holder, over, lasts, now).await? {
            Leased::Taken { record, interrupted } => match self.open(ticket, &record, now) {
                Some(stored) => Ok(Lease::Taken { stored, interrupted }),
                None => {
                    self.store.release(id, record.version).await?;
                    Ok(Lease::Gone)
                }
            },
            Leased::Held { by, left } => Ok(Lease::Held { by, by_us: by == self.holder, left }),
            Leased::Gone => Ok(Lease::Gone),
        }
    }

    pub(super) async fn replace(
        &self,
        presented: &Presented,
        before: &Stored,
        record: &Record,
    ) -> Result<Replaced, StoreError> {
        let Kind::Ticket(ticket) = presented.kind() else { return Ok(Replaced::Gone) };
        let content = self.content(record, ticket);
        self.store.replace(presented.id(), before.version, content, before.expires_at).await
    }

    /// Sealed and filed under one key (see [`Record::index_keys`]).
    fn content(&self, record: &Record, ticket: &Ticket) -> Content {
        let keyring = self.keyring.get();
        Content {
            sealed: record.seal(&keyring, ticket, &*self.random),
            filed: record.index_keys(&keyring),
            card: Card::of(record).seal(&keyring, ticket.record_id(), &record.user, &*self.random),
        }
    }

    /// Some of the user's sessions but that of `but`; none when there are no more.
    pub(in crate::sessions) async fn of_user(
        &self,
        user: &UserKey,
        but: RecordId,
        now: Timestamp,
    ) -> Result<Vec<RecordId>, StoreError> {
        let mut ids = Vec::new();
        for key in user.index_keys(&self.keyring.get()) {
            ids.extend(self.store.filed(key, now).await?.into_iter().map(|filed| filed.id));
        }
        ids.retain(|id| *id != but);
        Ok(ids)
    }

    pub(super) async fn remove(&self, presented: &Presented) -> Result<Option<Record>, StoreError> {
        let Kind::Ticket(ticket) = presented.kind() else { return Ok(None) };
        let removed = self.store.remove(presented.id(), End::Logout).await?;
        Ok(removed
            .and_then(|stored| Record::open(&self.keyring.get(), ticket, &stored.sealed).ok()))
    }

    pub(super) async fn forget(&self, id: RecordId, end: End) -> Result<bool, StoreError> {
        Ok(self.store.remove(id, end).await?.is_some())
    }

    pub(super) async fn touch(
        &self,
        id: RecordId,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        self.store.touch(id, expires_at).await
    }

    pub(super) fn expire(&self) -> Vec<HeaderValue> {
        vec![cookie::expire(&self.cookie.name, &self.cookie.attributes())]
    }
}
