//! `[provider.access_token]`: how a provider's access tokens are verified where they come from outside.

use std::fs;
use std::path::{Path, PathBuf};

use cloakroom_core::jwt::{Algorithm, KeySet};
use cloakroom_oauth::JwksUrl;
use schemars::JsonSchema;
use serde::Deserialize;

use super::environment::Environment;
use super::report::Report;
use super::secret::RawSecret;
use super::written::{Choice, OneOf, Written};

/// How a provider's access tokens are verified.
#[derive(Clone, Debug)]
pub struct AccessTokenConfig {
    /// What `iss` must be; `None` accepts only tokens without one.
    pub issuer: Option<String>,
    /// Accept tokens without `iss`.
    pub allow_missing_issuer: bool,
    /// What `aud` must have among it (R59); `None` accepts only tokens without one.
    pub audience: Option<String>,
    /// Accept tokens without `aud`.
    pub allow_missing_audience: bool,
    /// What the tokens may be signed with (R51).
    pub algorithms: Vec<Algorithm>,
    /// What they are verified with.
    pub keys: TokenKeys,
}

/// What tokens are verified with.
#[derive(Clone, Debug)]
pub enum TokenKeys {
    /// The keys that the provider's metadata names.
    ProviderMetadata,
    /// The keys published at a URL.
    Jwks {
        /// As it is written.
        text: String,
        /// The same, checked.
        url: JwksUrl,
    },
    /// A public key of this file.
    PublicKey {
        /// The file.
        file: PathBuf,
        /// Its key.
        keys: KeySet,
    },
    /// A secret that the provider shares with us.
    SharedSecret(KeySet),
}

impl Choice for Algorithm {
    const ALL: &'static [(&'static str, Self, &'static str)] = &[
        ("RS256", Self::Rs256, "RSA, PKCS #1 v1.5, SHA-256"),
        ("RS384", Self::Rs384, "RSA, PKCS #1 v1.5, SHA-384"),
        ("RS512", Self::Rs512, "RSA, PKCS #1 v1.5, SHA-512"),
        ("PS256", Self::Ps256, "RSA, PSS, SHA-256"),
        ("PS384", Self::Ps384, "RSA, PSS, SHA-384"),
        ("PS512", Self::Ps512, "RSA, PSS, SHA-512"),
        ("ES256", Self::Es256, "ECDSA on P-256"),
        ("ES384", Self::Es384, "ECDSA on P-384"),
        ("ES512", Self::Es512, "ECDSA on P-521"),
        ("EdDSA", Self::EdDsa, "Ed25519"),
        ("HS256", Self::Hs256, "HMAC with SHA-256, with a shared secret only"),
        ("HS384", Self::Hs384, "HMAC with SHA-384, with a shared secret only"),
        ("HS512", Self::Hs512, "HMAC with SHA-512, with a shared secret only"),
    ];
}

/// How this provider's access tokens are verified where they come from outside.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAccessToken {
    /// The API that the tokens are for, as their `aud` names it.
    #[schemars(example = &"https://api.example.com")]
    audience: Option<Written<String>>,
    /// Who issues the tokens, as their `iss` names it. Without this key it is the provider's `issuer`.
    #[schemars(example = &"https://login.example.org")]
    issuer: Option<Written<String>>,
    /// Where the provider publishes its keys. Without this key its metadata says.
    #[schemars(example = &"https://login.example.org/jwks")]
    jwks_url: Option<Written<String>>,
    /// The provider's one public key or certificate, in PEM.
    #[schemars(extend("examples" = [{ "file": "jwt.pem" }]))]
    public_key: Option<Written<RawPublicKey>>,
    /// The secret that the provider signs with and shares with those who verify.
    #[schemars(extend("examples" = [{ "env": "JWT_SECRET" }]))]
    pub(super) shared_secret: Option<Written<RawSecret>>,
    /// What the tokens may be signed with. Without this key: every algorithm with public keys; with
    /// `public_key` the one of that key (RS256 for RSA); with `shared_secret` HS256.
    #[schemars(extend("examples" = [["RS256"]]))]
    algorithms: Option<Written<Vec<Written<OneOf<Algorithm>>>>>,
    /// Accept tokens that name no issuer. They are tied to the provider by the key alone.
    #[serde(default)]
    allow_missing_issuer: bool,
    /// Accept tokens that name no audience. One that the provider made for another service passes then
    /// for one made for yours.
    #[serde(default)]
    allow_missing_audience: bool,
}

/// Where a public key comes from.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawPublicKey {
    /// The PEM file: `PUBLIC KEY`, `RSA PUBLIC KEY` or `CERTIFICATE`, and nothing else in it.
    #[schemars(example = &"jwt.pem")]
    file: Written<String>,
}

