//! The token endpoint (RFC 6749 §3.2): codes and refresh tokens become tokens.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use serde_json::json;

use super::client::authenticate;
use super::faults::{Course, Step};
use super::grants::{Grant, InvalidGrant};
use super::mint::{Tokens, mint};
use super::params::Params;
use super::shared::{Count, Shared, apply};

/// `POST /token`, on a task of its own: like any real provider, this one finishes what a client has
/// begun, even if the client hangs up.
pub(super) async fn token(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    params: Params,
) -> Response {
    let answer = tokio::spawn(async move { answer(&shared, &headers, &params).await });
    answer.await.expect("the token endpoint does not panic")
}

async fn answer(shared: &Shared, headers: &HeaderMap, params: &Params) -> Response {
    let (step, count) = match params.get("grant_type") {
        Some("authorization_code") => (Step::CodeExchange, Count::CodeExchange),
        Some("refresh_token") => (Step::Refresh, Count::Refresh),
        _ => return error("unsupported_grant_type"),
    };
    let clients = shared.state().clients.clone();
    let client = match authenticate(&clients, headers, params) {
        Ok(client) => client,
        Err(refusal) => return refusal,
    };
    shared.state().count(count);
    let course = match shared.faults.play(step).await {
        Ok(course) => course,
        Err(answer) => return answer,
    };
    let now = shared.now();
    let granted = match step {
        Step::Refresh => refresh(shared, &client.id, params, course, now),
        _ => exchange(shared, &client.id, params, course, now),
    };
    match granted {
        Ok((grant, refresh_token)) => {
            course.send(success(shared, &mint(shared, &grant, refresh_token, now)))
        }
        Err(InvalidGrant) => course.send(error("invalid_grant")),
    }
}

type Granted = Result<(Arc<Grant>, Option<String>), InvalidGrant>;

fn exchange(
    shared: &Shared,
    client_id: &str,
    params: &Params,
    course: Course,
    now: Duration,
) -> Granted {
    let param = |name| params.get(name).unwrap_or_default();
    let mut state = shared.state();
    let (grant, family) = state.grants.exchange(
        param("code"),
        client_id,
        param("redirect_uri"),
        param("code_verifier"),
        now,
    )?;
    let with_refresh_token = grant.offline() && course != Course::WithoutRefreshToken;
    let refresh_token = with_refresh_token.then(|| state.grants.issue_refresh_token(family));
    Ok((grant, refresh_token))
}

fn refresh(
    shared: &Shared,
    client_id: &str,
    params: &Params,
    course: Course,
    now: Duration,
) -> Granted {
    let token = params.get("refresh_token").unwrap_or_default();
    let policy = shared.settings.reuse;
    let mut state = shared.state();
    let (grant, family) = state.grants.refresh(token, client_id, policy, now)?;
    let rotates = course != Course::WithoutRefreshToken;
    let refresh_token = rotates.then(|| state.grants.rotate(token, family, policy, now));
    Ok((grant, refresh_token))
}

fn success(shared: &Shared, tokens: &Tokens) -> Response {
    let mut answer = tokens.to_json();
    let change = shared.state().tamper.token_response.clone();
    apply(&change, &mut answer);
    ([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
}

fn error(code: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "error": code }))).into_response()
}
