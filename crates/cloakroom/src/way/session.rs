//! The session: whose request is it, and is the token good (R15, R27–R32)?

use std::sync::Arc;

use cloakroom_core::{
    guard::SameOrigin,
    session::{Freshness, Record, RecordId},
    time::Timestamp,
};
use http::HeaderMap;

use crate::{
    reason::Reason,
    refusal::Refusal,
    sessions::{Presented, RefreshFailure, Sessions},
};

/// The proof that a request has a session with a usable token.
#[derive(Clone, Debug)]
pub(crate) struct LiveSession {
    presented: Presented,
    record: Arc<Record>,
}

impl LiveSession {
    pub(crate) fn id(&self) -> RecordId {
        self.presented.name()
    }

    pub(crate) fn presented(&self) -> &Presented {
        &self.presented
    }

    pub(crate) fn record(&self) -> &Arc<Record> {
        &self.record
    }
}

/// Finds the request's session and refreshes its token first where it is dead.
///
/// `Ok(None)` where there is no session, or none any more.
pub(crate) async fn find(
    sessions: &Arc<Sessions>,
    headers: &HeaderMap,
    _ours: &SameOrigin,
    now: Timestamp,
) -> Result<Option<LiveSession>, Refusal> {
    let Some(presented) = sessions.present(headers) else { return Ok(None) };
    let stored = sessions.load(&presented, now).await?;
    let Some(stored) = stored else { return Ok(None) };
    sessions.touch(&presented, &stored, now);
    let record = match Freshness::of(&stored.record.tokens, &presented.id(), now) {
        Freshness::Fresh => stored.record,
        Freshness::Due => {
            sessions.refresh_beside(&presented, &stored.record);
            stored.record
        }
        Freshness::Expired => match sessions.refresh(&presented, None).await {
            Ok(record) => record,
            Err(RefreshFailure::Ended | RefreshFailure::EndedMeanwhile) => return Ok(None),
            Err(failure @ RefreshFailure::Outage { retry_after }) => {
                return Err(Refusal::new(Reason::ProviderUnavailable, failure.to_string())
                    .retry_after(retry_after));
            }
        },
    };
    Ok(Some(LiveSession { presented, record }))
}