/// What of its provider the section must know.
pub(super) struct Provider<'a> {
    pub(super) name: &'a str,
    /// Of an OpenID provider: the issuer, and that metadata names the keys.
    pub(super) issuer: Option<&'a str>,
    /// Of an OpenID provider: what its ID Tokens have as `aud`.
    pub(super) client_id: Option<&'a str>,
}

impl Written<RawAccessToken> {
    pub(super) fn check(
        &self,
        provider: &Provider<'_>,
        folder: &Path,
        environment: &Environment,
        report: &mut Report,
    ) -> Option<AccessTokenConfig> {
        let issuer = self.check_issuer(provider, report);
        let audience = self.check_audience(provider, report);
        let algorithms = self.check_algorithms(report);
        let keys = self.check_keys(provider, folder, environment, algorithms.as_deref(), report);
        let (keys, algorithms) = keys?;
        Some(AccessTokenConfig {
            issuer: issuer?,
            allow_missing_issuer: self.value.allow_missing_issuer,
            audience: audience?,
            allow_missing_audience: self.value.allow_missing_audience,
            algorithms,
            keys,
        })
    }

    fn check_issuer(&self, provider: &Provider<'_>, report: &mut Report) -> Option<Option<String>> {
        let stated = self.value.issuer.as_ref();
        if let Some(empty) = stated.filter(|issuer| issuer.value.is_empty()) {
            report
                .wrong(empty.at(), "`issuer` is empty")
                .why("it is what the tokens have as `iss`")
                .write("issuer = \"https://login.example.org\"");
            return None;
        }
        let issuer = stated.map(|issuer| issuer.value.as_str()).or(provider.issuer);
        if self.value.allow_missing_issuer {
            report.warn(
                format!("allow_missing_issuer = true (provider {})", provider.name),
                "tokens without `iss` are accepted: whatever its key has signed counts as an access token",
            );
        } else if issuer.is_none() {
            report
                .wrong(self.at(), "`access_token` has no `issuer`")
                .why("a token is believed only from the issuer that is expected")
                .write(
                    "issuer = \"https://login.example.org\", as the tokens have it in `iss`;\n\
                     or, if they have none: allow_missing_issuer = true",
                );
            return None;
        }
        Some(issuer.map(str::to_owned))
    }

    fn check_audience(
        &self,
        provider: &Provider<'_>,
        report: &mut Report,
    ) -> Option<Option<String>> {
        let audience = self.value.audience.as_ref();
        if self.value.allow_missing_audience {
            report.warn(
                format!("allow_missing_audience = true (provider {})", provider.name),
                "tokens without `aud` are accepted: one made for another service passes for one made for yours",
            );
        } else if audience.is_none() {
            report
                .wrong(self.at(), "`access_token` has no `audience`")
                .why("a token is believed only if it was made for this API")
                .write(
                    "audience = \"https://api.example.com\", as the tokens have it in `aud`;\n\
                     or, if they have none: allow_missing_audience = true",
                );
            return None;
        }
        if let (Some(audience), Some(client_id)) = (audience, provider.client_id)
            && audience.value == client_id
        {
            report.warn(
                format!("audience is the client_id (provider {})", provider.name),
                "its ID Tokens have the same `aud`: where nothing else in them tells the two apart, an ID Token passes for an access token; let the provider name the API instead",
            );
        }
        match audience {
            Some(empty) if empty.value.is_empty() => {
                report
                    .wrong(empty.at(), "`audience` is empty")
                    .why("it is what the tokens have in `aud`")
                    .write("audience = \"https://api.example.com\"");
                None
            }
            _ => Some(audience.map(|audience| audience.value.clone())),
        }
    }

    /// `Some(empty)` where none are stated.
    fn check_algorithms(&self, report: &mut Report) -> Option<Vec<Algorithm>> {
        let Some(stated) = &self.value.algorithms else { return Some(Vec::new()) };
        if stated.value.is_empty() {
            report
                .wrong(stated.at(), "`algorithms` is empty")
                .why("no token could ever be believed")
                .write("algorithms = [\"RS256\"], or leave the line out");
            return None;
        }
        let meant: Vec<_> = stated
            .value
            .iter()
            .map(|one| one.value.meaning().or_else(|| unknown_algorithm(one, report)))
            .collect();
        meant.into_iter().collect()
    }

