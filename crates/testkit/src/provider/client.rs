//! The clients that the provider knows, and how they prove themselves (RFC 6749 §2.3).

use axum::Json;
use axum::response::{IntoResponse, Response};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, StatusCode, header};
use serde_json::json;
use url::form_urlencoded;

use super::params::Params;

/// A client as registered at the provider.
#[derive(Clone)]
pub struct Client {
    pub(super) id: String,
    pub(super) secret: Option<String>,
    pub(super) redirect_uris: Vec<String>,
    pub(super) post_logout_redirect_uris: Vec<String>,
}

impl Client {
    /// A client that has to send its secret, by `client_secret_basic` or `client_secret_post`.
    pub fn confidential(id: &str, secret: &str) -> Self {
        Self { secret: Some(secret.to_owned()), ..Self::public(id) }
    }

    /// A client without a secret (`none`).
    pub fn public(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            secret: None,
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: Vec::new(),
        }
    }

    /// Allows a redirect URI, compared exactly.
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.redirect_uris.push(uri.into());
        self
    }

    /// Allows an address to return to after logout, compared exactly.
    pub fn post_logout_redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.post_logout_redirect_uris.push(uri.into());
        self
    }

    /// Allows both addresses of a gateway at `public_url` with its default settings.
    pub fn gateway(self, public_url: &str) -> Self {
        self.redirect_uri(format!("{public_url}/auth/callback/default"))
            .post_logout_redirect_uri(format!("{public_url}/auth/logged-out"))
    }
}

/// The client that a request to the token or revocation endpoint comes from.
#[expect(clippy::result_large_err, reason = "the error is the answer, made once")]
pub(super) fn authenticate<'a>(
    clients: &'a [Client],
    headers: &HeaderMap,
    params: &Params,
) -> Result<&'a Client, Response> {
    let by_header = basic(headers);
    let by_body = params.get("client_id").zip(params.get("client_secret"));
    let (id, secret) = match (by_header, by_body) {
        // One method per request (RFC 6749 §2.3).
        (Some(_), Some(_)) => return Err(refusal()),
        (Some((id, secret)), None) => (id, Some(secret)),
        (None, Some((id, secret))) => (id.to_owned(), Some(secret.to_owned())),
        (None, None) => (params.get("client_id").unwrap_or_default().to_owned(), None),
    };
    clients.iter().find(|client| client.id == id && client.secret == secret).ok_or_else(refusal)
}

/// Id and secret of `client_secret_basic`: form-encoded inside Base64 (RFC 6749 §2.3.1).
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(value).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((form_decode(id), form_decode(secret)))
}

fn form_decode(text: &str) -> String {
    let pair = format!("text={}", text.replace('&', "%26"));
    form_urlencoded::parse(pair.as_bytes()).map(|(_, value)| value.into_owned()).collect()
}

fn refusal() -> Response {
    let body = Json(json!({ "error": "invalid_client" }));
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Basic")], body).into_response()
}
