//! What a right configuration means.

use std::time::Duration;

use cloakroom_core::jwt::Algorithm;
use cloakroom_gateway::config::{
    ClientAuth, Config, ConfigError, Environment, LogFormat, Persistence, ProviderKind,
    RouteSession, SessionMode, TokenKeys, Unauthenticated,
};

use cloakroom_core::cookie::SameSite;

use crate::folder::{Folder, PROVIDER, PUBLIC, ROUTE, SECRET, SITE, TOKEN_API};

#[test]
fn a_first_days_configuration_has_the_safe_defaults() {
    let folder = Folder::new();
    let config = folder.parse(&[PUBLIC, PROVIDER, ROUTE, SITE].join("\n")).unwrap();
    assert_eq!(config.public_url.as_str(), "https://shop.example.com/");
    assert_eq!(config.listen.address.to_string(), "127.0.0.1:8080");

    let [provider] = &config.providers[..] else { panic!("one provider") };
    assert_eq!(provider.name, "default");
    let ProviderKind::Oidc(provider) = &provider.kind else { panic!("OIDC") };
    assert_eq!(provider.issuer, "https://login.example.org/realms/shop");
    assert_eq!(provider.scopes, ["openid", "profile", "email", "offline_access"]);
    assert!(
        matches!(&provider.client_auth, ClientAuth::Basic(secret) if secret.expose() == SECRET)
    );
    assert!(!provider.allow_missing_pkce_metadata && provider.resource.is_none());

    let [route] = &config.routes[..] else { panic!("one route") };
    assert_eq!(
        (route.path.as_str(), route.upstream.to_string()),
        ("/api", "http://127.0.0.1:3000/".to_owned())
    );
    assert_eq!(
        (route.session, route.unauthenticated),
        (RouteSession::Required, Unauthenticated::Auto)
    );
    assert_eq!((&route.methods, route.response_timeout), (&None, Duration::from_secs(60)));

    assert_eq!(config.site, Some(folder.path().join("dist")));
    assert_eq!(config.session.data_dir, folder.path().join("cloakroom-data"));
    assert_eq!(config.session.idle_timeout, Duration::from_secs(86_400));
    assert_eq!(config.session.absolute_timeout, Duration::from_secs(7 * 86_400));
    assert_eq!(config.cookie.name.as_str(), "__Host-session");
    assert_eq!((&config.cookie.parent_domain, &config.guard.csrf_token), (&None, &None));
    assert_eq!(
        (config.cookie.same_site, config.cookie.persistence),
        (SameSite::Lax, Persistence::Persistent)
    );
    assert_eq!(config.guard.required_header, None);
    assert_eq!((config.auth.prefix.as_str(), config.auth.after_logout.as_str()), ("/auth", "/"));
    assert_eq!((config.log.format, config.log.level.as_str()), (LogFormat::Text, "info"));
    assert!(config.warnings().is_empty(), "every default is the safe one: {:?}", config.warnings());
}

