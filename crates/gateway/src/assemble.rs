//! From a checked configuration to a gateway that can serve.

use std::sync::Arc;

use crate::{
    config::{self, Config, TokenKeys},
    data_dir, holder,
    keyring::{self, KeyringProblem},
    proxy::{Proxy, Upstream},
    server::{Destination, Gateway, Plain, TrustedProxies},
    site::{Site, SiteError},
};
use cloakroom::{
    AccessTokenSettings, Cloakroom, CookieSettings, Hsts, KeySource, Named, ProviderKind,
    ProviderSettings, Route, SessionMode, SessionRule, Settings, SetupError, SystemClock,
    TokenHeader, Unauthenticated,
};
use cloakroom_core::{
    cookie::{CookieName, CookieNameError, Lifetime},
    origin::{PublicOrigin, PublicOriginError},
    random::OsRandom,
    session::{Holder, Timeouts},
};
use cloakroom_oauth::{Client, ClientAuth};
use cloakroom_store::{MemoryStore, SessionStore};

/// Why a gateway cannot be put together from a configuration that passed its checks.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AssembleError {
    #[error("session.jwt.access_cookie: {0}")]
    CookieName(#[from] CookieNameError),
    #[error(transparent)]
    Keyring(#[from] KeyringProblem),
    #[error(transparent)]
    Store(#[from] cloakroom_store::OpenError),
    #[error(transparent)]
    Site(#[from] SiteError),
    #[error(transparent)]
    Setup(#[from] SetupError),
    #[error("the operating system's certificate store cannot be used: {0}")]
    Tls(#[from] rustls::Error),
    #[error("public.url: {0}")]
    Public(#[from] PublicOriginError),
    #[error("an upstream has no scheme or host")]
    Upstream,
}

pub(crate) fn assemble(config: &Config) -> Result<Gateway, AssembleError> {
    let random = Arc::new(OsRandom::default());
    let dir = &config.session.data_dir;
    let used_before = data_dir::was_used(dir);
    // The store first: it makes the folder, and refuses one that another gateway has open.
    let store: Arc<dyn SessionStore> = match config.session.mode {
        config::SessionMode::Server => Arc::new(data_dir::open(dir)?),
        // What counts once (login states, logout tickets) need not outlive the process: their cookies
        // and links are good for minutes.
        config::SessionMode::Sealed | config::SessionMode::Jwt => Arc::new(MemoryStore::new()),
    };
    let keyring = keyring::load(config, used_before, &*random)?;
    let settings = settings(config)?;
    let proxy = Proxy::new()?;
    let destinations = destinations(config)?;
    let proxies = TrustedProxies::new(config.listen.trusted_proxies.clone());
    let origins: Vec<_> = [&settings.public].into_iter().chain(&settings.also).cloned().collect();
    let plain = settings.public.is_https().then(|| Arc::new(Plain::new(origins)));
    let held = match config.session.mode {
        config::SessionMode::Server => Some(holder::take(dir, &*random)),
        // There are no leases.
        config::SessionMode::Sealed | config::SessionMode::Jwt => None,
    };
    let holder = held.as_ref().map_or_else(|| Holder::generate(&*random), |held| held.holder);
    let clock = Arc::new(SystemClock);
    let cloakroom = Cloakroom::held_by(holder, settings, store, keyring, clock, random)?;
    Ok(Gateway { cloakroom, held, proxy, destinations, proxies, plain })
}

fn settings(config: &Config) -> Result<Settings, AssembleError> {
    let public = PublicOrigin::new(&config.public_url)?;
    let timeouts =
        Timeouts { idle: config.session.idle_timeout, absolute: config.session.absolute_timeout };
    let mut routes: Vec<_> = config.routes.iter().map(route).collect();
    if config.site.is_some() {
        routes.push(Route {
            path: "/".to_owned(),
            session: SessionRule::None,
            unauthenticated: Unauthenticated::Auto,
            methods: None,
            token: TokenHeader::default(),
            accept_bearer: false,
        });
    }
    let config::HstsConfig { max_age, include_subdomains, preload } = config.hsts;
    Ok(Settings {
        hsts: Hsts { max_age, include_subdomains, preload },
        cookie: CookieSettings {
            name: config.cookie.name.clone(),
            same_site: config.cookie.same_site,
            lifetime: match config.cookie.persistence {
                config::Persistence::Persistent => Lifetime::MaxAge(timeouts.absolute),
                config::Persistence::BrowserSession => Lifetime::BrowserSession,
            },
            domain: config.cookie.parent_domain.clone(),
        },
        providers: config
            .providers
            .iter()
            .map(|provider| ProviderSettings {
                name: provider.name.clone(),
                kind: match &provider.kind {
                    config::ProviderKind::Oidc(oidc) => ProviderKind::Oidc(client(oidc)),
                    config::ProviderKind::TokenApi(api) => ProviderKind::TokenApi(api.clone()),
                },
                access_token: provider.access_token.as_ref().map(|section| {
                    let issuer = match &provider.kind {
                        config::ProviderKind::Oidc(oidc) => oidc.issuer.as_str(),
                        config::ProviderKind::TokenApi(_) => "",
                    };
                    access_token(section, issuer)
                }),
            })
            .collect(),
        control_prefix: config.auth.prefix.clone(),
        after_logout: config.auth.after_logout.clone(),
        required_header: config.guard.required_header.clone(),
        allow_origins: (config.guard.allow_origins.iter())
            .map(PublicOrigin::new)
            .collect::<Result<_, _>>()?,
        csrf_token: config.guard.csrf_token.clone(),
        mode: match config.session.mode {
            config::SessionMode::Server => SessionMode::Server,
            config::SessionMode::Sealed => SessionMode::Sealed,
            config::SessionMode::Jwt => SessionMode::Jwt {
                access_cookie: CookieName::new(
                    config.cookie.name.prefix(),
                    &config.session.access_cookie,
                )?,
            },
        },
        timeouts,
        routes,
        public,
        also: config.also.iter().map(PublicOrigin::new).collect::<Result<_, _>>()?,
    })
}

fn route(route: &config::RouteConfig) -> Route {
    Route {
        path: route.path.clone(),
        session: match route.session {
            config::RouteSession::Required => SessionRule::Required,
            config::RouteSession::Optional => SessionRule::Optional,
            config::RouteSession::None => SessionRule::None,
        },
        unauthenticated: match route.unauthenticated {
            config::Unauthenticated::Auto => Unauthenticated::Auto,
            config::Unauthenticated::Status401 => Unauthenticated::Status401,
            config::Unauthenticated::Login => Unauthenticated::Login,
        },
        methods: route.methods.clone(),
        token: route.token.clone(),
        accept_bearer: route.accept_bearer,
    }
}

fn client(provider: &config::OidcConfig) -> Client {
    Client {
        issuer: provider.issuer.clone(),
        client_id: provider.client_id.clone(),
        auth: match &provider.client_auth {
            config::ClientAuth::None => ClientAuth::None,
            config::ClientAuth::Basic(secret) => ClientAuth::Basic(secret.clone()),
            config::ClientAuth::Post(secret) => ClientAuth::Post(secret.clone()),
        },
        scopes: provider.scopes.clone(),
        resource: provider.resource.clone(),
        authorize_params: provider.authorize_params.clone(),
        allow_missing_pkce_metadata: provider.allow_missing_pkce_metadata,
    }
}

fn access_token(section: &config::AccessTokenConfig, issuer: &str) -> AccessTokenSettings {
    let named = |name: &Option<String>, may_be_missing| match (name.clone(), may_be_missing) {
        (Some(name), false) => Named::Is(name),
        (Some(name), true) => Named::AbsentOrIs(name),
        (None, _) => Named::Absent,
    };
    AccessTokenSettings {
        issuer: named(&section.issuer, section.allow_missing_issuer),
        audience: named(&section.audience, section.allow_missing_audience),
        algorithms: section.algorithms.clone(),
        keys: match &section.keys {
            TokenKeys::ProviderMetadata => KeySource::IssuerMetadata(issuer.to_owned()),
            TokenKeys::Jwks { url, .. } => KeySource::Jwks(url.clone()),
            TokenKeys::PublicKey { keys, .. } | TokenKeys::SharedSecret(keys) => {
                KeySource::Fixed(keys.clone())
            }
        },
    }
}

/// In the order of the route table; the site, where there is one, is the last.
fn destinations(config: &Config) -> Result<Vec<Destination>, AssembleError> {
    let mut destinations = Vec::new();
    for route in &config.routes {
        let (scheme, authority) = (route.upstream.scheme(), route.upstream.authority());
        let upstream = Upstream {
            scheme: scheme.cloned().ok_or(AssembleError::Upstream)?,
            authority: authority.cloned().ok_or(AssembleError::Upstream)?,
            response_timeout: route.response_timeout,
        };
        destinations.push(Destination::Upstream(upstream));
    }
    if let Some(dir) = &config.site {
        destinations.push(Destination::Site(Site::open(dir.clone())?));
    }
    Ok(destinations)
}
