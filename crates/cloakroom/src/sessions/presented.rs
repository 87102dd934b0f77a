//! What a browser presents of a session.

use std::sync::Arc;

use cloakroom_core::{
    jwt::peek_session_name,
    secret::Token,
    session::{Beside, Record, RecordId, SealedSession, Ticket, access_token_id},
    time::Timestamp,
};

/// A session as a request names it. It proves nothing: [`super::Sessions::load`] does.
#[derive(Clone, Debug)]
pub(crate) struct Presented {
    id: RecordId,
    name: RecordId,
    kind: Kind,
}

/// What the cookies hold.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// A ticket to the store.
    Ticket(Ticket),
    /// The session itself.
    Carried(Carried),
    /// Its access token alone: the rest is in a cookie that this path does not get.
    AccessToken(Token),
}

/// The session itself, as the cookies hold it.
#[derive(Clone, Debug)]
pub(super) struct Carried {
    pub(super) ticket: Ticket,
    pub(super) record: Arc<Record>,
    /// Counts the token sets of the session.
    pub(super) generation: u64,
    /// When it ends, as far as these cookies know.
    pub(super) expires_at: Timestamp,
    pub(super) beside: Option<Beside>,
}

impl Presented {
    pub(super) fn ticket(ticket: Ticket) -> Self {
        let id = ticket.record_id();
        Self { id, name: id, kind: Kind::Ticket(ticket) }
    }

    pub(super) fn carrying(session: SealedSession) -> Self {
        let SealedSession { ticket, record, generation, expires_at, beside } = session;
        let id = ticket.record_id();
        let name = beside.map_or(id, |beside| beside.name);
        let record = Arc::new(record);
        let carried = Carried { ticket, record, generation, expires_at, beside };
        Self { id, name, kind: Kind::Carried(carried) }
    }

    pub(super) fn access_token(token: &str) -> Option<Self> {
        let (id, name) = (access_token_id(token), peek_session_name(token)?);
        Some(Self { id, name, kind: Kind::AccessToken(Token::new(token)) })
    }

    /// The same with another record, where the cookies hold it.
    pub(super) fn map_record(mut self, change: impl FnOnce(&mut Record, Option<Beside>)) -> Self {
        if let Kind::Carried(carried) = &mut self.kind {
            change(Arc::make_mut(&mut carried.record), carried.beside);
        }
        self
    }

    /// What it is kept and ended by.
    pub(crate) fn id(&self) -> RecordId {
        self.id
    }

    /// What page, log and CSRF token know it by: the same for as long as the session lasts.
    pub(crate) fn name(&self) -> RecordId {
        self.name
    }

    /// All ids that it may be listened for by: its own, and that of the access token beside it.
    pub(super) fn ids(&self) -> impl Iterator<Item = RecordId> {
        let beside = self.carried().and_then(|carried| carried.beside);
        [self.id].into_iter().chain(beside.map(|beside| beside.token))
    }

    pub(super) fn kind(&self) -> &Kind {
        &self.kind
    }

    pub(super) fn carried(&self) -> Option<&Carried> {
        match &self.kind {
            Kind::Carried(carried) => Some(carried),
            Kind::Ticket(_) | Kind::AccessToken(_) => None,
        }
    }
}
