//! `[[provider]]`: an OpenID provider, or the application's own login service.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use cloakroom_core::origin::is_loopback;
use cloakroom_core::secret::Token;
use cloakroom_oauth::token_api::TokenApi;
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::access_token::{self, AccessTokenConfig, RawAccessToken};
use super::environment::Environment;
use super::report::Report;
use super::secret::RawSecret;
use super::token_api::{RawLogout, RawRefresh, RawTokenApi, RawTokens};
use super::written::{Choice, OneOf, Written};

/// The name of a provider that has none.
const DEFAULT_NAME: &str = "default";
const DEFAULT_SCOPES: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// Where tokens come from.
#[derive(Clone, Debug)]
pub struct ProviderConfig {
    /// Chosen by `?provider=`; the last segment of an OpenID provider's redirect URI.
    pub name: String,
    /// What kind of provider it is.
    pub kind: ProviderKind,
    /// How its access tokens are verified; `None` where none are.
    pub access_token: Option<AccessTokenConfig>,
}

/// The kinds of providers.
#[derive(Clone, Debug)]
pub enum ProviderKind {
    /// An OpenID provider.
    Oidc(OidcConfig),
    /// The application's own login service.
    TokenApi(Box<TokenApi>),
}

/// An OpenID provider and this gateway's registration there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OidcConfig {
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

/// How a client secret is sent.
#[derive(Clone, Copy, Debug)]
pub(super) enum Method {
    Basic,
    Post,
}

impl Choice for Method {
    const ALL: &'static [(&'static str, Self, &'static str)] = &[
        ("basic", Self::Basic, "the secret goes in an Authorization header (client_secret_basic)"),
        ("post", Self::Post, "the secret goes in the request's body (client_secret_post)"),
    ];
}

/// What a provider is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Oidc,
    TokenApi,
}

impl Choice for Kind {
    const ALL: &'static [(&'static str, Self, &'static str)] = &[
        ("oidc", Self::Oidc, "an OpenID provider: people log in on its page"),
        (
            "token_api",
            Self::TokenApi,
            "the application's own JSON login service: people log in on the application's page",
        ),
    ];
}

/// Where tokens come from.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawProvider {
    /// What the provider is.
    #[serde(default = "default_kind")]
    pub(super) kind: Written<OneOf<Kind>>,
    /// A short name, part of the redirect URI `<public url>/auth/callback/<name>`.
    #[serde(default = "default_name")]
    pub(super) name: Written<String>,
    /// The provider's issuer, exactly as the provider writes it. `<issuer>/.well-known/openid-configuration`
    /// is where the gateway learns everything else.
    #[schemars(example = &"https://login.example.org/realms/shop")]
    pub(super) issuer: Option<Written<String>>,
    /// The id that the provider gave to this application.
    #[schemars(example = &"shop-web")]
    pub(super) client_id: Option<Written<String>>,
    /// The secret that the provider gave to this application, from the environment or a file. Without
    /// it the gateway is a public client, which anybody can pretend to be.
    #[schemars(extend("examples" = [{ "env": "OIDC_CLIENT_SECRET" }]))]
    pub(super) client_secret: Option<Written<RawSecret>>,
    /// How the secret is sent to the provider.
    #[serde(default = "default_method")]
    pub(super) client_auth: Written<OneOf<Method>>,
    /// What is asked for at login. `openid` is always among them; `offline_access` asks for a refresh token.
    #[serde(default = "default_scopes")]
    pub(super) scopes: Written<Vec<Written<String>>>,
    /// The API that the access token is for (RFC 8707), where the provider wants to know.
    #[schemars(example = &"https://api.example.com")]
    pub(super) resource: Option<Written<String>>,
    /// Further parameters of the login request, such as `prompt` or `login_hint`.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>", extend("examples" = [{ "prompt": "consent" }]))]
    pub(super) authorize_params: BTreeMap<Written<String>, String>,
    /// Accept a provider that does not announce PKCE with S256. If it does not check it either, a
    /// stolen authorization code can be used by the thief.
    #[serde(default = "default_off")]
    pub(super) allow_missing_pkce_metadata: Written<bool>,
    /// How this provider's access tokens are verified where they come from outside: needed by a route
    /// that accepts bearer clients, and by session mode `jwt`.
    #[schemars(extend("examples" = [{ "audience": "https://api.example.com" }]))]
    pub(super) access_token: Option<Written<RawAccessToken>>,
    /// The path of the application's own login request, a POST that a route takes to the login service.
    #[schemars(example = &"/api/login")]
    pub(super) login: Option<Written<String>>,
    /// Where the answer to a login has the tokens.
    #[schemars(extend("examples" = [{ "access": "/token", "refresh": "/refreshToken" }]))]
    pub(super) tokens: Option<Written<RawTokens>>,
    /// Where the answer to a login has an object about the user, as a JSON pointer. The page gets it at
    /// `GET /auth/session`.
    #[schemars(example = &"/user")]
    pub(super) claims: Option<Written<String>>,
    /// What the page gets in place of the tokens, for a front end that insists on finding some. Without it
    /// the tokens are taken out.
    #[schemars(example = &"kept-by-cloakroom")]
    pub(super) placeholder: Option<Written<String>>,
    /// How the login service replaces a token that is due.
    #[schemars(extend("examples" = [{ "url": "http://127.0.0.1:3000/api/refresh", "json": { "refreshToken": "{refresh_token}" } }]))]
    pub(super) refresh: Option<Written<RawRefresh>>,
    /// How a session ends at the login service.
    #[schemars(extend("examples" = [{ "path": "/api/logout" }]))]
    pub(super) logout: Option<Written<RawLogout>>,
}

