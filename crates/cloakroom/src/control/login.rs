//! `GET login`: leads the browser to the provider.

use cloakroom_core::{guard::is_navigation, return_to::ReturnTo};
use http::HeaderMap;

use super::{Reply, parameter, transaction};
use crate::{Shared, pages, reason::Reason, refusal::Refusal, way::gate::Admitted};

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
    let return_to = parameter(admitted, "return_to").map_or_else(ReturnTo::root, |path| {
        ReturnTo::parse_or_root(&path, &shared.settings.public)
    });
    let provider = match parameter(admitted, "provider") {
        Some(name) => shared.sessions.provider(&name),
        None => shared
            .settings
            .providers
            .first()
            .and_then(|first| shared.sessions.provider(&first.name)),
    };
    let provider = provider
        .ok_or_else(|| Refusal::new(Reason::UnknownProvider, "no provider of this name"))?;
    let now = shared.clock.now();
    let metadata = provider.metadata(now).await.map_err(|error| {
        Refusal::new(Reason::ProviderUnavailable, error.to_string())
            .retry_after(super::callback::RETRY)
            .continue_to(admitted.target())
    })?;
    let (transaction, location) = cloakroom_oauth::begin(
        provider.client(),
        provider.name(),
        &metadata,
        return_to,
        now,
        &*shared.random,
    );
    let name = &shared.settings.cookie.name;
    let cookie = transaction::set(&transaction, name, &shared.keyring, &*shared.random)
        .ok_or_else(|| Refusal::new(Reason::BadRequest, "the transaction does not fit a cookie"))?;
    let mut reply = Reply::see_other(&location).cookie(cookie);
    for expired in transaction::make_room(headers, name, &shared.keyring) {
        reply = reply.cookie(expired);
    }
    Ok(reply)
}
