//! Where tokens come from, at the edge: one interface for every kind of provider.

mod discovery;
mod http;
mod keys;
mod oidc;
mod token_api;

use std::{sync::Arc, time::Duration};

use cloakroom_core::{
    secret::Token,
    session::{Record, TokenSet, UserKey},
};
use cloakroom_oauth::{TokenError, TokenErrorKind};
use serde_json::{Map, Value};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

pub(crate) use self::{
    discovery::ProviderUnavailable,
    http::BackChannel,
    keys::{Keys, KeysAt},
    oidc::{LoginError, OidcProvider, Ready},
    token_api::TokenApiProvider,
};
use crate::{
    clock::Clock,
    settings::{ProviderKind, ProviderSettings},
};

/// When to ask a provider again that gave no hint of its own.
const RETRY: Duration = Duration::from_secs(2);
/// Token requests under way at one provider at once (R71): enough for a storm, few enough for it.
const MAX_TOKEN_REQUESTS: usize = 64;

/// One configured provider.
pub(crate) struct Provider {
    name: String,
    places: Arc<Semaphore>,
    kind: Kind,
}

enum Kind {
    Oidc(Arc<OidcProvider>),
    TokenApi(Box<TokenApiProvider>),
}

/// A login that is to become a session.
#[derive(Debug)]
pub(crate) struct Login {
    pub(crate) tokens: TokenSet,
    pub(crate) user: UserKey,
    /// The provider's name for its own session, where it says one.
    pub(crate) sid: Option<String>,
    pub(crate) claims: Map<String, Value>,
}

/// A spent refresh token's yield.
#[derive(Debug)]
pub(crate) struct Renewed {
    pub(crate) tokens: TokenSet,
    /// From a new ID Token, where one came.
    pub(crate) claims: Option<Map<String, Value>>,
    /// From the same.
    pub(crate) sid: Option<String>,
}

/// Why a refresh gave nothing.
#[derive(Debug)]
pub(crate) enum RefreshError {
    /// The refresh token is dead (RFC 6749 §5.2).
    InvalidGrant,
    /// The new ID Token is another user's (R10).
    OtherUser,
    /// Nobody knows; the session lives on.
    Outage { detail: String, retry_after: Duration },
}

impl Provider {
    /// `tasks` takes what runs beside a request and must not be cut off.
    pub(crate) fn new(
        settings: ProviderSettings,
        back_channel: BackChannel,
        tasks: TaskTracker,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let name = settings.name;
        let kind = match settings.kind {
            ProviderKind::Oidc(client) => Kind::Oidc(Arc::new(OidcProvider::new(
                name.clone(),
                client,
                back_channel,
                tasks,
                clock,
            ))),
            ProviderKind::TokenApi(api) => {
                let name = name.clone();
                let service = TokenApiProvider::new(name, *api, back_channel, tasks, clock);
                Kind::TokenApi(Box::new(service))
            }
        };
        Self { name, places: Arc::new(Semaphore::new(MAX_TOKEN_REQUESTS)), kind }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Who the provider is: beside its name, what a session's user is kept under (R10). A name that is
    /// given to another issuer gets none of the old one's tokens (R7).
    pub(crate) fn issuer(&self) -> &str {
        match &self.kind {
            Kind::Oidc(oidc) => &oidc.client().issuer,
            Kind::TokenApi(service) => service.issuer(),
        }
    }

    /// The OpenID provider that it is, where it is one.
    pub(crate) fn oidc(&self) -> Option<&Arc<OidcProvider>> {
        match &self.kind {
            Kind::Oidc(oidc) => Some(oidc),
            Kind::TokenApi(_) => None,
        }
    }

    /// The JSON login service that it is, where it is one.
    pub(crate) fn token_api(&self) -> Option<&TokenApiProvider> {
        match &self.kind {
            Kind::Oidc(_) => None,
            Kind::TokenApi(service) => Some(service),
        }
    }

    /// Waits for a place for a token request.
    pub(crate) async fn place(&self) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed, so that waiting always ends with a place.
        Arc::clone(&self.places).acquire_owned().await.ok()
    }

    /// Fetches what is needed to use the provider, as far as it can be had.
    pub(crate) async fn prepare(&self) -> Result<(), ProviderUnavailable> {
        match &self.kind {
            Kind::Oidc(oidc) => oidc.prepare().await,
            // It says nothing of itself.
            Kind::TokenApi(_) => Ok(()),
        }
    }

    /// Fetches what a refresh needs, so that nothing comes between it and the provider.
    pub(crate) async fn ready(&self) -> Result<Ready, RefreshError> {
        match &self.kind {
            Kind::Oidc(oidc) => oidc.ready().await,
            // It says nothing of itself.
            Kind::TokenApi(_) => Ok(Ready::default()),
        }
    }

    /// Spends a refresh token.
    pub(crate) async fn refresh(
        &self,
        ready: &Ready,
        refresh_token: &Token,
        record: &Record,
    ) -> Result<Renewed, RefreshError> {
        match &self.kind {
            Kind::Oidc(oidc) => oidc.refresh(ready, refresh_token, record).await,
            Kind::TokenApi(service) => service.refresh(record).await,
        }
    }

    /// Ends what it can of `tokens` at the provider, beside the caller and best effort (R17).
    pub(crate) fn revoke(&self, tokens: TokenSet) {
        match &self.kind {
            Kind::Oidc(oidc) => oidc.revoke(tokens),
            Kind::TokenApi(service) => service.revoke(tokens),
        }
    }
}

impl RefreshError {
    fn outage(detail: String) -> Self {
        Self::Outage { detail, retry_after: RETRY }
    }
}

impl From<ProviderUnavailable> for RefreshError {
    fn from(error: ProviderUnavailable) -> Self {
        Self::outage(error.to_string())
    }
}

impl From<TokenError> for RefreshError {
    fn from(error: TokenError) -> Self {
        match error.kind() {
            TokenErrorKind::InvalidGrant => Self::InvalidGrant,
            // The operator's mistake or the provider's: no reason to log anybody out.
            TokenErrorKind::ClientRefused | TokenErrorKind::Outage => Self::Outage {
                retry_after: error.retry_after().unwrap_or(RETRY),
                detail: error.to_string(),
            },
        }
    }
}