    fn check_keys(
        &self,
        provider: &Provider<'_>,
        folder: &Path,
        environment: &Environment,
        algorithms: Option<&[Algorithm]>,
        report: &mut Report,
    ) -> Option<(TokenKeys, Vec<Algorithm>)> {
        let raw = &self.value;
        match (&raw.jwks_url, &raw.public_key, &raw.shared_secret) {
            (Some(url), None, None) => {
                let keys = check_jwks_url(url, report);
                let algorithms = self.public_algorithms(algorithms?, report);
                Some((keys?, algorithms?))
            }
            (None, Some(key), None) => {
                let algorithm = self.only_algorithm(algorithms?, report)?;
                let keys = check_public_key(&key.value.file, algorithm, folder, report)?;
                let file = folder.join(&key.value.file.value);
                let algorithms = keys.algorithms().collect();
                Some((TokenKeys::PublicKey { file, keys }, algorithms))
            }
            (None, None, Some(secret)) => {
                let bytes = secret.read("shared_secret", folder, environment, report);
                let algorithm = self.only_algorithm(algorithms?, report)?;
                let algorithm = algorithm.unwrap_or(Algorithm::Hs256);
                match KeySet::from_shared_secret(bytes?.expose().as_bytes(), algorithm) {
                    Ok(keys) => Some((TokenKeys::SharedSecret(keys), vec![algorithm])),
                    Err(error) => {
                        report
                            .wrong(secret.at(), "`shared_secret` cannot be used")
                            .why(error.to_string())
                            .write(
                                "a secret that nobody can guess, here and at the provider, \
                                 or better a key pair: public_key = { file = \"jwt.pem\" }",
                            );
                        None
                    }
                }
            }
            (None, None, None) if provider.issuer.is_some() => {
                let algorithms = self.public_algorithms(algorithms?, report)?;
                Some((TokenKeys::ProviderMetadata, algorithms))
            }
            (None, None, None) => {
                report
                    .wrong(self.at(), "`access_token` does not say where the keys are")
                    .why("without a key no signature can be checked")
                    .write(
                        "one of jwks_url = \"https://…\", public_key = { file = \"jwt.pem\" }, \
                         shared_secret = { env = \"JWT_SECRET\" }",
                    );
                None
            }
            _ => {
                report
                    .wrong(self.at(), "`access_token` has several sources of keys")
                    .why("tokens are verified with the keys of one place")
                    .write("one of jwks_url, public_key and shared_secret");
                None
            }
        }
    }

    /// What published keys can have signed; all of it where nothing is stated.
    fn public_algorithms(
        &self,
        stated: &[Algorithm],
        report: &mut Report,
    ) -> Option<Vec<Algorithm>> {
        if stated.is_empty() {
            return Some(Algorithm::ASYMMETRIC.to_vec());
        }
        if stated.iter().any(|algorithm| algorithm.is_symmetric()) {
            let at = self.value.algorithms.as_ref().and_then(Written::at);
            report
                .wrong(at, "`algorithms` names one that needs a `shared_secret`")
                .why("published keys verify; with HMAC whoever verifies could also sign")
                .write("algorithms = [\"RS256\"], or leave the line out");
            return None;
        }
        Some(stated.to_vec())
    }

    /// Of one key: none where nothing is stated.
    fn only_algorithm(
        &self,
        stated: &[Algorithm],
        report: &mut Report,
    ) -> Option<Option<Algorithm>> {
        if stated.len() <= 1 {
            return Some(stated.first().copied());
        }
        let at = self.value.algorithms.as_ref().and_then(Written::at);
        report
            .wrong(at, "`algorithms` names several for one key")
            .why("a key is for one algorithm; else a token signed for one could pass for another")
            .write(format!(
                "algorithms = [\"{}\"], if that is what the provider signs with",
                stated[0].name()
            ));
        None
    }
}

fn unknown_algorithm<T>(written: &Written<OneOf<Algorithm>>, report: &mut Report) -> Option<T> {
    let names: Vec<_> = Algorithm::ALL.iter().map(|algorithm| algorithm.name()).collect();
    report
        .wrong(written.at(), "`algorithms` names one that there is not")
        .why(format!("there are {}, in this case exactly", names.join(", ")))
        .write("algorithms = [\"RS256\"]");
    None
}

fn check_jwks_url(url: &Written<String>, report: &mut Report) -> Option<TokenKeys> {
    let text = url.value.clone();
    if let Some(url) = JwksUrl::parse(&text) {
        return Some(TokenKeys::Jwks { text, url });
    }
    report
        .wrong(url.at(), "`jwks_url` is not an https URL")
        .why(
            "whoever is on the way could put in keys of their own; only a provider on localhost may be\n\
             http, and there is no user, password or fragment in it",
        )
        .write("jwks_url = \"https://login.example.org/jwks\"");
    None
}

fn check_public_key(
    file: &Written<String>,
    algorithm: Option<Algorithm>,
    folder: &Path,
    report: &mut Report,
) -> Option<KeySet> {
    let why = match fs::read(folder.join(&file.value)) {
        Err(error) => format!("the file cannot be read ({})", error.kind()),
        Ok(pem) => match KeySet::from_pem(&pem, algorithm) {
            Ok(keys) => return Some(keys),
            Err(error) => error.to_string(),
        },
    };
    report.wrong(file.at(), "the file of `public_key` gives no key").why(why).write(
        "public_key = { file = \"jwt.pem\" }, the provider's public key or certificate in PEM",
    );
    None
}
