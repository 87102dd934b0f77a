//! Who we are to the provider.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use cloakroom_core::secret::Token;
use http::{HeaderValue, Method, Request, header};
use url::{Url, form_urlencoded};

/// One registration at one provider, as the operator configured it.
#[derive(Clone, Debug)]
pub struct Client {
    /// The provider's issuer identifier, as it writes it itself.
    pub issuer: String,
    /// Our name there.
    pub client_id: String,
    /// How we prove it.
    pub auth: ClientAuth,
    /// What we ask for; `openid` among it.
    pub scopes: Vec<String>,
    /// The API that the access token is for (RFC 8707).
    pub resource: Option<String>,
    /// More parameters for the authorization request; those that the protocol owns
    /// ([`is_reserved_parameter`]) are left out.
    pub authorize_params: Vec<(String, String)>,
    /// Go on although the metadata does not promise PKCE with S256 (R3).
    pub allow_missing_pkce_metadata: bool,
}

/// How the client authenticates at the token endpoint (RFC 6749 §2.3.1).
#[derive(Clone, Debug)]
pub enum ClientAuth {
    /// Not at all: a public client.
    None,
    /// `client_secret_basic`: the secret in the `Authorization` header.
    Basic(Token),
    /// `client_secret_post`: the secret in the body.
    Post(Token),
}

/// Whether `name` is a parameter of the authorization request that the protocol owns, so that
/// [`Client::authorize_params`] cannot set it.
pub fn is_reserved_parameter(name: &str) -> bool {
    matches!(
        name,
        "response_type"
            | "response_mode"
            | "client_id"
            | "redirect_uri"
            | "scope"
            | "state"
            | "nonce"
            | "code_challenge"
            | "code_challenge_method"
            | "resource"
            | "request"
            | "request_uri"
    )
}

/// A form POST that carries the client's authentication.
pub(crate) fn form_request(
    client: &Client,
    endpoint: &Url,
    parameters: &[(&str, &str)],
) -> Request<Bytes> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(parameters);
    if !matches!(client.auth, ClientAuth::Basic(_)) {
        form.append_pair("client_id", &client.client_id);
    }
    if let ClientAuth::Post(secret) = &client.auth {
        form.append_pair("client_secret", secret.expose());
    }
    let mut request = bare_request(Method::POST, endpoint, Bytes::from(form.finish()));
    let headers = request.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/x-www-form-urlencoded"),
    );
    if let ClientAuth::Basic(secret) = &client.auth {
        headers.insert(header::AUTHORIZATION, basic(&client.client_id, secret));
    }
    request
}

/// A request that wants JSON, uncompressed: a size cap counts what was sent.
pub(crate) fn bare_request(method: Method, endpoint: &Url, body: Bytes) -> Request<Bytes> {
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = endpoint.as_str().parse().expect("endpoint URLs were checked as URIs");
    request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    request
}

/// Identifier and secret are form-encoded before they are joined: a colon or a non-ASCII letter in
/// either would otherwise change the pair.
fn basic(client_id: &str, secret: &Token) -> HeaderValue {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = Token::new(format!("{}:{}", encode(client_id), encode(secret.expose())));
    let text = Token::new(format!("Basic {}", STANDARD.encode(pair.expose())));
    let mut value = HeaderValue::from_str(text.expose()).expect("base64 is a header value");
    value.set_sensitive(true);
    value
}

/// Text that came from outside, fit for one line of a log: escaped and cut.
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST: usize = 200;
        match self.0.char_indices().nth(MOST) {
            None => write!(f, "{:?}", self.0),
            Some((end, _)) => write!(f, "{:?}…", &self.0[..end]),
        }
    }
}
