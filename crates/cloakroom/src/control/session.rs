//! `GET session`: what the page may know.

use cloakroom_core::guard::SameOrigin;
use http::{HeaderMap, header::SET_COOKIE};
use serde_json::json;

use super::Reply;
use crate::{
    Shared,
    refusal::Refusal,
    sessions::{LoadError, RefreshFailure, Request},
};
use cloakroom_core::session::Freshness;

/// Says who is logged in; asking does not count as use, so that an open tab keeps no session alive.
///
/// A dead access token is refreshed first, so that `loggedIn` is the truth and not a memory; while the
/// provider is down it is the last known state.
pub(super) async fn describe(
    shared: &Shared,
    headers: &HeaderMap,
    _ours: SameOrigin,
) -> Result<Reply, Refusal> {
    let nobody = || Reply::json(&json!({ "loggedIn": false }));
    let Some(presented) = shared.sessions.present(headers) else {
        return Ok(nobody());
    };
    let now = shared.clock.now();
    let stored = match shared.sessions.load(&presented, now).await {
        // The refresh that the page is to ask for wants its token. That it expired is said of a token
        // whose signature held: nobody gets the CSRF token of a login that is not theirs.
        Err(error @ LoadError::TokenExpired) => {
            let id = presented.name();
            let refusal = Refusal::from(error).with_csrf_token(shared.csrf.token(id));
            let companion = shared.csrf.missing_companion(headers, id);
            let add = |refusal: Refusal, cookie| refusal.with_header(SET_COOKIE, cookie);
            return Err(companion.into_iter().fold(refusal, add));
        }
        loaded => loaded?,
    };
    let Some(mut stored) = stored else { return Ok(nobody()) };
    let id = presented.name();
    if Freshness::of(&stored.record.tokens, &id, now) == Freshness::Expired {
        match shared.sessions.refresh(&presented, None).await {
            Ok(successor) => stored.record = successor,
            Err(RefreshFailure::Ended | RefreshFailure::EndedMeanwhile) => return Ok(nobody()),
            Err(RefreshFailure::Outage { .. }) => {}
        }
    }
    let now = shared.clock.now();
    let mut answer = json!({
        "loggedIn": true,
        "claims": stored.record.claims,
        "sid": id.handle(),
        "expiresIn": stored.record.tokens.expires_at.map(|at| at.since(now).as_secs()),
        // In mode jwt only the refresh endpoint learns it.
        "sessionExpiresIn": (!shared.sessions.are_split()).then(|| stored.ends_at().since(now).as_secs()),
    });
    if let Some(token) = shared.csrf.token(id) {
        answer["csrfToken"] = token.expose().into();
    }
    let mut cookies = shared.sessions.cookies(&presented, Request::Asks, now);
    cookies.extend(shared.csrf.missing_companion(headers, id));
    Ok(Reply::json(&answer).cookies(cookies))
}