fn default_kind() -> Written<OneOf<Kind>> {
    Written::default("oidc")
}

fn default_off() -> Written<bool> {
    Written::default(false)
}

fn default_name() -> Written<String> {
    Written::default(DEFAULT_NAME)
}

fn default_method() -> Written<OneOf<Method>> {
    Written::default("basic")
}

fn default_scopes() -> Written<Vec<Written<String>>> {
    Written::default(DEFAULT_SCOPES.map(Written::default).to_vec())
}

impl Written<RawProvider> {
    pub(super) fn check(
        &self,
        folder: &Path,
        environment: &Environment,
        report: &mut Report,
    ) -> Option<ProviderConfig> {
        let name = self.value.check_name(report);
        let kind = match report.choice("kind", &self.value.kind)? {
            Kind::Oidc => {
                self.value.refuse_others(Kind::Oidc, report);
                let oidc = self.check_oidc(folder, environment, report);
                oidc.map(ProviderKind::Oidc)
            }
            Kind::TokenApi => {
                self.value.refuse_others(Kind::TokenApi, report);
                self.check_token_api(report).map(|api| ProviderKind::TokenApi(Box::new(api)))
            }
        };
        let issuer = self.value.issuer.as_ref().map(|issuer| issuer.value.as_str());
        let client_id = self.value.client_id.as_ref().map(|id| id.value.as_str());
        let around = access_token::Provider { name: &self.value.name.value, issuer, client_id };
        let access_token = match &self.value.access_token {
            Some(section) => section.check(&around, folder, environment, report).map(Some),
            None => Some(None),
        };
        Some(ProviderConfig { name: name?, kind: kind?, access_token: access_token? })
    }

