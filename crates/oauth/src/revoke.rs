//! Revocation at logout (RFC 7009).

use bytes::Bytes;
use cloakroom_core::session::TokenSet;
use http::Request;

use crate::{Client, Metadata, client::form_request};

/// The requests that end a token set at the provider: the refresh token first, then the access token
/// (R17). None where the provider has no revocation endpoint.
///
/// Best effort: send them with a timeout and log out whatever they answer.
pub fn revocation_requests(
    client: &Client,
    metadata: &Metadata,
    tokens: &TokenSet,
) -> Vec<Request<Bytes>> {
    let Some(endpoint) = &metadata.revocation_endpoint else { return Vec::new() };
    let refresh = tokens.refresh_token.iter().map(|token| (token, "refresh_token"));
    refresh
        .chain([(&tokens.access_token, "access_token")])
        // Where only the browser kept it and did not bring it.
        .filter(|(token, _)| !token.expose().is_empty())
        .map(|(token, hint)| {
            form_request(client, endpoint, &[("token", token.expose()), ("token_type_hint", hint)])
        })
        .collect()
}
