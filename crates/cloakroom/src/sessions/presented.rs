//! What a browser presents of a session.

use std::sync::Arc;

use cloakroom_core::{
    session::{Record, RecordId, SealedSession, Ticket},
    time::Timestamp,
};

/// A session as a request names it. It proves nothing: [`super::Sessions::load`] does.
#[derive(Clone, Debug)]
pub(crate) struct Presented {
    ticket: Ticket,
    carried: Option<Carried>,
}

/// The session itself, where the cookies hold it.
#[derive(Clone, Debug)]
pub(super) struct Carried {
    pub(super) record: Arc<Record>,
    /// Counts the token sets of the session.
    pub(super) generation: u64,
    /// When it ends, as far as these cookies know.
    pub(super) expires_at: Timestamp,
}

impl Presented {
    pub(super) fn ticket_alone(ticket: Ticket) -> Self {
        Self { ticket, carried: None }
    }

    pub(super) fn carrying(session: SealedSession) -> Self {
        let SealedSession { ticket, record, generation, expires_at } = session;
        let carried = Carried { record: Arc::new(record), generation, expires_at };
        Self { ticket, carried: Some(carried) }
    }

    pub(crate) fn id(&self) -> RecordId {
        self.ticket.record_id()
    }

    pub(super) fn ticket(&self) -> &Ticket {
        &self.ticket
    }

    pub(super) fn carried(&self) -> Option<&Carried> {
        self.carried.as_ref()
    }
}
