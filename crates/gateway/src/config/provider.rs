//! `[[provider]]`: an OpenID provider.

use cloakroom_core::secret::Token;

/// An OpenID provider and this gateway's registration there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderConfig {
    /// Chosen by `?provider=`; the last segment of the redirect URI.
    pub name: String,
    /// Exactly as written: it is compared byte for byte with the provider's own (R8).
    pub issuer: String,
    /// The client's id at the provider.
    pub client_id: String,
    /// How the gateway proves to be that client.
    pub client_auth: ClientAuth,
    /// The scopes asked for, `openid` among them.
    pub scopes: Vec<String>,
    /// RFC 8707 resource indicator, sent in authorization and token requests.
    pub resource: Option<String>,
    /// Further query parameters of the authorization request; none that Cloakroom sets itself.
    pub authorize_params: Vec<(String, String)>,
    /// Accept metadata that does not announce PKCE with S256 (R3).
    pub allow_missing_pkce_metadata: bool,
}

/// How the gateway authenticates at the token endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientAuth {
    /// A public client: its id alone (RFC 6749 §2.1).
    None,
    /// The secret in HTTP Basic (`client_secret_basic`).
    Basic(Token),
    /// The secret in the request's body (`client_secret_post`).
    Post(Token),
}
