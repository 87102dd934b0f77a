//! A configuration in words.

mod cookie;

use std::fmt::{self, Write};

use cloakroom::TokenHeader;
use cloakroom_core::origin::is_loopback_to_browsers;
use cloakroom_oauth::token_api::TokenApi;

use crate::config::{
    AccessTokenConfig, ClientAuth, Config, KeysConfig, OidcConfig, ProviderConfig, ProviderKind,
    RouteConfig, RouteSession, SessionMode, TokenKeys, Unauthenticated, show_duration,
};

/// What `config` does, for the person who wrote it. No secret is in it.
pub(crate) fn explain(config: &Config) -> String {
    let mut text = String::new();
    // Writing into a String does not fail.
    let _ = write(&mut text, config);
    text
}

fn write(text: &mut String, config: &Config) -> fmt::Result {
    let public = config.public_url.origin().ascii_serialization();
    writeln!(text, "Address")?;
    writeln!(text, "  browsers come to {public}")?;
    for also in &config.also {
        let logins = match config.cookie.parent_domain {
            Some(_) => "the same login counts there",
            None => "people log in there for itself",
        };
        writeln!(text, "  and to {}: {logins}", also.origin().ascii_serialization())?;
    }
    write_listen(text, config)?;

    for provider in &config.providers {
        write_provider(text, config, provider)?;
    }

    writeln!(text, "\nRoutes")?;
    writeln!(
        text,
        "  {}/… is Cloakroom itself: login, callback, logout, session, events, refresh",
        config.auth.prefix
    )?;
    for route in &config.routes {
        write_route(text, config, route)?;
    }
    match &config.site {
        Some(dir) => {
            writeln!(text, "  everything else: the files in {}, or its index.html", dir.display())?
        }
        None if config.routes.iter().any(|route| route.path == "/") => {}
        None => writeln!(text, "  everything else: 404")?,
    }

    write_session(text, config)?;

    writeln!(text, "\nWeaker choices")?;
    for warning in config.warnings() {
        writeln!(text, "  {}\n      {}", warning.choice(), warning.opens())?;
    }
    if config.warnings().is_empty() {
        writeln!(text, "  none")?;
    }
    Ok(())
}

fn write_listen(text: &mut String, config: &Config) -> fmt::Result {
    let (listen, public) = (&config.listen, &config.public_url);
    if let Some(tls) = &listen.tls {
        writeln!(text, "  the gateway accepts HTTPS on {}", listen.address)?;
        writeln!(
            text,
            "  with the certificate in {} and the key in {}, read again when they change",
            tls.certificate.display(),
            tls.key.display()
        )?;
    } else {
        writeln!(text, "  the gateway accepts plain HTTP on {}", listen.address)?;
        if public.scheme() == "https" {
            writeln!(text, "  TLS must be terminated in front of it")?;
        } else if public.port_or_known_default() != Some(listen.address.port()) {
            writeln!(
                text,
                "  something at the first address must forward to the second, such as a dev server"
            )?;
        }
    }
    if let Some(plain) = listen.redirect_from {
        writeln!(
            text,
            "  plain HTTP on {plain}: visits of a page are led to https, all else is refused"
        )?;
    }
    if !listen.trusted_proxies.is_empty() {
        let proxies: Vec<_> = listen.trusted_proxies.iter().map(ToString::to_string).collect();
        writeln!(
            text,
            "  the client's address and scheme are what {} say in X-Forwarded-For and -Proto",
            proxies.join(", ")
        )?;
    }
    if public.scheme() == "https" && is_loopback_to_browsers(public) {
        return writeln!(
            text,
            "  browsers are not told to keep to https, as localhost has other servers"
        );
    }
    if public.scheme() == "https" {
        let hsts = config.hsts;
        let reach =
            if hsts.include_subdomains { "this host and all below it" } else { "this host" };
        let age = show_duration(hsts.max_age);
        writeln!(
            text,
            "  browsers come to {reach} by https alone for {age} (Strict-Transport-Security)"
        )?;
    }
    if config.hsts.preload {
        writeln!(
            text,
            "  browsers may be shipped with that rule (preload): it takes months to take back"
        )?;
    }
    Ok(())
}