    fn check_oidc(
        &self,
        folder: &Path,
        environment: &Environment,
        report: &mut Report,
    ) -> Option<OidcConfig> {
        let raw = &self.value;
        if raw.issuer.is_none() {
            let why = "the provider's issuer, exactly as the provider writes it";
            self.missing("issuer", why, "\"https://login.example.org/realms/shop\"", report);
        }
        if raw.client_id.is_none() {
            let why = "the id that the provider gave to this application";
            self.missing("client_id", why, "\"shop-web\"", report);
        }
        let issuer = raw.issuer.as_ref().and_then(|issuer| check_issuer(issuer, report));
        let client_id = raw.client_id.as_ref().and_then(|id| check_client_id(id, report));
        let client_auth = raw.check_client_auth(folder, environment, report);
        let scopes = raw.check_scopes(report);
        let resource = raw.check_resource(report);
        let authorize_params = raw.check_authorize_params(report);
        if raw.allow_missing_pkce_metadata.value {
            report.warn(
                format!("allow_missing_pkce_metadata = true (provider {})", raw.name.value),
                "if the provider does not check PKCE, a stolen authorization code can be used by the thief",
            );
        }
        Some(OidcConfig {
            issuer: issuer?,
            client_id: client_id?,
            client_auth: client_auth?,
            scopes: scopes?,
            resource: resource?,
            authorize_params: authorize_params?,
            allow_missing_pkce_metadata: raw.allow_missing_pkce_metadata.value,
        })
    }

    fn check_token_api(&self, report: &mut Report) -> Option<TokenApi> {
        let raw = &self.value;
        if raw.login.is_none() {
            let why = "the path of the application's own login request";
            self.missing("login", why, "\"/api/login\"", report);
        }
        if raw.tokens.is_none() {
            let why = "where the answer to a login has the tokens";
            let example = "{ access = \"/token\", refresh = \"/refreshToken\" }";
            self.missing("tokens", why, example, report);
        }
        RawTokenApi {
            login: raw.login.as_ref()?,
            tokens: raw.tokens.as_ref()?,
            claims: raw.claims.as_ref(),
            placeholder: raw.placeholder.as_ref(),
            refresh: raw.refresh.as_ref(),
            logout: raw.logout.as_ref(),
        }
        .check(report)
    }

    fn missing(&self, key: &str, why: &str, example: &str, report: &mut Report) {
        report
            .wrong(self.at(), format!("[[provider]] has no `{key}`"))
            .why(why)
            .write(format!("{key} = {example}  (below this line)"));
    }
}

impl RawProvider {
    /// Whether people log in on a page of its own.
    pub(super) fn has_login_page(&self) -> bool {
        self.kind.value.meaning() == Some(Kind::Oidc)
    }

    /// Reports the keys that only the other kind of provider has.
    fn refuse_others(&self, kind: Kind, report: &mut Report) {
        type Place = Option<Option<Range<usize>>>;
        fn at<T>(written: &Option<Written<T>>) -> Place {
            written.as_ref().map(Written::at)
        }
        fn stated<T>(written: &Written<T>) -> Place {
            written.is_stated().then(|| written.at())
        }
        let oidc: [(&str, Place); 8] = [
            ("issuer", at(&self.issuer)),
            ("client_id", at(&self.client_id)),
            ("client_secret", at(&self.client_secret)),
            ("client_auth", stated(&self.client_auth)),
            ("scopes", stated(&self.scopes)),
            ("resource", at(&self.resource)),
            ("authorize_params", self.authorize_params.keys().next().map(Written::at)),
            ("allow_missing_pkce_metadata", stated(&self.allow_missing_pkce_metadata)),
        ];
        let token_api: [(&str, Place); 6] = [
            ("login", at(&self.login)),
            ("tokens", at(&self.tokens)),
            ("claims", at(&self.claims)),
            ("placeholder", at(&self.placeholder)),
            ("refresh", at(&self.refresh)),
            ("logout", at(&self.logout)),
        ];
        let (others, what, other) = match kind {
            Kind::Oidc => (&token_api[..], "an OpenID provider", "token_api"),
            Kind::TokenApi => (&oidc[..], "the application's own login service", "oidc"),
        };
        let says =
            if self.kind.is_stated() { "as its `kind` says" } else { "as it states no `kind`" };
        for (key, place) in others {
            let Some(place) = place else { continue };
            report
                .wrong(place.clone(), format!("`{key}` does not belong to this kind of provider"))
                .why(format!("this provider is {what}, {says}"))
                .write(format!("kind = \"{other}\", or leave {key} out"));
        }
    }