#[test]
fn every_key_can_be_set() {
    let folder = Folder::new();
    let config = folder
        .parse(
            r#"
            [public]
            url = "http://localhost:8080"
            also = ["http://admin.localhost:8080"]
            [listen]
            address = "0.0.0.0:8081"
            allow_plaintext_listen = true
            [[provider]]
            name = "staff"
            issuer = "http://127.0.0.1:9000"
            client_id = "shop"
            client_secret = { file = "secret.txt" }
            client_auth = "post"
            scopes = ["openid"]
            resource = "https://api.example.com"
            authorize_params = { prompt = "consent", acr_values = "2fa" }
            allow_missing_pkce_metadata = true
            [[provider]]
            issuer = "https://login.example.org/"
            client_id = "public-client"
            [[route]]
            path = "/api"
            upstream = "http://10.0.0.5:3000"
            session = "optional"
            methods = ["GET", "POST", "GET"]
            response_timeout = "1500ms"
            allow_plaintext_upstream = true
            [[route]]
            path = "/api/open"
            upstream = "https://api.example.com"
            session = "none"
            [[route]]
            path = "/admin"
            upstream = "http://[::1]:3000"
            unauthenticated = "401"
            [session]
            data_dir = "/var/lib/cloakroom"
            idle_timeout = "30m"
            absolute_timeout = "12h"
            [cookie]
            name = "shop"
            prefix = "__Host-Http-"
            same_site = "strict"
            persistence = "session"
            [guard]
            required_header = "X-Requested-With"
            csrf_token = { header = "X-XSRF-TOKEN", cookie = "XSRF-TOKEN" }
            allow_origins = ["http://localhost:5173/", "http://admin.localhost:8080"]
            [auth]
            prefix = "/bff/session"
            after_logout = "/goodbye?from=logout"
            [log]
            format = "json"
            level = "info,cloakroom=debug"
            "#,
        )
        .unwrap();
    let oidc: Vec<_> = config
        .providers
        .iter()
        .filter_map(|provider| match &provider.kind {
            ProviderKind::Oidc(oidc) => Some(oidc),
            ProviderKind::TokenApi(_) => None,
        })
        .collect();
    let [staff, public] = oidc[..] else { panic!("two OpenID providers") };
    assert!(matches!(&staff.client_auth, ClientAuth::Post(secret) if secret.expose() == SECRET));
    let params = [("acr_values", "2fa"), ("prompt", "consent")];
    assert_eq!(
        staff.authorize_params,
        params.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
    assert_eq!(staff.resource.as_deref(), Some("https://api.example.com"));
    assert_eq!(public.client_auth, ClientAuth::None);
    assert_eq!(public.issuer, "https://login.example.org/", "kept byte for byte (R8)");

    let methods = config.routes[0].methods.as_deref().unwrap();
    assert_eq!(methods, ["GET", "POST", "HEAD"], "once each, and HEAD with GET");
    assert_eq!(config.routes[0].response_timeout, Duration::from_millis(1500));
    assert_eq!(config.routes[1].session, RouteSession::None);
    assert_eq!(config.routes[2].unauthenticated, Unauthenticated::Status401);
    assert_eq!(config.routes[2].upstream.to_string(), "http://[::1]:3000/");
    assert_eq!(config.session.data_dir, std::path::Path::new("/var/lib/cloakroom"));
    assert_eq!(
        (config.cookie.same_site, config.cookie.persistence),
        (SameSite::Strict, Persistence::BrowserSession)
    );
    assert_eq!(config.cookie.name.as_str(), "__Host-Http-shop");
    assert_eq!(config.guard.required_header.unwrap().as_str(), "x-requested-with");
    let token = config.guard.csrf_token.unwrap();
    assert_eq!(
        (token.header.as_str(), token.cookie.unwrap().as_str()),
        ("x-xsrf-token", "XSRF-TOKEN")
    );
    let listed: Vec<_> = config.guard.allow_origins.iter().map(url::Url::as_str).collect();
    assert_eq!(listed, ["http://localhost:5173/", "http://admin.localhost:8080/"]);
    assert_eq!(config.also[0].as_str(), "http://admin.localhost:8080/");
    assert_eq!(config.site, None);
}

#[test]
fn a_login_service_can_be_described() {
    let keys = r#"
        claims = "/user"
        placeholder = "kept"
        [provider.refresh]
        url = "http://127.0.0.1:3000/api/refresh"
        form = { token = "{refresh_token}" }
        headers = { X-Key = "{access_token}" }
        tokens = { access = "/data/token" }
        path = "/api/refresh"
        [provider.logout]
        url = "https://api.example.com/logout"
        path = "/api/logout"
        "#;
    let route = "[[route]]\npath = \"/api\"\nupstream = \"http://127.0.0.1:3000\"\n\
        token_header = \"X-Access-Token\"\ntoken_scheme = \"\"\n";
    let plain = TOKEN_API.replace("/api/login", "/api/staff/login") + "name = \"staff\"\n";
    let config = [PUBLIC, TOKEN_API, keys, &plain, route].join("\n");
    let config = Folder::new().parse(&config).unwrap();
    let api = |number: usize| match &config.providers[number].kind {
        ProviderKind::TokenApi(api) => api,
        ProviderKind::Oidc(_) => panic!("a login service"),
    };
    let (shop, staff) = (api(0), api(1));
    assert_eq!(
        (config.providers[0].name.as_str(), shop.login_path.as_str()),
        ("default", "/api/login")
    );
    assert_eq!(shop.claims.as_ref().unwrap().to_string(), "/user");
    assert_eq!(shop.placeholder.as_deref(), Some("kept"));
    let refresh = shop.refresh.as_ref().unwrap();
    assert_eq!(refresh.tokens.access_token().to_string(), "/data/token");
    assert_eq!(refresh.path.as_deref(), Some("/api/refresh"));
    let logout = shop.logout.as_ref().unwrap();
    assert_eq!(logout.request.as_ref().unwrap().url().as_str(), "https://api.example.com/logout");
    assert!(staff.refresh.is_none() && staff.logout.is_none() && staff.placeholder.is_none());
    let token = &config.routes[0].token;
    assert_eq!((token.name.as_str(), token.scheme.as_str()), ("x-access-token", ""));
    assert!(config.warnings().is_empty(), "{:?}", config.warnings());
}

#[test]
fn every_weaker_choice_is_named_with_what_it_opens() {
    let folder = Folder::new();
    folder.permit("secret.txt", 0o644);
    let config = folder
        .parse(
            r#"
            [public]
            url = "http://localhost:8080"
            [listen]
            address = "0.0.0.0:8081"
            allow_plaintext_listen = true
            [[provider]]
            issuer = "https://login.example.org"
            client_id = "shop"
            client_secret = { file = "secret.txt" }
            allow_missing_pkce_metadata = true
            [[provider]]
            name = "public"
            issuer = "https://login.example.org"
            client_id = "shop"
            [provider.access_token]
            allow_missing_issuer = true
            allow_missing_audience = true
            [[route]]
            path = "/api"
            upstream = "http://10.0.0.5:3000"
            allow_plaintext_upstream = true
            [[route]]
            path = "/near"
            upstream = "http://127.0.0.1:3000"
            allow_plaintext_upstream = true
            [cookie]
            prefix = "unprotected"
            same_site = "none"
            "#,
        )
        .unwrap();
    let warnings: Vec<_> = config.warnings().iter().map(ToString::to_string).collect();
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("weaker_choices", warnings.join("\n"));
    });
}

