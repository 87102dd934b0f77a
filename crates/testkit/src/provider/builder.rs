//! Describes a provider and starts it.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};

use super::faults::Faults;
use super::shared::{Settings, Shared, State, User};
use super::{Client, Mint, Provider, ReusePolicy, authorize, logout, metadata, token};
use crate::server::{Server, listen};

type Routes = Box<dyn FnOnce(Mint) -> Router + Send>;

/// A provider still to be started; see [`Provider::builder`].
pub struct Builder {
    port: u16,
    clients: Vec<Client>,
    settings: Settings,
    routes: Vec<Routes>,
}

impl Builder {
    pub(super) fn new() -> Self {
        let settings = Settings {
            users: Vec::new(),
            token_lifetime: Duration::from_secs(300),
            code_lifetime: Duration::from_secs(60),
            reuse: ReusePolicy::default(),
        };
        Self { port: 0, clients: Vec::new(), settings, routes: Vec::new() }
    }

    /// The port of 127.0.0.1; by default a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Someone who can log in. The subject is the user name, the display name is it with a capital,
    /// the e-mail address is at `example.com`.
    pub fn user(mut self, username: &str, password: &str) -> Self {
        let (username, password) = (username.to_owned(), password.to_owned());
        self.settings.users.push(User { username, password });
        self
    }

    /// A registered client.
    pub fn client(mut self, client: Client) -> Self {
        self.clients.push(client);
        self
    }

    /// How long access tokens live, in whole seconds; by default five minutes.
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.token_lifetime = lifetime;
        self
    }

    /// How long a code waits for its exchange; by default one minute.
    pub fn code_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.code_lifetime = lifetime;
        self
    }

    /// What the reuse of a replaced refresh token does; by default it ends the family.
    pub fn reuse(mut self, policy: ReusePolicy) -> Self {
        self.settings.reuse = policy;
        self
    }

    /// Further routes on the same address, which may issue and verify tokens.
    pub fn routes(mut self, routes: impl FnOnce(Mint) -> Router + Send + 'static) -> Self {
        self.routes.push(Box::new(routes));
        self
    }

    /// Starts the provider.
    ///
    /// # Panics
    /// If the port is taken; see [`try_start`](Self::try_start).
    pub async fn start(self) -> Provider {
        self.try_start().await.expect("the provider's port is free")
    }

    /// Starts the provider, or says why its port cannot be had.
    pub async fn try_start(self) -> io::Result<Provider> {
        let (listener, address) = listen(self.port).await?;
        let shared = Arc::new(Shared {
            issuer: format!("http://{address}"),
            settings: self.settings,
            faults: Faults::new(),
            state: Mutex::new(State::new(self.clients)),
            ahead: Mutex::default(),
        });
        let app = Router::new()
            .route("/.well-known/openid-configuration", get(metadata::discovery))
            .route("/jwks", get(metadata::jwks))
            .route("/authorize", get(authorize::begin).post(authorize::log_in))
            .route("/token", post(token::token))
            .route("/revoke", post(logout::revoke))
            .route("/end_session", get(logout::end_session).post(logout::end_session))
            .with_state(Arc::clone(&shared));
        let app = self
            .routes
            .into_iter()
            .fold(app, |app, routes| app.merge(routes(Mint::new(Arc::clone(&shared)))));
        Ok(Provider { server: Server::start(listener, app), shared })
    }
}