    fn check_name(&self, report: &mut Report) -> Option<String> {
        let name = &self.name.value;
        let allowed =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        if !name.is_empty() && name.len() <= 32 && name.chars().all(allowed) {
            return Some(name.clone());
        }
        let lower = name.to_lowercase();
        let meant: String =
            lower.chars().map(|c| if allowed(c) { c } else { '-' }).take(32).collect();
        report
            .wrong(self.name.at(), "`name` is not a short plain name")
            .why("it becomes part of the redirect URI: 1 to 32 lower-case letters, digits, `-` or `_`")
            .write(format!("name = \"{}\"", if meant.is_empty() { DEFAULT_NAME } else { &meant }));
        None
    }

    fn check_client_auth(
        &self,
        folder: &Path,
        environment: &Environment,
        report: &mut Report,
    ) -> Option<ClientAuth> {
        let Some(source) = &self.client_secret else {
            if self.client_auth.is_stated() {
                report
                    .wrong(self.client_auth.at(), "`client_auth` has no `client_secret` to send")
                    .why("it says how the secret is sent; a public client has none")
                    .write("client_secret = { env = \"OIDC_CLIENT_SECRET\" }, or leave client_auth out");
                return None;
            }
            report.warn(
                format!("no client_secret (provider {})", self.name.value),
                "a public client: anybody can pretend to be this application at the provider",
            );
            return Some(ClientAuth::None);
        };
        let method = if self.client_auth.value.text == "none" {
            report
                .wrong(
                    self.client_auth.at(),
                    "`client_auth` is none, but there is a `client_secret`",
                )
                .why("a client that has a secret proves with it who it is")
                .write("client_auth = \"basic\", or leave client_secret out");
            None
        } else {
            report.choice("client_auth", &self.client_auth)
        };
        let secret = source.read("client_secret", folder, environment, report);
        Some(match method? {
            Method::Basic => ClientAuth::Basic(secret?),
            Method::Post => ClientAuth::Post(secret?),
        })
    }

    fn check_scopes(&self, report: &mut Report) -> Option<Vec<String>> {
        let scopes = &self.scopes.value;
        let quoted = |scopes: &mut dyn Iterator<Item = &str>| {
            scopes.map(|scope| format!("\"{scope}\"")).collect::<Vec<_>>().join(", ")
        };
        for scope in scopes {
            // RFC 6749 §3.3.
            let fits = |c: char| c.is_ascii_graphic() && c != '"' && c != '\\';
            if scope.value.is_empty() || !scope.value.chars().all(fits) {
                let mut words =
                    scope.value.split_whitespace().filter(|word| word.chars().all(fits));
                report
                    .wrong(scope.at(), "a scope is one word")
                    .why("the list has one entry for each scope")
                    .write(format!("scopes = [{}]", quoted(&mut words)));
                return None;
            }
        }
        if !scopes.iter().any(|scope| scope.value == "openid") {
            let all =
                std::iter::once("openid").chain(scopes.iter().map(|scope| scope.value.as_str()));
            report
                .wrong(self.scopes.at(), "`scopes` has no `openid`")
                .why(
                    "without it the provider says nothing about who has logged in (OpenID Connect)",
                )
                .write(format!("scopes = [{}]", quoted(&mut all.into_iter())));
            return None;
        }
        Some(scopes.iter().map(|scope| scope.value.clone()).collect())
    }

    fn check_resource(&self, report: &mut Report) -> Option<Option<String>> {
        let Some(resource) = &self.resource else { return Some(None) };
        if Url::parse(&resource.value).is_ok_and(|url| url.fragment().is_none()) {
            return Some(Some(resource.value.clone()));
        }
        report
            .wrong(resource.at(), "`resource` is not an absolute URI without fragment")
            .why("it names the API that the access token is for, as the provider knows it (RFC 8707)")
            .write("resource = \"https://api.example.com\"");
        None
    }

