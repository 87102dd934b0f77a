//! The token endpoint: a code or a refresh token for a token set (RFC 6749 §4.1.3, §5, §6).

mod answer;
mod error;

use bytes::Bytes;
use cloakroom_core::secret::Token;
use http::Request;

pub(crate) use answer::lifetime;
pub use answer::{TokenAnswer, judge_token_answer};
pub use error::{TokenError, TokenErrorKind};

use crate::{Client, Code, Metadata, Transaction, client::form_request};

/// The request that spends a code, with the verifier of the transaction that asked for it (R2).
pub fn code_request(
    client: &Client,
    metadata: &Metadata,
    transaction: &Transaction,
    code: &Code,
) -> Request<Bytes> {
    let mut parameters = vec![
        ("grant_type", "authorization_code"),
        ("code", code.token().expose()),
        ("redirect_uri", transaction.redirect_uri()),
        ("code_verifier", transaction.verifier().expose()),
    ];
    parameters.extend(client.resource.as_deref().map(|resource| ("resource", resource)));
    form_request(client, &metadata.token_endpoint, &parameters)
}

/// The request that spends a refresh token. It may be sent once: a provider that rotates takes a
/// second use for theft.
pub fn refresh_request(
    client: &Client,
    metadata: &Metadata,
    refresh_token: &Token,
) -> Request<Bytes> {
    let mut parameters =
        vec![("grant_type", "refresh_token"), ("refresh_token", refresh_token.expose())];
    parameters.extend(client.resource.as_deref().map(|resource| ("resource", resource)));
    form_request(client, &metadata.token_endpoint, &parameters)
}
