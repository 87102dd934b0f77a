//! Mode `sealed`: the cookies hold the whole session; no store is asked.
//!
//! What one process can know beside them it remembers ([`Memory`]); what it cannot know is the mode's
//! limit: a session that another process ended or refreshed.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use cloakroom_core::{
    cookie::{
        self, Attributes, CookieName, Found, Lifetime,
        chunks::{self, ChunkFault},
    },
    random::Random,
    session::{OpenFault, Record, RecordId, SealedSession, Ticket, Timeouts},
    time::Timestamp,
};
use cloakroom_store::Replaced;
use http::{HeaderMap, HeaderValue};

use super::{
    Presented, Request, StartError, Started, Stored,
    memory::{Known, Memory, Successor},
};
use crate::keyring::SharedKeyring;

pub(crate) struct Sealed {
    name: CookieName,
    attributes: Attributes,
    keyring: SharedKeyring,
    random: Arc<dyn Random>,
    timeouts: Timeouts,
    pub(super) memory: Memory,
}

impl Sealed {
    pub(in crate::sessions) fn new(
        name: CookieName,
        attributes: Attributes,
        keyring: SharedKeyring,
        random: Arc<dyn Random>,
        timeouts: Timeouts,
    ) -> Self {
        Self { name, attributes, keyring, random, timeouts, memory: Memory::new() }
    }

    pub(super) fn present(&self, headers: &HeaderMap) -> Option<Presented> {
        let joined = chunks::join(headers, &self.name);
        let cookie = self.name.as_str();
        match SealedSession::open(&joined, &self.name, &self.keyring.get()) {
            Ok(session) => session.map(Presented::carrying),
            Err(OpenFault::Chunks(ChunkFault::Duplicate)) => {
                tracing::warn!(cookie, "session cookie sent twice: ignored");
                None
            }
            Err(error) => {
                tracing::warn!(cookie, %error, "session cookies refused");
                None
            }
        }
    }

    /// The first chunk has the cookie's own name; without it there is no session.
    pub(super) fn is_named(&self, headers: &HeaderMap) -> bool {
        cookie::find(headers, &self.name) != Found::Absent
    }

    pub(super) fn start(&self, record: Record, now: Timestamp) -> Result<Started, StartError> {
        let session = SealedSession {
            ticket: Ticket::generate(&*self.random),
            generation: 1,
            expires_at: self.timeouts.expiry(now, record.absolute_end),
            record,
            beside: None,
        };
        let cookies = self.set(&session, now).map_err(StartError::DoesNotFit)?;
        Ok(Started { id: session.ticket.record_id(), cookies })
    }

    pub(super) fn load(&self, presented: &Presented, now: Timestamp) -> Option<Stored> {
        let carried = presented.carried()?;
        let stored = match self.memory.look(presented.id(), carried.generation, now) {
            Known::Ended => return None,
            Known::Successor(successor) => Stored {
                record: successor.record,
                version: successor.generation,
                expires_at: successor.expires_at.max(carried.expires_at),
            },
            Known::Nothing => Stored {
                record: Arc::clone(&carried.record),
                version: carried.generation,
                expires_at: carried.expires_at,
            },
        };
        (now < stored.expires_at && now < stored.record.absolute_end).then_some(stored)
    }

    pub(super) fn replace(
        &self,
        presented: &Presented,
        before: &Stored,
        record: &Arc<Record>,
    ) -> Replaced {
        let successor = Successor {
            record: Arc::clone(record),
            generation: before.version + 1,
            expires_at: before.expires_at,
        };
        self.memory.replace(presented.id(), before.version, successor)
    }

    pub(super) fn remove(&self, presented: &Presented, now: Timestamp) -> Option<Arc<Record>> {
        let carried = presented.carried()?;
        let until = self.timeouts.expiry(now, carried.record.absolute_end);
        let successor = self.memory.end(presented.id(), until);
        Some(successor.unwrap_or_else(|| Arc::clone(&carried.record)))
    }

    pub(super) fn forget(&self, id: RecordId, now: Timestamp) {
        // No cookie of it that we ever set lasts longer: from now on none is set.
        self.memory.end(id, now.plus(self.timeouts.idle));
    }

    pub(super) fn touch(&self, id: RecordId, expires_at: Timestamp) {
        self.memory.touch(id, expires_at);
    }

    /// The cookies anew where the browser's lag behind: after a refresh, and where the idle timeout is
    /// worth moving on.
    pub(super) fn cookies(
        &self,
        presented: &Presented,
        request: Request,
        now: Timestamp,
    ) -> Vec<HeaderValue> {
        let Some(carried) = presented.carried() else { return Vec::new() };
        let (record, generation, mut expires_at) =
            match self.memory.look(presented.id(), carried.generation, now) {
                Known::Ended => return Vec::new(),
                Known::Successor(Successor { record, generation, expires_at }) => {
                    (record, generation, expires_at.max(carried.expires_at))
                }
                // A slow answer, behind which the browser has got newer ones.
                Known::Nothing if self.memory.is_replaced(presented.id(), carried.generation) => {
                    return Vec::new();
                }
                Known::Nothing => {
                    (Arc::clone(&carried.record), carried.generation, carried.expires_at)
                }
            };
        let end = record.absolute_end;
        let touched = match request {
            Request::Uses => self.timeouts.touch(now, carried.expires_at, end),
            Request::Asks => None,
        };
        if (touched.is_none() && generation == carried.generation) || end <= now {
            return Vec::new();
        }
        expires_at = touched.map_or(expires_at, |touched| touched.max(expires_at));
        let (ticket, record) = (carried.ticket.clone(), (*record).clone());
        let session = SealedSession { ticket, record, generation, expires_at, beside: None };
        self.set(&session, now).unwrap_or_else(|error| {
            let sid = presented.id().handle();
            tracing::error!(sid, error, "a refreshed session does not fit its cookies; it is kept in memory as long as it can be");
            Vec::new()
        })
    }

    pub(super) fn expire(&self) -> Vec<HeaderValue> {
        chunks::expire_chunked(&self.name, &self.attributes)
    }

    pub(super) fn sweep(&self, now: Timestamp) -> usize {
        self.memory.sweep(now)
    }

    pub(super) fn set(
        &self,
        session: &SealedSession,
        now: Timestamp,
    ) -> Result<Vec<HeaderValue>, String> {
        let advice = |error: String| format!("{error}: use session mode \"server\"");
        let lifetime = lifetime(&self.attributes, &session.record, now);
        let value = session
            .seal(&self.name, &self.keyring.get(), &*self.random)
            .map_err(|error| advice(error.to_string()))?;
        let attributes = Attributes { lifetime, ..self.attributes.clone() };
        chunks::set_chunked(&self.name, value.expose(), &attributes)
            .map_err(|error| advice(error.to_string()))
    }
}

/// How long a cookie is worth keeping: no longer than its session.
pub(super) fn lifetime(attributes: &Attributes, record: &Record, now: Timestamp) -> Lifetime {
    match attributes.lifetime {
        Lifetime::BrowserSession => Lifetime::BrowserSession,
        Lifetime::MaxAge(age) => Lifetime::MaxAge(age.min(record.absolute_end.since(now))),
    }
}
