//! An axum service that embeds Cloakroom: login, sessions and refresh happen in this process, between
//! the browser and the handlers. No gateway, no proxy.
//!
//! `app.rs` has the handlers, which see a session or a client's own token; `keys.rs` where the keyring
//! is kept; this file puts the parts together.

mod app;
mod keys;

use std::{env, error::Error, path::PathBuf, sync::Arc, time::Duration};

use cloakroom::{
    AccessTokenSettings, Cloakroom, CookieSettings, Hsts, KeySource, Named, ProviderKind,
    ProviderSettings, Route, SessionMode, SessionRule, Settings, SystemClock, TokenHeader,
    Unauthenticated,
    cloakroom_core::{
        cookie::{CookieName, Lifetime, SameSite},
        jwt::Algorithm,
        origin::PublicOrigin,
        random::OsRandom,
        secret::Token,
        session::Timeouts,
    },
    cloakroom_oauth::{Client, ClientAuth},
    cloakroom_store::EmbeddedStore,
};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let data_dir = PathBuf::from(or("DATA_DIR", "cloakroom-data"));
    let random = Arc::new(OsRandom::default());
    let store = Arc::new(EmbeddedStore::open(data_dir.join("sessions.redb"))?);
    let keyring = keys::open(&data_dir.join("keyring"), &*random)?;
    let cloakroom = Cloakroom::new(settings()?, store, keyring, Arc::new(SystemClock), random)?;
    cloakroom.probe_providers().await?;

    let house = cloakroom.clone();
    tokio::spawn(async move { house.keep_house().await });
    let app = app::router().layer(cloakroom.layer());
    let listener = TcpListener::bind(or("LISTEN", "127.0.0.1:8080")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let events = cloakroom.clone();
    let ending = async move {
        interrupted().await;
        // An open page listens for as long as it is let.
        events.end_event_streams();
    };
    axum::serve(listener, app).with_graceful_shutdown(ending).await?;
    // A refresh that is under way brings a rotated token: let it arrive.
    let drained = tokio::time::timeout(Duration::from_secs(30), cloakroom.drain());
    Ok(drained.await?)
}

/// The issuer comes as an argument, the rest from the environment; see README.md.
fn settings() -> Result<Settings, Box<dyn Error>> {
    let required = |name: &str| env::var(name).map_err(|_| format!("set {name}, see README.md"));
    let issuer = env::args().nth(1).map_or_else(|| required("ISSUER"), Ok)?;
    let public = PublicOrigin::new(&or("PUBLIC_URL", "http://localhost:8080").parse()?)?;
    let timeouts = Timeouts {
        idle: Duration::from_secs(24 * 3600),
        absolute: Duration::from_secs(7 * 24 * 3600),
    };
    let client = Client {
        issuer: issuer.clone(),
        client_id: required("CLIENT_ID")?,
        auth: match env::var("CLIENT_SECRET") {
            Ok(secret) => ClientAuth::Basic(Token::new(secret)),
            Err(_) => ClientAuth::None,
        },
        scopes: ["openid", "profile", "offline_access"].map(str::to_owned).to_vec(),
        resource: None,
        authorize_params: Vec::new(),
        allow_missing_pkce_metadata: false,
    };
    // Mobile apps may bring tokens of their own, if it is known whom those are for.
    let access_token = env::var("AUDIENCE").ok().map(|audience| AccessTokenSettings {
        issuer: Named::Is(issuer.clone()),
        audience: Named::Is(audience),
        algorithms: Algorithm::ASYMMETRIC.to_vec(),
        keys: KeySource::IssuerMetadata(issuer),
    });
    let route = |path: &str, session, accept_bearer| Route {
        path: path.to_owned(),
        session,
        unauthenticated: Unauthenticated::Auto,
        methods: None,
        token: TokenHeader::default(),
        accept_bearer,
    };
    Ok(Settings {
        routes: vec![
            route("/", SessionRule::Optional, false),
            route("/api", SessionRule::Required, access_token.is_some()),
        ],
        providers: vec![ProviderSettings {
            name: "default".to_owned(),
            kind: ProviderKind::Oidc(client),
            access_token,
        }],
        control_prefix: "/auth".to_owned(),
        after_logout: "/".to_owned(),
        cookie: CookieSettings {
            name: CookieName::host("session")?,
            same_site: SameSite::Lax,
            lifetime: Lifetime::MaxAge(timeouts.absolute),
            domain: None,
        },
        mode: SessionMode::Server,
        timeouts,
        hsts: Hsts::default(),
        required_header: None,
        allow_origins: Vec::new(),
        csrf_token: None,
        public,
        also: Vec::new(),
    })
}

fn or(name: &str, default: &str) -> String {
    env::var(name).unwrap_or_else(|_| default.to_owned())
}

async fn interrupted() {
    // Without the signal it runs until it is killed.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
