//! The way to the provider's login page (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1).

use cloakroom_core::{random::Random, return_to::ReturnTo, time::Timestamp};
use url::Url;

use crate::{Client, Metadata, Transaction, is_reserved_parameter};

/// Begins a login: the transaction to keep and the URL to send the browser to.
///
/// `redirect_uri` is our callback on the origin where the login begins, as registered; one for each
/// provider (R7).
pub fn begin(
    client: &Client,
    provider_name: &str,
    redirect_uri: &str,
    metadata: &Metadata,
    return_to: ReturnTo,
    now: Timestamp,
    random: &dyn Random,
) -> (Transaction, String) {
    let transaction = Transaction::new(provider_name, redirect_uri, return_to, now, random);
    let mut url = metadata.authorization_endpoint.clone();
    {
        let mut query = url.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &client.client_id)
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("scope", &client.scopes.join(" "))
            .append_pair("state", transaction.state().expose())
            .append_pair("nonce", transaction.nonce().expose())
            .append_pair("code_challenge", &transaction.challenge())
            .append_pair("code_challenge_method", "S256");
        if let Some(resource) = &client.resource {
            query.append_pair("resource", resource);
        }
        for (name, value) in &client.authorize_params {
            if !is_reserved_parameter(name) {
                query.append_pair(name, value);
            }
        }
    }
    (transaction, url.into())
}

/// The same login, for which the provider asks who is there even where it knows the user (`prompt=login`,
/// OpenID Connect Core §3.1.2.1). Replaces a `prompt` of the configuration.
pub fn asking_who_is_there(authorization_url: &str) -> String {
    let Ok(mut url) = Url::parse(authorization_url) else { return authorization_url.to_owned() };
    let others: Vec<(String, String)> =
        url.query_pairs().into_owned().filter(|(name, _)| name != "prompt").collect();
    url.query_pairs_mut().clear().extend_pairs(others).append_pair("prompt", "login");
    url.into()
}
