//! What a browser presents of a session.

use cloakroom_core::session::{RecordId, Ticket};

/// A session as a request names it. It proves nothing: [`super::Sessions::load`] does.
#[derive(Clone, Debug)]
pub(crate) struct Presented {
    ticket: Ticket,
}

impl Presented {
    pub(super) fn ticket_alone(ticket: Ticket) -> Self {
        Self { ticket }
    }

    pub(crate) fn id(&self) -> RecordId {
        self.ticket.record_id()
    }

    pub(super) fn ticket(&self) -> &Ticket {
        &self.ticket
    }
}