/// R20: the domain's cookie loses `__Host-`, is `__Secure-` by itself, and is warned of.
#[test]
fn a_cookie_for_a_parent_domain_is_a_named_choice_r20() {
    let parse = |cookie: &str| {
        let public =
            "[public]\nurl = \"https://shop.example.com\"\nalso = [\"https://example.com\"]";
        Folder::new().parse(&[public, SITE, "[cookie]", cookie].join("\n")).unwrap()
    };
    let config = parse("parent_domain = \"Example.com\"");
    assert_eq!(config.cookie.name.as_str(), "__Secure-session");
    assert_eq!(config.cookie.parent_domain.as_ref().unwrap().as_str(), "example.com");
    let [warning] = config.warnings() else { panic!("one warning: {:?}", config.warnings()) };
    assert!(warning.opens().starts_with("every host below example.com gets the session cookie"));
    let config = parse("parent_domain = \"example.com\"\nprefix = \"unprotected\"");
    assert_eq!((config.cookie.name.as_str(), config.warnings().len()), ("session", 2));
}

/// With `SameSite=None` the CSRF token is asked for, whether or not the file says so.
#[test]
fn same_site_none_forces_the_csrf_token() {
    let parse = |more: &str| Folder::new().parse(&[PUBLIC, SITE, more].join("\n")).unwrap();
    let config = parse("[cookie]\nsame_site = \"none\"");
    assert_eq!(config.cookie.same_site, SameSite::None);
    let token = config.guard.csrf_token.unwrap();
    assert_eq!((token.header.as_str(), token.cookie), ("x-csrf-token", None));
    let named = "[cookie]\nsame_site = \"none\"\n[guard]\ncsrf_token = { header = \"X-T\" }";
    assert_eq!(parse(named).guard.csrf_token.unwrap().header.as_str(), "x-t");
    assert_eq!(parse("").guard.csrf_token, None);
}

#[test]
fn localhost_may_be_plain_http_under_all_its_names() {
    for host in ["localhost", "shop.localhost:8080", "127.0.0.1:8080", "[::1]:8080"] {
        let public = format!("[public]\nurl = \"http://{host}\"");
        let config = Folder::new().parse(&[&public, SITE].join("\n")).expect(host);
        assert!(config.warnings()[0].choice().contains("plain http"), "{host}");
    }
    for host in ["localhost.example.com", "127.0.0.1.example.com", "notlocalhost"] {
        let public = format!("[public]\nurl = \"http://{host}\"");
        Folder::new().parse(&[&public, SITE].join("\n")).expect_err(host);
    }
}

#[test]
fn a_missing_file_and_one_that_is_not_text_are_told_apart() {
    let folder = Folder::new();
    let load = || Config::load(&folder.file(), &Environment::of([]));
    let missing = load().unwrap_err();
    assert!(matches!(missing, ConfigError::Missing { .. }));
    assert!(missing.to_string().contains("cloakroom init"), "{missing}");
    std::fs::write(folder.file(), b"[public]\nurl = \"\xff\"").unwrap();
    assert!(matches!(load().unwrap_err(), ConfigError::Unreadable { .. }));
}

