//! Logout at the provider (OpenID Connect RP-Initiated Logout §2; R47).

use cloakroom_core::secret::Token;

use crate::{Client, Metadata};

/// A longer ID Token is no hint: it travels in a URL, sealed and encoded on our side, and servers
/// refuse request lines beyond 8 KB. The provider then asks the user, which is better than an error page.
pub const MAX_HINT_BYTES: usize = 4 * 1024;

/// Where to send the browser so that the provider ends its session too. `None` where the provider has
/// no such page.
///
/// `back` is our post-logout redirect URI, as registered; `state` comes back there and must be checked.
pub fn end_session_url(
    client: &Client,
    metadata: &Metadata,
    id_token_hint: Option<&Token>,
    back: &str,
    state: &str,
) -> Option<String> {
    let mut url = metadata.end_session_endpoint.clone()?;
    {
        let mut query = url.query_pairs_mut();
        if let Some(hint) = id_token_hint.filter(|hint| hint.expose().len() <= MAX_HINT_BYTES) {
            query.append_pair("id_token_hint", hint.expose());
        }
        query
            .append_pair("client_id", &client.client_id)
            .append_pair("post_logout_redirect_uri", back)
            .append_pair("state", state);
    }
    Some(url.into())
}
