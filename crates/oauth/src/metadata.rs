//! What a provider says of itself (OpenID Connect Discovery §3, RFC 8414 §2).

use cloakroom_core::jwt::{Algorithm, json};
use serde_json::{Map, Value};
use url::Url;

use crate::{Client, MAX_ANSWER_BYTES, client::Quoted, discovery::parse_endpoint, jwks::JwksUrl};

/// A provider's metadata, as far as it is used and after every check.
#[derive(Clone, Debug)]
pub struct Metadata {
    pub(crate) authorization_endpoint: Url,
    pub(crate) token_endpoint: Url,
    pub(crate) jwks_uri: JwksUrl,
    pub(crate) revocation_endpoint: Option<Url>,
    pub(crate) end_session_endpoint: Option<Url>,
    /// Authorization responses carry `iss` (RFC 9207 §3).
    pub(crate) sends_iss: bool,
    /// What ID Tokens may be signed with: what the provider says and we accept.
    pub(crate) id_token_algorithms: Vec<Algorithm>,
}

/// Why a provider cannot be used, for the operator: it names the provider and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the provider {issuer}: {fault}")]
pub struct MetadataError {
    /// The configured issuer.
    pub issuer: String,
    /// What is wrong.
    pub fault: MetadataFault,
}

/// What is wrong with a provider's metadata, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetadataFault {
    /// Not a strict JSON object, or longer than [`MAX_ANSWER_BYTES`].
    #[error("its metadata is not a JSON object; is `issuer` the right URL?")]
    NotJson,
    /// It calls itself by another name (R8); the name, escaped and cut.
    #[error(
        "it calls itself {0}; if that is the provider you mean, write exactly this as `issuer`"
    )]
    OtherIssuer(String),
    /// A member that must be there is missing or of the wrong type.
    #[error("its metadata has no usable `{0}`; it cannot be used for OpenID Connect login")]
    Missing(&'static str),
    /// A URL is neither https nor http on a loopback host, or has a user or a fragment.
    #[error(
        "its `{0}` is neither https nor http on a loopback host; serve the provider over https"
    )]
    UnsafeUrl(&'static str),
    /// It does not offer the code flow (R1).
    #[error("it does not offer `response_type=code`; enable the authorization code flow there")]
    NoCodeFlow,
    /// It does not promise PKCE with S256 (R3).
    #[error(
        "its metadata does not list the PKCE method S256; enable it there, or, if the provider is \
         known to check it all the same, set `allow_missing_pkce_metadata = true`"
    )]
    NoPkce,
    /// It signs ID Tokens only with algorithms that are refused (R51).
    #[error(
        "it signs ID Tokens with none of RS256/384/512, PS256/384/512, ES256/384/512, EdDSA; choose one \
         of these there"
    )]
    NoAlgorithm,
}

impl Metadata {
    /// Checks the answer to [`crate::discovery_request`].
    ///
    /// # Errors
    /// When the provider is not the configured one (R8), does not promise PKCE with S256 (R3), or has
    /// an endpoint over plain http that is not on this machine.
    pub fn parse(client: &Client, body: &[u8]) -> Result<Self, MetadataError> {
        Self::judge(client, body)
            .map_err(|fault| MetadataError { issuer: client.issuer.clone(), fault })
    }

    /// Where the provider publishes its keys.
    pub fn jwks_url(&self) -> &JwksUrl {
        &self.jwks_uri
    }

    fn judge(client: &Client, body: &[u8]) -> Result<Self, MetadataFault> {
        let document = document_of(&client.issuer, body)?;
        if !names(&document, "response_types_supported")
            .is_none_or(|mut all| all.any(|one| one == "code"))
        {
            return Err(MetadataFault::NoCodeFlow);
        }
        let s256 = names(&document, "code_challenge_methods_supported")
            .is_some_and(|mut all| all.any(|one| one == "S256"));
        if !s256 && !client.allow_missing_pkce_metadata {
            return Err(MetadataFault::NoPkce);
        }
        let id_token_algorithms: Vec<_> =
            match names(&document, "id_token_signing_alg_values_supported") {
                // A shared secret signs no ID Token of ours: the client secret is no signing key (R51).
                Some(all) => all
                    .filter_map(Algorithm::from_name)
                    .filter(|algorithm| !algorithm.is_symmetric())
                    .collect(),
                None => vec![Algorithm::Rs256],
            };
        if id_token_algorithms.is_empty() {
            return Err(MetadataFault::NoAlgorithm);
        }
        let plaintext = client.issuer.starts_with("http://");
        let required =
            |name| endpoint(&document, name, plaintext)?.ok_or(MetadataFault::Missing(name));
        Ok(Self {
            authorization_endpoint: required("authorization_endpoint")?,
            token_endpoint: required("token_endpoint")?,
            jwks_uri: JwksUrl::checked(required("jwks_uri")?),
            revocation_endpoint: endpoint(&document, "revocation_endpoint", plaintext)?,
            end_session_endpoint: endpoint(&document, "end_session_endpoint", plaintext)?,
            sends_iss: document.get("authorization_response_iss_parameter_supported")
                == Some(&Value::Bool(true)),
            id_token_algorithms,
        })
    }
}

/// Where `issuer` publishes its keys, by its answer to [`crate::discovery_request`]: for those who
/// verify its tokens and are no client of it.
///
/// # Errors
/// When the answer is not that issuer's metadata (R8), or the keys are not behind https.
pub fn published_jwks_url(issuer: &str, body: &[u8]) -> Result<JwksUrl, MetadataError> {
    let url = document_of(issuer, body).and_then(|document| {
        endpoint(&document, "jwks_uri", issuer.starts_with("http://"))?
            .ok_or(MetadataFault::Missing("jwks_uri"))
    });
    url.map(JwksUrl::checked).map_err(|fault| MetadataError { issuer: issuer.to_owned(), fault })
}

/// The metadata in `body`, if it is `issuer`'s (R8).
fn document_of(issuer: &str, body: &[u8]) -> Result<Map<String, Value>, MetadataFault> {
    if body.len() > MAX_ANSWER_BYTES {
        return Err(MetadataFault::NotJson);
    }
    let document = json::parse_object(body).map_err(|_| MetadataFault::NotJson)?;
    let named =
        document.get("issuer").and_then(Value::as_str).ok_or(MetadataFault::Missing("issuer"))?;
    if named != issuer {
        return Err(MetadataFault::OtherIssuer(Quoted(named).to_string()));
    }
    Ok(document)
}

/// `plaintext`: the issuer itself is http on this machine; a provider elsewhere must not point us at
/// what listens here.
fn endpoint(
    document: &Map<String, Value>,
    name: &'static str,
    plaintext: bool,
) -> Result<Option<Url>, MetadataFault> {
    match document.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => match Url::parse(text) {
            Ok(_) => parse_endpoint(text)
                .filter(|url| url.scheme() == "https" || plaintext)
                .map(Some)
                .ok_or(MetadataFault::UnsafeUrl(name)),
            Err(_) => Err(MetadataFault::Missing(name)),
        },
        Some(_) => Err(MetadataFault::Missing(name)),
    }
}

/// The texts in the list `name`, where the provider says anything.
fn names<'a>(
    document: &'a Map<String, Value>,
    name: &str,
) -> Option<impl Iterator<Item = &'a str> + use<'a>> {
    let list = document.get(name)?.as_array()?;
    Some(list.iter().filter_map(Value::as_str))
}
