//! The localStorage way: a page that gets its tokens as JSON, and the login service that answers
//! them.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use cloakroom_testkit::provider::{Mint, Tokens};
use http::{StatusCode, header};
use serde::Deserialize;
use serde_json::json;

use super::{Addresses, Pages, User};

/// The page, its login service and what it has to know. The API comes beside them: for this page
/// it lives on the same origin.
pub(crate) fn routes(pages: &Pages, addresses: &Addresses, user: User, mint: Mint) -> Router {
    let setup = json!({ "app": addresses.app, "foreign": addresses.foreign, "user": user });
    let service = Router::new()
        .route("/legacy/login", post(log_in))
        .route("/legacy/refresh", post(refresh))
        .with_state(Arc::new(mint));
    pages
        .routes("/storage.html", &addresses.app)
        .route("/setup", get(|| async move { Json(setup) }))
        .merge(service)
}

#[derive(Deserialize)]
struct Login {
    name: String,
    password: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Refresh {
    refresh_token: String,
}

async fn log_in(State(mint): State<Arc<Mint>>, Json(login): Json<Login>) -> Response {
    answer(mint.knows(&login.name, &login.password).then(|| mint.issue_tokens(&login.name)))
}

async fn refresh(State(mint): State<Arc<Mint>>, Json(refresh): Json<Refresh>) -> Response {
    answer(mint.refresh(&refresh.refresh_token))
}

/// Tokens in the body, where every script of the page can read them: this is the point.
fn answer(tokens: Option<Tokens>) -> Response {
    let Some(tokens) = tokens else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    let body = json!({
        "accessToken": tokens.access_token,
        "refreshToken": tokens.refresh_token,
    });
    ([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}
