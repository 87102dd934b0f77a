//! Revocation (RFC 7009) and RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0).

use std::sync::Arc;

use axum::extract::State;
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::{HeaderMap, StatusCode};
use url::Url;

use super::client::authenticate;
use super::faults::Step;
use super::params::Params;
use super::shared::{Count, Shared};
use super::{authorize, keys, page};

/// `POST /revoke`: ends the family of a refresh token; 200 for an unknown token too.
///
/// An access token cannot be called back: it is a JWT, and the API asks nobody.
pub(super) async fn revoke(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    params: Params,
) -> Response {
    let clients = shared.state().clients.clone();
    let client = match authenticate(&clients, &headers, &params) {
        Ok(client) => client,
        Err(refusal) => return refusal,
    };
    shared.state().count(Count::Revocation);
    let course = match shared.faults.play(Step::Revocation).await {
        Ok(course) => course,
        Err(answer) => return answer,
    };
    shared.state().grants.revoke(params.get("token").unwrap_or_default(), &client.id);
    course.send(StatusCode::OK)
}

/// `/end_session`: ends the browser's session here, then returns to a registered address.
pub(super) async fn end_session(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    params: Params,
) -> Response {
    let cookie = authorize::cookie(&shared, &headers);
    let mut state = shared.state();
    state.count(Count::Logout);
    if let Some(session) = cookie.and_then(|cookie| state.grants.sso(&cookie).cloned()) {
        state.grants.end_sso(&session.sid);
    }
    let hint = params
        .get("id_token_hint")
        .filter(|hint| state.keys.iter().any(|key| key.verifies(hint)))
        .and_then(keys::decode)
        .map(|(_, claims)| claims);
    if let Some(sid) = hint.as_ref().and_then(|claims| claims["sid"].as_str()) {
        state.grants.end_sso(sid);
    }
    let client_id = hint
        .as_ref()
        .and_then(|claims| claims["aud"].as_str())
        .or_else(|| params.get("client_id"))
        .unwrap_or_default();
    let to = params.get("post_logout_redirect_uri").filter(|uri| {
        let client = state.client(client_id);
        client.is_some_and(|client| client.post_logout_redirect_uris.iter().any(|ok| ok == uri))
    });
    let Some(to) = to else {
        return Html(page::message("Logged out", "You can close this page.")).into_response();
    };
    let mut to = Url::parse(to).expect("a registered address is a URL");
    if let Some(state) = params.get("state") {
        to.query_pairs_mut().append_pair("state", state);
    }
    Redirect::to(to.as_str()).into_response()
}