fn write_provider(text: &mut String, config: &Config, provider: &ProviderConfig) -> fmt::Result {
    writeln!(text, "\nProvider {}", provider.name)?;
    match &provider.kind {
        ProviderKind::Oidc(oidc) => write_oidc(text, config, &provider.name, oidc)?,
        ProviderKind::TokenApi(api) => write_token_api(text, config, api)?,
    }
    match &provider.access_token {
        Some(section) => write_access_token(text, section),
        None => Ok(()),
    }
}

fn write_token_api(text: &mut String, config: &Config, api: &TokenApi) -> fmt::Result {
    writeln!(text, "  people log in on the application's page, by POST {}", api.login_path)?;
    let refresh = api.tokens.refresh_token();
    let refresh = refresh.map_or(String::new(), |place| format!(", the refresh token at {place}"));
    let access = api.tokens.access_token();
    writeln!(text, "  its answer has the access token at {access}{refresh}")?;
    if !api.tokens.others().is_empty() {
        let places: Vec<_> = api.tokens.others().iter().map(ToString::to_string).collect();
        writeln!(text, "  further tokens, at {}, are dropped", places.join(" and "))?;
    }
    match &api.placeholder {
        Some(placeholder) => writeln!(text, "  the browser gets `{placeholder}` in their place")?,
        None => writeln!(text, "  the browser gets the answer without them")?,
    }
    match &api.claims {
        Some(claims) if config.session.mode == SessionMode::Jwt => writeln!(
            text,
            "  the page may read the access token's claims, not the object at `{claims}`: session.mode is \"jwt\""
        )?,
        Some(claims) => writeln!(text, "  the page may read the object at `{claims}` of it")?,
        None => {}
    }
    match &api.refresh {
        Some(refresh) => {
            writeln!(text, "  a token that is due is replaced by POST {}", refresh.request.url())?;
            if let Some(path) = &refresh.path {
                writeln!(text, "  the application's own {path} is answered without tokens")?;
            }
        }
        None => writeln!(text, "  a session lasts as long as its token: there is no refresh")?,
    }
    let logout = api.logout.as_ref();
    if let Some(request) = logout.and_then(|logout| logout.request.as_ref()) {
        writeln!(text, "  a logout is told to {}", request.url())?;
    }
    match logout.and_then(|logout| logout.path.as_ref()) {
        Some(path) => writeln!(text, "  the application's own {path} ends the session too")?,
        None => writeln!(
            text,
            "  POST {}/logout alone ends the session: `logout` names no request of the application's own",
            config.auth.prefix
        )?,
    }
    Ok(())
}

fn write_oidc(
    text: &mut String,
    config: &Config,
    name: &str,
    provider: &OidcConfig,
) -> fmt::Result {
    let prefix = &config.auth.prefix;
    writeln!(text, "  people log in at {}", provider.issuer)?;
    let proof = match provider.client_auth {
        ClientAuth::None => "without a secret",
        ClientAuth::Basic(_) => "with its secret in an Authorization header (client_secret_basic)",
        ClientAuth::Post(_) => "with its secret in the request's body (client_secret_post)",
    };
    writeln!(text, "  the gateway is the client {}, {proof}", provider.client_id)?;
    writeln!(text, "  it asks for {}", provider.scopes.join(" "))?;
    if let Some(resource) = &provider.resource {
        writeln!(text, "  the access token is for {resource}")?;
    }
    if !provider.authorize_params.is_empty() {
        let names: Vec<_> =
            provider.authorize_params.iter().map(|(name, _)| name.as_str()).collect();
        writeln!(text, "  the login request also has {}", names.join(", "))?;
    }
    let mut label = "register there:";
    for origin in std::iter::once(&config.public_url).chain(&config.also) {
        let origin = origin.origin().ascii_serialization();
        writeln!(text, "  {label:15} redirect URI {origin}{prefix}/callback/{name}")?;
        writeln!(text, "  {:15} after logout {origin}{prefix}/logged-out", "")?;
        label = "";
    }
    Ok(())
}

