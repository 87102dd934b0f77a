//! The API behind the gateway: it knows bearer tokens and nothing of cookies or logins.
//!
//! It tells what it has received, so that the page can show it, but never the token itself.

mod orders;
mod received;
mod verify;

use std::sync::Arc;

use axum::extract::State;
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use crate::arrivals::{self, Arrivals};
use orders::Orders;
use received::Received;
pub(crate) use verify::Verifier;

/// What the API knows.
pub(crate) struct Api {
    verifier: Verifier,
    orders: Orders,
}

/// The API's routes, all below `/api`.
pub(crate) fn routes(verifier: Verifier, arrivals: Arrivals) -> Router {
    let api = Arc::new(Api { verifier, orders: Orders::default() });
    Router::new()
        .route("/api/whoami", get(whoami))
        .route("/api/orders", get(list_orders).post(place_order))
        .layer(middleware::map_response(no_store))
        .layer(middleware::from_fn_with_state(arrivals, arrivals::count))
        .with_state(api)
}

async fn whoami(received: Received) -> Response {
    let token = &received.token;
    let user = json!({ "subject": token.subject, "name": token.name });
    Json(json!({ "user": user, "received": received })).into_response()
}

async fn list_orders(State(api): State<Arc<Api>>, received: Received) -> Response {
    let orders = api.orders.of(&received.token.subject);
    Json(json!({ "orders": orders, "received": received })).into_response()
}

/// Takes a form of any content type: an API as trusting as the attack lab can wish for.
async fn place_order(State(api): State<Arc<Api>>, received: Received, body: Bytes) -> Response {
    let item = url::form_urlencoded::parse(&body).find(|(name, _)| name == "item");
    let item = item.map_or_else(|| "Coat hanger".to_owned(), |(_, item)| item.into_owned());
    let order = api.orders.place(&received.token.subject, &item);
    (StatusCode::CREATED, Json(json!({ "order": order, "received": received }))).into_response()
}

async fn no_store(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
