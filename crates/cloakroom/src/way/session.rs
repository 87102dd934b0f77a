//! The session: whose request is it, and is the token good (R15, R27–R32)?

use std::sync::Arc;

use cloakroom_core::{
    cookie::{self, Found},
    guard::SameOrigin,
    session::{Freshness, Record, RecordId, Ticket},
    time::Timestamp,
};
use http::HeaderMap;

use crate::{
    reason::Reason,
    refusal::Refusal,
    sessions::{RefreshFailure, Sessions, Stored},
    settings::CookieSettings,
};

/// The proof that a request has a session with a usable token.
#[derive(Clone, Debug)]
pub(crate) struct LiveSession {
    ticket: Ticket,
    id: RecordId,
    record: Arc<Record>,
}

impl LiveSession {
    pub(crate) fn id(&self) -> RecordId {
        self.id
    }

    pub(crate) fn ticket(&self) -> &Ticket {
        &self.ticket
    }

    pub(crate) fn record(&self) -> &Arc<Record> {
        &self.record
    }
}

/// The ticket in a request's cookie; a cookie that comes twice is none (R27).
pub(crate) fn ticket(headers: &HeaderMap, settings: &CookieSettings) -> Option<Ticket> {
    match cookie::find(headers, &settings.name) {
        Found::One(value) => Ticket::decode(value),
        Found::Absent => None,
        Found::Duplicate => {
            tracing::warn!(cookie = settings.name.as_str(), "session cookie sent twice: ignored");
            None
        }
    }
}

/// Finds the request's session and refreshes its token first where it is dead.
///
/// `Ok(None)` where there is no session, or none any more.
pub(crate) async fn find(
    sessions: &Arc<Sessions>,
    headers: &HeaderMap,
    settings: &CookieSettings,
    _ours: &SameOrigin,
    now: Timestamp,
) -> Result<Option<LiveSession>, Refusal> {
    let Some(ticket) = ticket(headers, settings) else { return Ok(None) };
    let id = ticket.record_id();
    let stored = sessions
        .load(&ticket, now)
        .await
        .map_err(|error| Refusal::new(Reason::StoreUnavailable, error.to_string()))?;
    let Some(Stored { record, expires_at, .. }) = stored else { return Ok(None) };
    sessions.touch(id, &record, expires_at, now);
    let record = match Freshness::of(&record.tokens, &id, now) {
        Freshness::Fresh => record,
        Freshness::Due => {
            sessions.refresh_beside(&ticket, &record);
            record
        }
        Freshness::Expired => match sessions.refresh(&ticket, None).await {
            Ok(record) => record,
            Err(RefreshFailure::Ended) => return Ok(None),
            Err(failure @ RefreshFailure::Outage { retry_after }) => {
                return Err(Refusal::new(Reason::ProviderUnavailable, failure.to_string())
                    .retry_after(retry_after));
            }
        },
    };
    Ok(Some(LiveSession { ticket, id, record }))
}
