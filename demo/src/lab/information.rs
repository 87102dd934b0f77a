//! What the demo's page asks about the lab, through the gateway.

use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::header;
use serde::Deserialize;

use super::Addresses;
use crate::arrivals::{Arrivals, Count};

/// The routes below `/lab`: addresses, the gateway's configuration, and what has reached the API.
pub(crate) fn routes(addresses: Addresses, configuration: String, arrivals: Arrivals) -> Router {
    Router::new()
        .route("/lab/addresses", get(|| async move { uncached(Json(addresses)) }))
        .route("/lab/configuration", get(|| async move { uncached(configuration) }))
        .route("/lab/arrivals", get(of_run))
        .with_state(arrivals)
}

#[derive(Deserialize)]
struct Run {
    run: String,
}

async fn of_run(State(arrivals): State<Arrivals>, Query(Run { run }): Query<Run>) -> Response {
    let count: Count = arrivals.of(&run);
    uncached(Json(count))
}

fn uncached(body: impl IntoResponse) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], body).into_response()
}