    fn check_authorize_params(&self, report: &mut Report) -> Option<Vec<(String, String)>> {
        let mut fits = true;
        for name in self.authorize_params.keys() {
            let (why, write) = match name.value.as_str() {
                "scope" => ("it has a key of its own", "scopes = [\"openid\", …]"),
                "resource" => ("it has a key of its own", "resource = \"…\""),
                "client_id" => ("it has a key of its own", "client_id = \"…\""),
                "redirect_uri" => {
                    ("it follows from the public url", "nothing; `cloakroom check` shows it")
                }
                "client_secret" => {
                    ("the browser would carry the secret", "client_secret = { env = \"…\" }")
                }
                "response_type"
                | "response_mode"
                | "state"
                | "nonce"
                | "code_challenge"
                | "code_challenge_method"
                | "request"
                | "request_uri" => (
                    "the gateway sets it itself, for each login anew; the login's safety rests on it",
                    "nothing; leave it out",
                ),
                _ => continue,
            };
            fits = false;
            report
                .wrong(name.at(), format!("`{}` cannot be among `authorize_params`", name.value))
                .why(why)
                .write(write);
        }
        let params = self.authorize_params.iter();
        fits.then(|| params.map(|(name, value)| (name.value.clone(), value.clone())).collect())
    }
}

fn check_issuer(written: &Written<String>, report: &mut Report) -> Option<String> {
    let (at, issuer) = (written.at(), &written.value);
    let url = Url::parse(issuer).ok().filter(|url| url.has_host());
    let Some(url) = url.filter(|url| matches!(url.scheme(), "https" | "http")) else {
        report
                .wrong(at, "`issuer` is not a URL")
                .why("the provider's settings page or its .well-known/openid-configuration says it, as `issuer`")
                .write("issuer = \"https://login.example.org/realms/shop\"");
        return None;
    };
    let host = url.host_str().unwrap_or_default();
    if url.scheme() == "http" && !is_loopback(&url) {
        let path = issuer.splitn(4, '/').nth(3).map(|path| format!("/{path}")).unwrap_or_default();
        report
                .wrong(at, "`issuer` is not https")
                .why(
                    "the provider's keys and all tokens come from there; without TLS anybody on the way can\n\
                     put in their own; only a provider on localhost may be http",
                )
                .write(format!("issuer = \"https://{host}{path}\""));
        return None;
    }
    let more = url.query().is_some() || url.fragment().is_some();
    if more || !url.username().is_empty() || url.password().is_some() {
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        report
            .wrong(at, "`issuer` has more than scheme, host, port and path")
            .why("an issuer has no user, query or fragment (OpenID Connect Discovery)")
            .write(format!("issuer = \"{}://{host}{port}{}\"", url.scheme(), url.path()));
        return None;
    }
    if let Some(bare) = issuer.split_once("/.well-known/").map(|(bare, _)| bare) {
        report
            .wrong(at, "`issuer` is the address of the metadata")
            .why("the gateway adds `/.well-known/openid-configuration` itself")
            .write(format!("issuer = \"{bare}\""));
        return None;
    }
    Some(issuer.clone())
}

fn check_client_id(written: &Written<String>, report: &mut Report) -> Option<String> {
    // RFC 6749 appendix A.1.
    let id = &written.value;
    if !id.is_empty() && id.chars().all(|c| c.is_ascii_graphic() || c == ' ') {
        return Some(id.clone());
    }
    report
        .wrong(written.at(), "`client_id` is empty or has characters that no client id has")
        .why("it is the id that the provider gave to this application, in plain ASCII")
        .write("client_id = \"shop-web\"");
    None
}

/// Reports every provider that has the name of one before it.
pub(super) fn check_names(providers: &[Written<RawProvider>], report: &mut Report) {
    for (index, provider) in providers.iter().enumerate() {
        let name = &provider.value.name.value;
        if !providers[..index].iter().any(|before| before.value.name.value == *name) {
            continue;
        }
        let raw = &provider.value;
        let at = raw.name.at().or_else(|| raw.issuer.as_ref().and_then(Written::at));
        let at = at.or_else(|| provider.at());
        report
            .wrong(at, format!("there is another provider named `{name}`"))
            .why("the name tells providers apart at login, and each has its own redirect URI")
            .write("name = \"…\", another one; a provider without a name is `default`");
    }
}
