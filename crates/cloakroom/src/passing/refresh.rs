//! The application's own refresh request: answered here, for its page has no refresh token to send.

use cloakroom_core::guard::SameOrigin;
use http::{HeaderMap, header::SET_COOKIE};

use crate::{
    Shared,
    control::{Reply, check_csrf},
    provider::Provider,
    reason::Reason,
    refusal::Refusal,
    sessions::{RefreshFailure, Request},
};

/// The token is fresh now, and the answer has the shape of the service's: with placeholders where it
/// has tokens, or without them, and the seconds that the token has left.
pub(crate) async fn answer_refresh(
    shared: &Shared,
    provider: &Provider,
    headers: &HeaderMap,
    _ours: SameOrigin,
) -> Result<Reply, Refusal> {
    let login = || Refusal::new(Reason::LoginRequired, "no session to refresh");
    let sessions = &shared.sessions;
    let service = provider.token_api().ok_or_else(login)?;
    let presented = sessions.present(headers).ok_or_else(login)?;
    check_csrf(shared, headers, &presented).await?;
    match sessions.refresh_for_page(&presented).await {
        Ok(record) => {
            let now = shared.clock.now();
            let left = record.tokens.expires_at.map(|at| at.since(now).as_secs());
            let cookies = sessions.cookies(&presented, Request::Asks, now);
            // The shape is that of the service that the session came from.
            let own = sessions.provider_of(&record).and_then(|provider| provider.token_api());
            let service = own.unwrap_or(service);
            Ok(Reply::json(&service.api().refresh_answer(left)).cookies(cookies))
        }
        Err(RefreshFailure::Ended) => {
            let forget = |refusal: Refusal, cookie| refusal.with_header(SET_COOKIE, cookie);
            Err(sessions.expire_ended().into_iter().fold(login(), forget))
        }
        Err(RefreshFailure::EndedMeanwhile) => Err(login()),
        Err(failure @ RefreshFailure::Outage { retry_after }) => {
            Err(Refusal::new(Reason::ProviderUnavailable, failure.to_string())
                .retry_after(retry_after))
        }
    }
}
