//! A request as the API got it: let in by its bearer token alone, and described for the page.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use serde::Serialize;

use super::Api;
use super::verify::AccessToken;
use crate::clock;

/// Proof that the request has come with a good token, and what else has come.
#[derive(Serialize)]
pub(crate) struct Received {
    method: String,
    path: String,
    /// The names of the cookies.
    cookies: Vec<String>,
    pub(super) token: AccessToken,
}

impl FromRequestParts<Arc<Api>> for Received {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Response> {
        let Some(token) = bearer(&parts.headers) else {
            return Err(refusal("Bearer"));
        };
        let Some(token) = api.verifier.verify(token, clock::now()) else {
            return Err(refusal("Bearer error=\"invalid_token\""));
        };
        Ok(Self {
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            cookies: cookie_names(&parts.headers),
            token,
        })
    }
}

/// The token of a single `Authorization: Bearer` header (RFC 6750 §2.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().filter(|_| values.next().is_none())?;
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

fn cookie_names(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = values.flat_map(|value| value.split(';'));
    pairs.filter_map(|pair| Some(pair.split_once('=')?.0.trim().to_owned())).collect()
}

/// 401 with its challenge (RFC 6750 §3).
fn refusal(challenge: &'static str) -> Response {
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)]).into_response()
}
