//! The routes of the service.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, post};
use axum::{Json, Router, middleware};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use serde_json::{Map, Value, json};

use super::logins::{sign, verify};
use super::{Answer, Issued, Shared};
use crate::provider::faults::{Course, Step};
use crate::upstream::record::note;

const PASSWORD: &str = "open sesame";

pub(super) fn router(shared: Arc<Shared>) -> Router {
    let record = Arc::clone(&shared.record);
    Router::new()
        .route("/api/login", any(login))
        .route("/{mount}/api/login", any(login))
        .route("/api/refresh", post(refresh))
        .route("/api/logout", any(logout))
        .route("/api/whoami", any(whoami))
        .route("/{mount}/api/whoami", any(whoami))
        .route("/api/echo", any(echo))
        .route("/api/echo/{*below}", any(echo))
        .layer(middleware::from_fn_with_state(record, note))
        .with_state(shared)
}

async fn login(
    State(shared): State<Arc<Shared>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Response> {
    let course = shared.faults.play(Step::Login).await?;
    let fields = match uri.query().filter(|_| body.is_empty()) {
        Some(query) => form(query.as_bytes()),
        None => fields(&headers, &body),
    };
    let username = fields["username"].as_str().unwrap_or_default();
    if username.is_empty() || fields["password"] != PASSWORD {
        let error = json!({ "error": "wrong username or password" });
        return Err((StatusCode::UNAUTHORIZED, Json(error)).into_response());
    }
    let (login, refresh_token) = shared.state().logins.begin(username);
    let user = json!({ "name": username, "email": format!("{username}@example.com") });
    let mut answer = Map::from_iter([("user".to_owned(), user)]);
    let issued = issue(&shared, username, login, refresh_token, &mut answer, course);
    let rewrite = shared.state().rewrite.clone();
    let response = match rewrite {
        Some(rewrite) => rewrite(&issued).into_response(),
        None => Json(issued.answer).into_response(),
    };
    Ok(course.send(response))
}

async fn refresh(State(shared): State<Arc<Shared>>, body: Bytes) -> Result<Response, Response> {
    shared.refreshes.fetch_add(1, Ordering::SeqCst);
    let course = shared.faults.play(Step::Refresh).await?;
    let token: Value = serde_json::from_slice(&body).unwrap_or_default();
    let token = token["refreshToken"].as_str().unwrap_or_default();
    let refreshed = shared.state().logins.refresh(token);
    let Some((login, user, successor)) = refreshed else {
        let error = json!({ "error": "no such refresh token" });
        return Err((StatusCode::UNAUTHORIZED, Json(error)).into_response());
    };
    let issued = issue(&shared, &user, login, successor, &mut Map::new(), course);
    Ok(course.send(Json(issued.answer)))
}

fn issue(
    shared: &Shared,
    user: &str,
    login: usize,
    refresh_token: String,
    answer: &mut Map<String, Value>,
    course: Course,
) -> Issued {
    let mut state = shared.state();
    let lifetime = state.lifetime;
    let access_token = sign(user, login, lifetime);
    state.issued.extend([access_token.clone(), refresh_token.clone()]);
    answer.insert("token".to_owned(), json!(access_token));
    if course != Course::WithoutRefreshToken {
        answer.insert("refreshToken".to_owned(), json!(refresh_token));
    }
    answer.insert("expiresIn".to_owned(), json!(lifetime.as_secs_f64()));
    Issued { access_token, refresh_token, answer: Value::Object(std::mem::take(answer)) }
}

async fn logout(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> StatusCode {
    let Some(claims) = bearer(&headers).and_then(verify) else { return StatusCode::UNAUTHORIZED };
    shared.logouts.fetch_add(1, Ordering::SeqCst);
    let login = claims["login"].as_u64().and_then(|login| usize::try_from(login).ok());
    login.map(|login| shared.state().logins.end(login));
    StatusCode::NO_CONTENT
}

async fn whoami(headers: HeaderMap) -> Response {
    let own = headers.get("x-access-token").and_then(|value| value.to_str().ok());
    match bearer(&headers).or(own).and_then(verify) {
        Some(claims) => Json(claims).into_response(),
        None => (StatusCode::UNAUTHORIZED, Json(json!({ "error": "log in" }))).into_response(),
    }
}

async fn echo(method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Json<Value> {
    let mut names = Map::new();
    for (name, value) in &headers {
        let value = json!(String::from_utf8_lossy(value.as_bytes()));
        let values = names.entry(name.as_str()).or_insert_with(|| json!([]));
        values.as_array_mut().expect("made as a list").push(value);
    }
    Json(json!({
        "method": method.as_str(),
        "target": uri.to_string(),
        "headers": names,
        "body": String::from_utf8_lossy(&body),
    }))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

fn fields(headers: &HeaderMap, body: &[u8]) -> Value {
    let is_form = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind == "application/x-www-form-urlencoded");
    if is_form { form(body) } else { serde_json::from_slice(body).unwrap_or_default() }
}

fn form(text: &[u8]) -> Value {
    let pairs = url::form_urlencoded::parse(text);
    pairs.map(|(name, value)| (name.into_owned(), json!(value))).collect::<Map<_, _>>().into()
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = Response::new(self.body.into());
        let status = self.status.unwrap_or(200);
        *response.status_mut() = StatusCode::from_u16(status).expect("a status");
        let json = HeaderValue::from_static("application/json; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        for (name, value) in self.headers {
            let name: HeaderName = name.parse().expect("a header's name");
            let value = value.parse().expect("a header's value");
            if name == header::CONTENT_TYPE {
                response.headers_mut().insert(name, value);
            } else {
                response.headers_mut().append(name, value);
            }
        }
        response
    }
}
