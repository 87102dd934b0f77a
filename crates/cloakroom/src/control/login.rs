//! `GET login`: leads the browser to the provider.

use std::sync::Arc;

use cloakroom_core::{
    guard::is_navigation, return_to::ReturnTo, session::RecordId, time::Timestamp,
};
use http::HeaderMap;

use super::{
    Reply, logout, parameter,
    transaction::{self, Pending},
};
use crate::{
    Shared, pages, provider::Provider, reason::Reason, refusal::Refusal, settings::Settings,
    way::gate::Admitted,
};

/// Begins a login and remembers it in a cookie (R4), or asks for a click first where another site's
/// link led here (R40).
pub(super) async fn begin(
    shared: &Shared,
    headers: &HeaderMap,
    admitted: &Admitted,
) -> Result<Reply, Refusal> {
    if !is_navigation(headers) {
        return Err(Refusal::new(Reason::NavigationRequired, "login by fetch"));
    }
    let site = headers.get("sec-fetch-site").map(http::HeaderValue::as_bytes);
    if !matches!(site, None | Some(b"same-origin" | b"none")) {
        return Ok(Reply::page(pages::confirm_login(&admitted.target())));
    }
    let return_to = parameter(admitted, "return_to")
        .map_or_else(ReturnTo::root, |path| ReturnTo::parse_or_root(&path, admitted.origin()));
    let provider = match parameter(admitted, "provider") {
        Some(name) => shared.sessions.provider(&name),
        None => default_provider(shared),
    };
    let provider = provider
        .ok_or_else(|| Refusal::new(Reason::UnknownProvider, "no provider of this name"))?;
    let oidc = provider.oidc().ok_or_else(|| {
        Refusal::new(Reason::LoginInApp, "this provider's login is a POST of the application")
    })?;
    let now = shared.clock.now();
    let metadata = oidc.metadata().await.map_err(|error| {
        Refusal::new(Reason::ProviderUnavailable, error.to_string())
            .retry_after(super::callback::RETRY)
            .continue_to(admitted.target())
    })?;
    let prefix = &shared.settings.control_prefix;
    let (transaction, location) = cloakroom_oauth::begin(
        oidc.client(),
        provider.name(),
        &Settings::redirect_uri(admitted.origin(), prefix, provider.name()),
        &metadata,
        return_to,
        now,
        &*shared.random,
    );
    // While one tab logs out at the provider, which still knows the user, another tab must not log in again
    // unasked: that would undo the logout (R47).
    let location = if logout::is_under_way(shared, headers) {
        cloakroom_oauth::asking_who_is_there(&location)
    } else {
        location
    };
    let name = &shared.settings.cookie.name;
    let issuer = provider.issuer().to_owned();
    let replaces = replaced_session(shared, headers, now).await;
    let pending = Pending { transaction, issuer, replaces };
    let cookie = transaction::set(&pending, name, &shared.keyring.get(), &*shared.random)
        .ok_or_else(|| Refusal::new(Reason::BadRequest, "the transaction does not fit a cookie"))?;
    let surplus = transaction::make_room(headers, &cookie, name, &shared.keyring.get());
    let reply = Reply::see_other(&location).cookie(cookie);
    Ok(surplus.into_iter().fold(reply, Reply::cookie))
}

/// The first OpenID provider, else the first provider: only an OpenID provider has a page to go to.
fn default_provider(shared: &Shared) -> Option<&Arc<Provider>> {
    let providers = shared.sessions.providers();
    providers.iter().find(|provider| provider.oidc().is_some()).or(providers.first())
}

/// The session of this browser, if its cookie opens one: only that may the login replace.
async fn replaced_session(
    shared: &Shared,
    headers: &HeaderMap,
    now: Timestamp,
) -> Option<RecordId> {
    let presented = shared.sessions.present(headers)?;
    shared.sessions.exists(&presented, now).await.then(|| presented.id())
}