fn write_access_token(text: &mut String, section: &AccessTokenConfig) -> fmt::Result {
    let named = |name: &Option<String>, may_be_missing| match (name, may_be_missing) {
        (Some(name), false) => name.clone(),
        (Some(name), true) => format!("{name} or nobody"),
        (None, _) => "nobody".to_owned(),
    };
    writeln!(text, "  an access token that comes from outside is believed")?;
    let issuer = named(&section.issuer, section.allow_missing_issuer);
    writeln!(text, "      if it names {issuer} as its issuer (iss)")?;
    let audience = named(&section.audience, section.allow_missing_audience);
    writeln!(text, "      if it names {audience} as its audience (aud)")?;
    let names: Vec<_> = section.algorithms.iter().map(|algorithm| algorithm.name()).collect();
    let keys = match &section.keys {
        TokenKeys::ProviderMetadata => "a key that the provider's metadata leads to".to_owned(),
        TokenKeys::Jwks { text, .. } => format!("a key at {text}"),
        TokenKeys::PublicKey { file, .. } => format!("the key in {}", file.display()),
        TokenKeys::SharedSecret(_) => "the shared secret".to_owned(),
    };
    writeln!(text, "      if it is signed with {keys} ({})", names.join(", "))
}

fn write_route(text: &mut String, config: &Config, route: &RouteConfig) -> fmt::Result {
    let upstream = route.upstream.to_string();
    writeln!(text, "  {}  →  {}", route.path, upstream.trim_end_matches('/'))?;
    let is_oidc = |provider: &ProviderConfig| matches!(provider.kind, ProviderKind::Oidc(_));
    let has_login_page = config.providers.iter().any(is_oidc);
    let rule = match (route.session, route.unauthenticated) {
        (RouteSession::Required, Unauthenticated::Auto) if !has_login_page => {
            "needs a session; without one the answer is 401"
        }
        (RouteSession::Required, Unauthenticated::Auto) => {
            "needs a session; without one a navigation goes to login, a fetch gets 401"
        }
        (RouteSession::Required, Unauthenticated::Status401) => {
            "needs a session; without one the answer is 401"
        }
        (RouteSession::Required, Unauthenticated::Login) => {
            "needs a session; without one every request is sent to login"
        }
        (RouteSession::Optional, _) => "needs no session; with one the bearer token goes along",
        (RouteSession::None, _) => "needs no session and never carries a token",
    };
    writeln!(text, "      {rule}")?;
    if route.session != RouteSession::None && route.token != TokenHeader::default() {
        let TokenHeader { name, scheme } = &route.token;
        let scheme = if scheme.is_empty() { String::new() } else { format!("{scheme} ") };
        writeln!(text, "      the token goes along as {name}: {scheme}<token>")?;
    }
    if route.accept_bearer {
        writeln!(
            text,
            "      a client with a good bearer token and no session cookie is let through with its own token"
        )?;
    }
    if let Some(methods) = &route.methods {
        let names: Vec<_> = methods.iter().map(|method| method.as_str()).collect();
        writeln!(text, "      only {}; other methods get 405", names.join(", "))?;
    }
    writeln!(
        text,
        "      504 if the upstream has not begun to answer after {}",
        show_duration(route.response_timeout)
    )
}

fn write_session(text: &mut String, config: &Config) -> fmt::Result {
    let session = &config.session;
    writeln!(text, "\nSession")?;
    writeln!(
        text,
        "  ends after {} without a request, and {} after login in any case",
        show_duration(session.idle_timeout),
        show_duration(session.absolute_timeout),
    )?;
    let dir = &session.data_dir;
    match session.mode {
        SessionMode::Server => writeln!(text, "  is kept encrypted in {}", dir.display())?,
        SessionMode::Sealed => writeln!(
            text,
            "  is kept encrypted in the browser's cookies, at most three of 4096 bytes\n  \
             ends only in its own browser; other gateways, and this one after a restart, know of no logout"
        )?,
        SessionMode::Jwt => writeln!(
            text,
            "  is the access token, as it is, in the cookie {}{}: whoever has it has the token until it expires\n  \
             the rest is in an encrypted cookie that only {}/refresh gets: the page must ask for each refresh\n  \
             ends only in its own browser; other gateways, and this one after a restart, know of no logout",
            config.cookie.name.prefix().as_str(),
            session.access_cookie,
            config.auth.prefix,
        )?,
    }
    match &config.keys {
        KeysConfig::DataDir => {
            writeln!(text, "  its keys are in {}", dir.join("keyring").display())?
        }
        KeysConfig::File(path) => writeln!(text, "  its keys are in {}", path.display())?,
        KeysConfig::Environment { variable, .. } => {
            writeln!(text, "  its keys are in the environment variable {variable}")?;
        }
    }
    cookie::write_cookie(text, config)?;
    writeln!(text, "  logout ends at {}", config.auth.after_logout)?;
    cookie::write_guard(text, config)
}