#[test]
fn mistakes_come_in_file_order_with_their_places() {
    let toml = [ROUTE, SITE, "[public]\nurl = \"http://shop.example.com\"\n"].join("\n");
    let Err(ConfigError::Mistakes { mistakes, .. }) = Folder::new().parse(&toml) else {
        panic!("mistakes")
    };
    let places: Vec<_> = mistakes.iter().map(|mistake| mistake.position()).collect();
    assert_eq!(places, [Some((2, 8)), Some((9, 7))], "{mistakes:?}");
}

#[test]
fn access_tokens_of_an_openid_provider_need_an_audience_and_nothing_else() {
    let folder = Folder::new();
    let section = "[provider.access_token]\naudience = \"https://api.example.com\"\n";
    let bearer = "accept_bearer = true\n";
    let config = folder.parse(&[PUBLIC, PROVIDER, section, ROUTE, bearer].concat()).unwrap();
    assert!(config.routes[0].accept_bearer);
    let section = config.providers[0].access_token.as_ref().unwrap();
    assert_eq!(section.issuer.as_deref(), Some("https://login.example.org/realms/shop"));
    assert_eq!(section.audience.as_deref(), Some("https://api.example.com"));
    assert!(!section.allow_missing_issuer && !section.allow_missing_audience);
    assert_eq!(section.algorithms, Algorithm::ASYMMETRIC);
    assert!(matches!(section.keys, TokenKeys::ProviderMetadata));
    assert!(config.warnings().is_empty());
}

/// The ID Tokens of most providers say nothing else that an access token does not.
#[test]
fn r58_an_audience_that_id_tokens_have_too_is_a_named_weaker_choice() {
    let folder = Folder::new();
    for (audience, warnings) in [("shop-web", 1), ("https://api.example.com", 0)] {
        let section = format!("[provider.access_token]\naudience = \"{audience}\"\n");
        let config = folder.parse(&[PUBLIC, PROVIDER, &section, ROUTE].concat()).unwrap();
        assert_eq!(config.warnings().len(), warnings, "{audience}: {:?}", config.warnings());
    }
}

#[test]
fn a_shared_secret_is_for_hs256_unless_another_is_named() {
    let folder = Folder::new();
    folder.write("jwt-secret.txt", "rT8bq0Zx3vLw9kNf2YdGm5Hs7PcJ4aUe\n");
    for (stated, meant) in
        [("", Algorithm::Hs256), ("algorithms = [\"HS256\"]\n", Algorithm::Hs256)]
    {
        let section = "[provider.access_token]\nissuer = \"shop-login\"\naudience = \"api\"\n\
                       shared_secret = { file = \"jwt-secret.txt\" }\n";
        let config = folder.parse(&[PUBLIC, PROVIDER, section, stated, SITE].concat()).unwrap();
        let section = config.providers[0].access_token.as_ref().unwrap();
        assert_eq!(section.issuer.as_deref(), Some("shop-login"), "not the provider's");
        assert_eq!(section.algorithms, [meant]);
        assert!(matches!(section.keys, TokenKeys::SharedSecret(_)));
    }
}

#[test]
fn the_session_modes_but_server_are_warned_of() {
    let parse = |session: &str| {
        let provider = format!("{PROVIDER}[provider.access_token]\naudience = \"api\"\n");
        Folder::new().parse(&[PUBLIC, &provider, SITE, "[session]", session].join("\n")).unwrap()
    };
    assert!(parse("mode = \"server\"").warnings().is_empty());
    for (session, mode, opens) in [
        ("mode = \"sealed\"", SessionMode::Sealed, "a session ends only in its own browser"),
        ("mode = \"jwt\"", SessionMode::Jwt, "whoever copies the cookie has the token"),
        ("mode = \"jwt\"\njwt = { access_cookie = \"token\" }", SessionMode::Jwt, "whoever"),
    ] {
        let config = parse(session);
        let [warning] = config.warnings() else { panic!("{session}: {:?}", config.warnings()) };
        assert!(warning.opens().starts_with(opens), "{warning}");
        assert_eq!(config.session.mode, mode);
        let name = if session.contains("jwt =") { "token" } else { "access_token" };
        assert_eq!(config.session.access_cookie, name);
    }
}
