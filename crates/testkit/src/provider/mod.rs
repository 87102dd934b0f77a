//! An OpenID provider in this process: authorization code with PKCE, rotating refresh tokens,
//! revocation and logout — and [faults](Fault) by script.
//!
//! ```
//! use cloakroom_testkit::{Client, Fault, Provider};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let provider = Provider::builder()
//!     .user("anna", "secret")
//!     .client(Client::confidential("shop-web", "hush").gateway("http://localhost:8080"))
//!     .start()
//!     .await;
//! provider.on_refresh(Fault::Status(500)); // the next refresh fails, the one after it works
//! assert_eq!(provider.refreshes(), 0);
//! # }
//! ```
//!
//! It is strict where a client must be tested (exact redirect URI, PKCE S256 only, one-time codes,
//! client authentication), and it does what has been asked even when the client hangs up. It is no
//! provider for production: passwords lie in memory, forms have no protection against forgery.
//! It signs with ES256 only, and has no PAR, DPoP or back-channel logout.

mod authorize;
mod builder;
mod client;
pub(crate) mod faults;
mod grants;
mod keys;
mod logout;
mod metadata;
mod mint;
mod page;
mod params;
mod shared;
mod token;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

pub use builder::Builder;
pub use client::Client;
pub use faults::{Fault, Script};
pub use grants::ReusePolicy;
pub use keys::Signature;
pub use mint::{Mint, Tokens, UnsignedToken};

use crate::server::Server;
use faults::Step;
use shared::{Count, Shared};

/// A running provider on `http://127.0.0.1:<port>`; dropping it stops it.
pub struct Provider {
    shared: Arc<Shared>,
    server: Server,
}

/// Who it is.
impl Provider {
    /// A provider still to be described.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// The issuer's URL, without a slash at the end.
    pub fn issuer(&self) -> &str {
        &self.shared.issuer
    }

    /// What issues and verifies tokens without the ceremony of a login.
    pub fn mint(&self) -> Mint {
        Mint::new(Arc::clone(&self.shared))
    }

    /// Tokens for `user`, as if they had logged in at the first client just now.
    ///
    /// # Panics
    /// If there is no such user.
    pub fn issue_tokens(&self, user: &str) -> Tokens {
        self.mint().issue_tokens(user)
    }

    /// Registers a client, in place of one with the same id.
    pub fn add_client(&self, client: Client) {
        let mut state = self.shared.state();
        state.clients.retain(|other| other.id != client.id);
        state.clients.push(client);
    }

    /// Moves its clock on, beside that of a client whose time a test moves.
    pub fn pass(&self, time: Duration) {
        *self.shared.ahead.lock().expect("no panic while it was held") += time;
    }

    /// Signs with a new key from now on; the JWKS lists the old ones too.
    pub fn rotate_keys(&self) {
        self.shared.state().add_key();
    }
}

/// What it does wrong.
impl Provider {
    /// Spoils the next refresh, or with [`Fault::always`] each of them.
    pub fn on_refresh(&self, fault: impl Into<Script>) {
        self.shared.faults.push(Step::Refresh, fault.into());
    }

    /// Spoils the next exchange of a code.
    pub fn on_code_exchange(&self, fault: impl Into<Script>) {
        self.shared.faults.push(Step::CodeExchange, fault.into());
    }

    /// Spoils the next revocation.
    pub fn on_revocation(&self, fault: impl Into<Script>) {
        self.shared.faults.push(Step::Revocation, fault.into());
    }

    /// Spoils the next fetch of the signing keys.
    pub fn on_jwks(&self, fault: impl Into<Script>) {
        self.shared.faults.push(Step::Jwks, fault.into());
    }

    /// Spoils the next discovery.
    pub fn on_discovery(&self, fault: impl Into<Script>) {
        self.shared.faults.push(Step::Discovery, fault.into());
    }

    /// Lets every request go on that [`Fault::Hold`] holds now.
    pub fn release(&self) {
        self.shared.faults.release();
    }

    /// Changes every ID token before or while it is signed; lasts until [`heal`](Self::heal).
    pub fn tamper_id_token(&self, change: impl Fn(&mut UnsignedToken) + Send + Sync + 'static) {
        self.shared.state().tamper.id_token = Some(Arc::new(change));
    }

    /// Changes the JSON of every good answer of the token endpoint; lasts until
    /// [`heal`](Self::heal).
    pub fn tamper_token_response(&self, change: impl Fn(&mut Value) + Send + Sync + 'static) {
        self.shared.state().tamper.token_response = Some(Arc::new(change));
    }

    /// Changes the parameters (`code`, `state`, `iss`, or `error` …) of every authorization
    /// response; lasts until [`heal`](Self::heal).
    pub fn tamper_authorization_response(
        &self,
        change: impl Fn(&mut Vec<(String, String)>) + Send + Sync + 'static,
    ) {
        self.shared.state().tamper.authorization_response = Some(Arc::new(change));
    }

    /// Changes the discovery document; lasts until [`heal`](Self::heal).
    pub fn tamper_metadata(&self, change: impl Fn(&mut Value) + Send + Sync + 'static) {
        self.shared.state().tamper.metadata = Some(Arc::new(change));
    }

    /// Ends all faults and tampering, and releases what is held.
    pub fn heal(&self) {
        self.shared.faults.heal();
        self.shared.state().tamper = shared::Tamper::default();
    }

    /// Closes every connection, open or new, without an answer: an outage.
    pub fn stop_answering(&self) {
        self.server.set_down(true);
    }

    /// Ends the outage.
    pub fn resume(&self) {
        self.server.set_down(false);
    }
}

/// What it has seen.
impl Provider {
    /// Refresh requests of authenticated clients, counted on arrival, failed ones too.
    pub fn refreshes(&self) -> usize {
        self.shared.count(Count::Refresh)
    }

    /// Code exchanges of authenticated clients, counted on arrival, failed ones too.
    pub fn code_exchanges(&self) -> usize {
        self.shared.count(Count::CodeExchange)
    }

    /// Revocation requests of authenticated clients, counted on arrival.
    pub fn revocations(&self) -> usize {
        self.shared.count(Count::Revocation)
    }

    /// Requests to the end-session endpoint.
    pub fn logouts(&self) -> usize {
        self.shared.count(Count::Logout)
    }

    /// Fetches of the signing keys.
    pub fn jwks_fetches(&self) -> usize {
        self.shared.count(Count::Jwks)
    }

    /// Fetches of the discovery document.
    pub fn discoveries(&self) -> usize {
        self.shared.count(Count::Discovery)
    }

    /// Logins that can still be refreshed: not revoked, not ended by reuse.
    pub fn live_grants(&self) -> usize {
        self.shared.state().grants.live()
    }

    /// Every access, refresh and ID token and every code ever issued: what must never turn up in a
    /// store, a page or a log.
    pub fn issued_secrets(&self) -> Vec<String> {
        self.shared.state().issued.clone()
    }
}
