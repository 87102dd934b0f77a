//! `POST refresh`: makes the access token fresh; asking again changes nothing.

use cloakroom_core::guard::SameOrigin;
use http::{HeaderMap, StatusCode, header::SET_COOKIE};

use super::Reply;
use crate::{
    Shared,
    reason::Reason,
    refusal::{EXPIRES_IN_HEADER, Refusal},
    sessions::{RefreshFailure, Request},
};

/// 204 where the token is fresh now, whoever refreshed it, with the seconds that it has left; 401 where the
/// session is over; 503 while nobody can tell.
pub(super) async fn refresh(
    shared: &Shared,
    headers: &HeaderMap,
    _ours: SameOrigin,
) -> Result<Reply, Refusal> {
    let login = || Refusal::new(Reason::LoginRequired, "no session to refresh");
    let presented = shared.sessions.present(headers).ok_or_else(login)?;
    super::check_csrf(shared, headers, &presented).await?;
    match shared.sessions.refresh_for_page(&presented).await {
        Ok(record) => {
            let (sessions, now) = (&shared.sessions, shared.clock.now());
            let cookies = sessions.cookies(&presented, Request::Asks, now);
            let reply = Reply::new(StatusCode::NO_CONTENT).cookies(cookies);
            Ok(match record.tokens.expires_at {
                Some(at) => reply.header(EXPIRES_IN_HEADER, at.since(now).as_secs().into()),
                None => reply,
            })
        }
        Err(RefreshFailure::Ended) => {
            let forget = |refusal: Refusal, cookie| refusal.with_header(SET_COOKIE, cookie);
            Err(shared.sessions.expire_ended().into_iter().fold(login(), forget))
        }
        Err(RefreshFailure::EndedMeanwhile) => Err(login()),
        Err(failure @ RefreshFailure::Outage { retry_after }) => {
            Err(Refusal::new(Reason::ProviderUnavailable, failure.to_string())
                .retry_after(retry_after))
        }
    }
}

pub(super) fn store_refusal(error: cloakroom_store::StoreError) -> Refusal {
    Refusal::new(Reason::StoreUnavailable, error.to_string())
}
