//! `GET callback/{provider}`: where the provider sends the browser back to.

use std::time::Duration;

use cloakroom_core::{cookie::SameSite, return_to::ReturnTo, session::RecordId};
use cloakroom_oauth::{Transaction, judge_callback};
use http::HeaderMap;

use super::{Reply, begin, parameter, transaction};
use crate::{
    Shared, pages,
    provider::{LoginError, Provider},
    reason::Reason,
    refusal::Refusal,
    way::gate::Admitted,
};

/// When to try a login again that met an outage.
pub(super) const RETRY: Duration = Duration::from_secs(5);

/// Ends a login: a new session under a new id, the old one destroyed (R31).
pub(super) async fn finish(
    shared: &Shared,
    provider: &str,
    headers: &HeaderMap,
    admitted: &Admitted,
) -> Result<Reply, Refusal> {
    let state = parameter(admitted, "state")
        .ok_or_else(|| failed(shared, "the callback carries no state"))?;
    let name = &shared.settings.cookie.name;
    let outcome = log_in(shared, provider, headers, admitted, &state).await;
    let spent = transaction::expire(&state, name);
    match (outcome, spent) {
        (Ok(reply), Some(spent)) => Ok(reply.cookie(spent)),
        (Err(refusal), Some(spent)) => Err(refusal.with_header(http::header::SET_COOKIE, spent)),
        (outcome, None) => outcome,
    }
}

async fn log_in(
    shared: &Shared,
    provider: &str,
    headers: &HeaderMap,
    admitted: &Admitted,
    state: &str,
) -> Result<Reply, Refusal> {
    let settings = &shared.settings;
    let name = &settings.cookie.name;
    let now = shared.clock.now();
    let pending = transaction::find(headers, state, name, &shared.keyring.get(), now)
        .filter(|pending| pending.transaction.provider() == provider)
        .ok_or_else(|| failed(shared, "no login under way in this browser has this state"))?;
    let transaction = &pending.transaction;
    let again = |refusal: Refusal| refusal.continue_to(login_path(shared, transaction.return_to()));
    let provider = shared
        .sessions
        .provider(provider)
        .filter(|provider| provider.issuer() == pending.issuer)
        .ok_or_else(|| Refusal::new(Reason::UnknownProvider, "no provider of this name"))?;
    let login = exchange(shared, provider, admitted, transaction, state).await.map_err(again)?;
    let tokens = login.tokens.clone();
    let (replaces, device) = (pending.replaces, admitted.device(headers));
    let cookies = begin::session(shared, headers, provider, login, replaces, device, now)
        .await
        // Nobody will ever use them.
        .inspect_err(|_| provider.revoke(tokens))
        .map_err(again)?;
    let location = transaction.return_to().as_str();
    // A redirect from here still counts as sent by the provider's site: a Strict cookie would not go
    // along, and the guard would refuse it. A page of ours that navigates is a request of ours.
    let must_be_ours =
        settings.cookie.same_site == SameSite::Strict || shared.routes.takes_sessions(location);
    let reply = if must_be_ours {
        Reply::page(pages::navigate(location))
    } else {
        Reply::see_other(location)
    };
    Ok(reply.cookies(cookies))
}

async fn exchange(
    shared: &Shared,
    provider: &Provider,
    admitted: &Admitted,
    transaction: &Transaction,
    state: &str,
) -> Result<crate::provider::Login, Refusal> {
    let unavailable =
        |detail: String| Refusal::new(Reason::ProviderUnavailable, detail).retry_after(RETRY);
    let oidc = provider
        .oidc()
        .ok_or_else(|| Refusal::new(Reason::UnknownProvider, "no OpenID provider of this name"))?;
    let now = shared.clock.now();
    let metadata = oidc.metadata().await.map_err(|error| unavailable(error.to_string()))?;
    let query = admitted.query().unwrap_or_default();
    let code =
        judge_callback(transaction, oidc.client(), &metadata, query, now).map_err(|error| {
            match error.is_outage() {
                true => unavailable(error.to_string()),
                false => Refusal::new(Reason::LoginFailed, error.to_string()),
            }
        })?;
    // Once and for all, before the code is sent (R4).
    let claim = RecordId::hash(b"cloakroom login state v1", state.as_bytes());
    let claimed = shared.sessions.store().claim(claim, now.plus(Transaction::LIFETIME), now).await;
    match claimed {
        Ok(true) => {}
        Ok(false) => {
            return Err(Refusal::new(Reason::LoginFailed, "this callback was used before"));
        }
        Err(error) => return Err(Refusal::new(Reason::StoreUnavailable, error.to_string())),
    }
    let _place = provider.place().await;
    oidc.log_in(&metadata, transaction, &code).await.map_err(|error| match error {
        LoginError::Unavailable(error) => unavailable(error.to_string()),
        LoginError::Token(error) if error.is_outage() => unavailable(error.to_string()),
        error => Refusal::new(Reason::LoginFailed, error.to_string()),
    })
}

fn failed(shared: &Shared, detail: &str) -> Refusal {
    Refusal::new(Reason::LoginFailed, detail).continue_to(login_path(shared, &ReturnTo::root()))
}

pub(crate) fn login_path(shared: &Shared, return_to: &ReturnTo) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("return_to", return_to.as_str());
    format!("{}/login?{}", shared.settings.control_prefix, query.finish())
}
