//! What every login ends with, whichever provider it came from.

use cloakroom_core::{
    session::{Device, RecordId},
    time::Timestamp,
};
use http::{HeaderMap, HeaderValue};

use crate::{
    Shared,
    provider::{Login, Provider},
    reason::Reason,
    refusal::Refusal,
    sessions::StartError,
};

/// Begins a session under a new id and destroys the browser's old one (R31); the answer are the
/// cookies that the login's answer must set.
///
/// `replaces` is the session that the browser had when the login began, as far as that is known.
pub(crate) async fn session(
    shared: &Shared,
    headers: &HeaderMap,
    provider: &Provider,
    login: Login,
    replaces: Option<RecordId>,
    device: Device,
    now: Timestamp,
) -> Result<Vec<HeaderValue>, Refusal> {
    let sessions = &shared.sessions;
    let old = sessions.present(headers);
    let started =
        sessions.start(provider.name(), login, device, now).await.map_err(|error| match error {
            StartError::Store(error) => Refusal::new(Reason::StoreUnavailable, error.to_string()),
            StartError::DoesNotFit(detail) => Refusal::new(Reason::TokensTooLarge, detail),
            StartError::NotVerified(detail) => Refusal::new(Reason::LoginFailed, detail),
            StartError::Unavailable(detail) => Refusal::new(Reason::ProviderUnavailable, detail),
        })?;
    if let Some(id) = replaces {
        sessions.supersede(id, now).await;
    }
    // Another tab may have logged in since this login began.
    if let Some(old) = old
        && replaces != Some(old.id())
        && sessions.exists(&old, now).await
    {
        sessions.supersede(old.id(), now).await;
    }
    let mut cookies = started.cookies;
    cookies.extend(shared.csrf.companion(started.id));
    Ok(cookies)
}
