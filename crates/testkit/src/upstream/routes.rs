//! The routes of the upstream.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Json, Router, middleware};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri, header};
use http_body_util::BodyExt as _;
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;

use super::body::OpenStreams;
use super::record::{Record, note};
use crate::provider::Mint;
use crate::{pieces::Pieces, server, websocket};

const INVALID_TOKEN: &str = r#"Bearer error="invalid_token", error_description="expired""#;

/// What the handlers share.
#[derive(Clone)]
pub(super) struct Api {
    pub(super) mint: Mint,
    pub(super) chunks: Arc<Semaphore>,
    pub(super) open: OpenStreams,
}

type Parameters = Query<HashMap<String, String>>;

pub(super) fn router(api: Api, record: Arc<Record>) -> Router {
    Router::new()
        .route("/api/echo", any(echo))
        .route("/api/whoami", any(whoami))
        .route("/api/stream", get(stream))
        .route("/api/sse", get(sse))
        .route("/api/upload", any(upload))
        .route("/api/ws", get(web_socket))
        .route("/api/slow", any(slow))
        .route("/api/set-cookie", any(set_cookie))
        .route("/api/status/{code}", any(status))
        .route("/api/cors", any(cors))
        .route("/api/cut", any(async || server::cut()))
        .fallback(async |_: Bytes| (StatusCode::NOT_FOUND, "not found at the upstream"))
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn_with_state(record, note))
        .with_state(api)
}

async fn echo(method: Method, uri: Uri, headers: HeaderMap, _body: Bytes) -> Json<Value> {
    let mut names = Map::new();
    for (name, value) in &headers {
        let value = json!(String::from_utf8_lossy(value.as_bytes()));
        let values = names.entry(name.as_str()).or_insert_with(|| json!([]));
        values.as_array_mut().expect("made as a list").push(value);
    }
    Json(json!({ "method": method.as_str(), "target": uri.to_string(), "headers": names }))
}

async fn whoami(State(api): State<Api>, headers: HeaderMap) -> Response {
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    match token.and_then(|token| api.mint.verify(token)) {
        Some(claims) => Json(claims).into_response(),
        None => invalid_token(StatusCode::UNAUTHORIZED),
    }
}

async fn stream(State(api): State<Api>, query: Parameters) -> Body {
    on_release(api, &query, |number| format!("chunk {number}\n"))
}

async fn sse(State(api): State<Api>, query: Parameters) -> Response {
    let body = on_release(api, &query, |number| format!("data: {number}\n\n"));
    ([(header::CONTENT_TYPE, "text/event-stream")], body).into_response()
}

/// A body of as many pieces as the query says, each sent when the test releases it.
fn on_release(api: Api, query: &Parameters, piece: fn(usize) -> String) -> Body {
    let count = number(query, "chunks").unwrap_or(3);
    let (sender, body) = Pieces::new(api.open.open());
    tokio::spawn(async move {
        for number in 1..=count {
            let permit = tokio::select! {
                permit = api.chunks.acquire() => permit.expect("nobody closes it"),
                () = sender.closed() => return,
            };
            permit.forget();
            // An error is a client that has gone.
            let _ = sender.send(piece(number).into()).await;
        }
    });
    Body::new(body)
}

async fn upload(query: Parameters, body: Body) -> Response {
    if number(&query, "early").is_none() {
        let bytes = sum(body, async |_| ()).await;
        return Json(json!({ "bytes": bytes })).into_response();
    }
    let (sender, answer) = Pieces::new(());
    tokio::spawn(sum(body, async move |bytes| {
        // An error is a client that reads no longer.
        let _ = sender.send(format!("{bytes}\n").into()).await;
    }));
    Body::new(answer).into_response()
}

/// Reads a body to its end and tells the sum so far after each piece.
async fn sum(mut body: Body, mut tell: impl AsyncFnMut(usize)) -> usize {
    let mut bytes = 0;
    while let Some(Ok(frame)) = body.frame().await {
        bytes += frame.data_ref().map_or(0, Bytes::len);
        tell(bytes).await;
    }
    bytes
}

async fn web_socket(headers: HeaderMap, mut request: Request) -> Response {
    let Some(key) = headers.get(header::SEC_WEBSOCKET_KEY).and_then(|key| key.to_str().ok()) else {
        return (StatusCode::UPGRADE_REQUIRED, "only WebSocket here").into_response();
    };
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let mut stream = TokioIo::new(upgrade.await?);
        loop {
            let (opcode, payload) = websocket::read_frame(&mut stream).await?;
            websocket::write_frame(&mut stream, opcode, &payload, None).await?;
            if opcode == websocket::CLOSE {
                return Ok::<_, Box<dyn std::error::Error + Send + Sync>>(());
            }
        }
    });
    let headers = [
        (header::CONNECTION, "upgrade".to_owned()),
        (header::UPGRADE, "websocket".to_owned()),
        (header::SEC_WEBSOCKET_ACCEPT, websocket::accept_key(key)),
    ];
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}

async fn slow(query: Parameters) -> Json<Value> {
    let time = number(&query, "ms").unwrap_or(1000);
    tokio::time::sleep(Duration::from_millis(time as u64)).await;
    Json(json!({ "slept": time }))
}

async fn set_cookie() -> Response {
    let mut response = Json(json!({ "cookies": 2 })).into_response();
    for cookie in ["__Host-session=planted; Path=/; Secure; HttpOnly", "theme=dark; Path=/"] {
        response.headers_mut().append(header::SET_COOKIE, header::HeaderValue::from_static(cookie));
    }
    response
}

/// An API with a CORS policy of its own, and a weak one.
async fn cors(headers: HeaderMap) -> Response {
    let origin = headers.get(header::ORIGIN).cloned();
    let mut response = StatusCode::NO_CONTENT.into_response();
    let answer = response.headers_mut();
    let any = header::HeaderValue::from_static("*");
    answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.unwrap_or(any));
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "DELETE"),
        (header::ACCESS_CONTROL_EXPOSE_HEADERS, "ETag"),
        (header::ETAG, "\"1\""),
    ] {
        answer.insert(name, header::HeaderValue::from_static(value));
    }
    response
}

async fn status(Path(code): Path<u16>, query: Parameters) -> Response {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_REQUEST);
    match number(&query, "invalid_token") {
        Some(_) => invalid_token(status),
        None => (status, Json(json!({ "status": code }))).into_response(),
    }
}

fn invalid_token(status: StatusCode) -> Response {
    let body = Json(json!({ "error": "invalid_token" }));
    (status, [(header::WWW_AUTHENTICATE, INVALID_TOKEN)], body).into_response()
}

fn number(query: &Parameters, name: &str) -> Option<usize> {
    query.get(name)?.parse().ok()
}
