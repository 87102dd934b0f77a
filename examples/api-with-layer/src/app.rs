//! The handlers: what the layer lets through, they see with its session.

use axum::{
    Extension, Json, Router,
    http::StatusCode,
    response::Html,
    routing::{get, post},
};
use cloakroom::{CurrentBearer, CurrentSession};
use serde_json::{Value, json};

pub(crate) fn router() -> Router {
    Router::new().route("/", get(home)).route("/api/me", get(me)).route("/api/orders", post(order))
}

/// A page for everybody: the session is there or not.
async fn home(session: Option<Extension<CurrentSession>>) -> Html<&'static str> {
    Html(if session.is_some() {
        "<!doctype html><title>shop</title><p>You are logged in. <a href=\"/api/me\">Who am I?</a>\
         <form method=\"post\" action=\"/auth/logout\"><button>Log out</button></form>"
    } else {
        "<!doctype html><title>shop</title><p><a href=\"/auth/login\">Log in</a>"
    })
}

/// Behind `session: Required` there is a session, or the token of a client that keeps its own.
async fn me(
    session: Option<Extension<CurrentSession>>,
    bearer: Option<Extension<CurrentBearer>>,
) -> Result<Json<Value>, StatusCode> {
    match (session, bearer) {
        (Some(Extension(session)), _) => Ok(Json(json!({
            "sub": session.user().sub,
            "name": session.claims().get("name"),
            "by": "session",
        }))),
        (None, Some(Extension(bearer))) => Ok(Json(json!({
            "sub": bearer.claims().subject(),
            "name": bearer.claims().claims().get("name"),
            "by": "bearer",
        }))),
        // The layer lets nobody else through to this route.
        (None, None) => Err(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

/// The layer has seen to it that no other site's page sends this (R36).
async fn order() -> StatusCode {
    StatusCode::CREATED
}
