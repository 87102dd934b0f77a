//! The authorization endpoint (OpenID Connect Core §3.1.2): asks who is there, and sends the
//! browser back with a code.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::{HeaderMap, StatusCode, header};
use url::Url;

use super::grants::{Code, Grant, SsoSession};
use super::mint::audience;
use super::params::Params;
use super::shared::{Shared, apply};
use super::{Client, page};
use crate::random;

/// An authorization request whose client and redirect URI are known to be good.
#[derive(Clone)]
pub(super) struct Request {
    client_id: String,
    redirect_uri: String,
    state: Option<String>,
    scope: String,
    audience: String,
    nonce: Option<String>,
    challenge: String,
}

/// `GET /authorize`: the login form, or straight back for who is logged in here already.
pub(super) async fn begin(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    params: Params,
) -> Response {
    let request = match check(&shared, &params) {
        Ok(request) => request,
        Err(Refusal::Page(reason)) => {
            return (StatusCode::BAD_REQUEST, Html(page::message("Cannot log in", reason)))
                .into_response();
        }
        Err(Refusal::Redirect { to, state, error }) => {
            return respond(&shared, &to, &[("error", error)], state.as_deref());
        }
    };
    let prompt = params.get("prompt").unwrap_or_default();
    let session = cookie(&shared, &headers)
        .and_then(|cookie| shared.state().grants.sso(&cookie).cloned())
        .filter(|_| prompt != "login");
    match session {
        Some(session) => grant(&shared, request, session, shared.now()),
        None if prompt == "none" => respond(
            &shared,
            &request.redirect_uri,
            &[("error", "login_required")],
            request.state.as_deref(),
        ),
        None => form(&shared, request, false),
    }
}

/// `POST /authorize`: the login form comes back.
pub(super) async fn log_in(State(shared): State<Arc<Shared>>, params: Params) -> Response {
    let request = shared.state().pending.remove(params.get("request").unwrap_or_default());
    let Some(request) = request else {
        let text =
            "This form was sent before, or the provider was restarted. Go back and try again.";
        return (StatusCode::BAD_REQUEST, Html(page::message("Cannot log in", text)))
            .into_response();
    };
    let user = shared
        .user(params.get("username").unwrap_or_default())
        .filter(|user| Some(user.password.as_str()) == params.get("password"));
    let Some(user) = user else { return form(&shared, request, true) };

    let now = shared.now();
    let (cookie, session) = shared.state().grants.start_sso(user.username.clone(), now);
    let cookie = format!("{}={cookie}; Path=/; HttpOnly; SameSite=Lax", cookie_name(&shared));
    ([(header::SET_COOKIE, cookie)], grant(&shared, request, session, now)).into_response()
}

/// The value of the provider's own session cookie.
pub(super) fn cookie(shared: &Shared, headers: &HeaderMap) -> Option<String> {
    let name = cookie_name(shared);
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    pairs
        .flat_map(|value| value.split("; "))
        .filter_map(|pair| pair.split_once('='))
        .find_map(|(other, value)| (other == name).then(|| value.to_owned()))
}

/// Cookies ignore ports: two providers on 127.0.0.1 need two names.
fn cookie_name(shared: &Shared) -> String {
    let port = shared.issuer.rsplit(':').next().unwrap_or_default();
    format!("provider-{port}")
}

enum Refusal {
    /// The redirect URI cannot be trusted: tell the user.
    Page(&'static str),
    /// Tell the client.
    Redirect { to: String, state: Option<String>, error: &'static str },
}

fn check(shared: &Shared, params: &Params) -> Result<Request, Refusal> {
    let state = shared.state();
    let client: &Client = params
        .get("client_id")
        .and_then(|id| state.client(id))
        .ok_or(Refusal::Page("The application is not registered here (client_id)."))?;
    let redirect_uri = params
        .get("redirect_uri")
        .filter(|uri| client.redirect_uris.iter().any(|allowed| allowed == uri))
        .ok_or(Refusal::Page(
            "The application asks to return to an address that is not registered (redirect_uri).",
        ))?;
    let refuse = |error| {
        let state = params.get("state").map(str::to_owned);
        Refusal::Redirect { to: redirect_uri.to_owned(), state, error }
    };
    if params.get("response_type") != Some("code") {
        return Err(refuse("unsupported_response_type"));
    }
    let scope = params.get("scope").unwrap_or_default();
    if !scope.split(' ').any(|scope| scope == "openid") {
        return Err(refuse("invalid_scope"));
    }
    let challenge = params
        .get("code_challenge")
        .filter(|challenge| challenge.len() == 43)
        .filter(|_| params.get("code_challenge_method") == Some("S256"))
        .ok_or_else(|| refuse("invalid_request"))?;
    Ok(Request {
        client_id: client.id.clone(),
        redirect_uri: redirect_uri.to_owned(),
        state: params.get("state").map(str::to_owned),
        scope: scope.to_owned(),
        audience: audience(params.get("resource")),
        nonce: params.get("nonce").map(str::to_owned),
        challenge: challenge.to_owned(),
    })
}

/// The login form for `request`, which waits under a name of its own.
fn form(shared: &Shared, request: Request, failed: bool) -> Response {
    let id = random::token();
    let page = page::login(&id, &request.client_id, failed);
    shared.state().pending.insert(id, request);
    let status = if failed { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
    (status, [(header::CACHE_CONTROL, "no-store")], Html(page)).into_response()
}

/// Sends the browser back with a code.
fn grant(shared: &Shared, request: Request, session: SsoSession, now: Duration) -> Response {
    let grant = Grant {
        client_id: request.client_id,
        user: session.user,
        scope: request.scope,
        audience: request.audience,
        nonce: request.nonce,
        sid: session.sid,
        auth_time: session.auth_time,
    };
    let mut state = shared.state();
    let code = state.grants.insert_code(Code {
        grant: Arc::new(grant),
        redirect_uri: request.redirect_uri.clone(),
        challenge: request.challenge,
        expires: now + shared.settings.code_lifetime,
    });
    state.issued.push(code.clone());
    drop(state);
    respond(shared, &request.redirect_uri, &[("code", &code)], request.state.as_deref())
}

/// The authorization response: 303 (RFC 9700 §4.12) with `state` and `iss` (RFC 9207).
fn respond(
    shared: &Shared,
    redirect_uri: &str,
    params: &[(&str, &str)],
    state: Option<&str>,
) -> Response {
    let state = state.map(|state| ("state", state));
    let iss = ("iss", shared.issuer.as_str());
    let mut params: Vec<(String, String)> = params
        .iter()
        .copied()
        .chain(state)
        .chain([iss])
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let change = shared.state().tamper.authorization_response.clone();
    apply(&change, &mut params);
    let mut to = Url::parse(redirect_uri).expect("a registered redirect URI is a URL");
    to.query_pairs_mut().extend_pairs(params);
    Redirect::to(to.as_str()).into_response()
}
