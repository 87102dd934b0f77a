//! An OpenID provider at the edge: the sans-I/O client of [`cloakroom_oauth`] with a connection.
//!
//! What the provider says of itself (metadata, keys) is fetched when first needed and kept; a
//! provider that is down stops nobody but those who log in (R53).

use std::sync::Arc;

use cloakroom_core::{
    jwt::KeySet,
    secret::Token,
    session::{Record, TokenSet},
};
use cloakroom_oauth::{
    Client, Code, IdClaims, IdTokenError, Metadata, TokenAnswer, TokenError, Transaction,
    code_request, judge_token_answer, names_other_user, refresh_request, revocation_requests,
    verify_id_token, verify_refreshed_id_token,
};
use tokio_util::task::TaskTracker;

use super::{
    BackChannel, Login, ProviderUnavailable, RefreshError, Renewed,
    discovery::Discovery,
    keys::{Keys, KeysAt},
};
use crate::clock::Clock;

/// One configured OpenID provider.
pub(crate) struct OidcProvider {
    name: String,
    client: Client,
    back_channel: BackChannel,
    discovery: Discovery,
    keys: Keys,
    tasks: TaskTracker,
    clock: Arc<dyn Clock>,
}

/// What a provider has said of itself before a refresh token is spent.
#[derive(Default)]
pub(crate) struct Ready {
    metadata: Option<Arc<Metadata>>,
    keys: Option<Arc<KeySet>>,
}

/// Why a login found no end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoginError {
    #[error(transparent)]
    Unavailable(#[from] ProviderUnavailable),
    #[error("token request: {0}")]
    Token(#[from] TokenError),
    #[error("the provider sent no ID Token; is `openid` among the scopes?")]
    NoIdToken,
    #[error("ID Token: {0}")]
    IdToken(#[from] IdTokenError),
}

impl OidcProvider {
    /// `tasks` takes what runs beside a request and must not be cut off.
    pub(crate) fn new(
        name: String,
        client: Client,
        back_channel: BackChannel,
        tasks: TaskTracker,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (discovery, keys) = (Discovery::default(), Keys::default());
        Self { name, client, back_channel, discovery, keys, tasks, clock }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// What the provider says of itself.
    pub(crate) async fn metadata(&self) -> Result<Arc<Metadata>, ProviderUnavailable> {
        self.discovery.metadata(&self.client, &self.back_channel, &*self.clock).await
    }

    /// Fetches what is needed to use the provider: metadata, and keys as far as they can be had.
    pub(crate) async fn prepare(&self) -> Result<(), ProviderUnavailable> {
        let metadata = self.metadata().await?;
        // Without them a login fetches them, and a refresh does.
        drop(
            self.keys
                .current(KeysAt::Url(metadata.jwks_url()), &self.back_channel, &*self.clock)
                .await,
        );
        Ok(())
    }

    /// Spends an authorization code (RFC 6749 §4.1.3) and verifies who logged in (R9).
    pub(crate) async fn log_in(
        &self,
        metadata: &Metadata,
        transaction: &Transaction,
        code: &Code,
    ) -> Result<Login, LoginError> {
        let asked_at = self.clock.now();
        let request = code_request(&self.client, metadata, transaction, code);
        let answer = self
            .back_channel
            .send(request)
            .await
            .map_err(|error| ProviderUnavailable::outage(error.to_string()))?;
        let answer = judge_token_answer(answer.status, &answer.headers, &answer.body)?;
        let id_token = answer.id_token.clone().ok_or(LoginError::NoIdToken)?;
        let now = self.clock.now();
        let claims = self
            .verify(metadata, |keys| {
                let (client, access_token) = (&self.client, &answer.access_token);
                verify_id_token(client, metadata, keys, transaction, &id_token, access_token, now)
            })
            .await??;
        Ok(Login {
            user: claims.user(),
            sid: claims.sid().map(str::to_owned),
            claims: claims.public_claims(),
            tokens: answer.into_token_set(None, asked_at),
        })
    }

    /// Fetches what a refresh needs (see [`Ready`]).
    pub(crate) async fn ready(&self) -> Result<Ready, RefreshError> {
        let metadata = self.metadata().await?;
        // Before the token is spent, for afterwards nothing may come between its successor and the
        // store. Where there are none, the answer is judged without.
        let keys = self
            .keys
            .current(KeysAt::Url(metadata.jwks_url()), &self.back_channel, &*self.clock)
            .await
            .ok();
        Ok(Ready { metadata: Some(metadata), keys })
    }

    /// Spends a refresh token (RFC 6749 §6).
    pub(crate) async fn refresh(
        self: &Arc<Self>,
        ready: &Ready,
        refresh_token: &Token,
        record: &Record,
    ) -> Result<Renewed, RefreshError> {
        let metadata = match &ready.metadata {
            Some(metadata) => Arc::clone(metadata),
            None => self.metadata().await?,
        };
        let request = refresh_request(&self.client, &metadata, refresh_token);
        // Counted from before the request, a token's life never looks longer than it is.
        let asked_at = self.clock.now();
        let answer = self
            .back_channel
            .send(request)
            .await
            .map_err(|error| RefreshError::outage(error.to_string()))?;
        let answer = judge_token_answer(answer.status, &answer.headers, &answer.body)?;
        let claims = self.refreshed_claims(&metadata, ready.keys.as_deref(), &answer, record);
        let mut tokens = answer.into_token_set(Some(&record.tokens), asked_at);
        let claims = match claims {
            Ok(claims) => claims,
            Err(error) => {
                self.revoke(tokens);
                return Err(error);
            }
        };
        if claims.is_none() {
            // One that was not verified is no hint for a logout either.
            tokens.id_token = record.tokens.id_token.clone();
        }
        Ok(Renewed {
            sid: claims.as_ref().and_then(IdClaims::sid).map(str::to_owned),
            claims: claims.map(|claims| claims.public_claims()),
            tokens,
        })
    }

    /// Revokes what it can of `tokens`, beside the caller and best effort (R17, RFC 7009).
    pub(crate) fn revoke(self: &Arc<Self>, tokens: TokenSet) {
        let provider = Arc::clone(self);
        self.tasks.spawn(async move {
            let Ok(metadata) = provider.metadata().await else { return };
            for request in revocation_requests(&provider.client, &metadata, &tokens) {
                match provider.back_channel.send(request).await {
                    Ok(answer) if answer.status.is_success() => {}
                    Ok(answer) => {
                        let status = answer.status.as_u16();
                        tracing::warn!(provider = provider.name, status, "revocation refused");
                    }
                    Err(error) => {
                        tracing::warn!(provider = provider.name, %error, "revocation failed");
                    }
                }
            }
        });
    }

    /// The claims of a refreshed ID Token (R10).
    ///
    /// The rotated tokens wait to be stored and are worth more than the claims: nothing is fetched
    /// before that. Only another user's ID Token stops them, verified or not, for it came straight
    /// from the provider; one that cannot be verified is otherwise left aside.
    fn refreshed_claims(
        self: &Arc<Self>,
        metadata: &Arc<Metadata>,
        keys: Option<&KeySet>,
        answer: &TokenAnswer,
        record: &Record,
    ) -> Result<Option<IdClaims>, RefreshError> {
        let Some(id_token) = &answer.id_token else { return Ok(None) };
        if names_other_user(id_token, &record.user) {
            return Err(RefreshError::OtherUser);
        }
        let verified = keys.map(|keys| {
            let (client, user, access_token) = (&self.client, &record.user, &answer.access_token);
            let now = self.clock.now();
            verify_refreshed_id_token(client, metadata, keys, user, id_token, access_token, now)
        });
        match verified {
            Some(Ok(claims)) => return Ok(Some(claims)),
            Some(Err(error)) if error.is_other_user() => return Err(RefreshError::OtherUser),
            Some(Err(error)) => {
                tracing::warn!(provider = self.name, %error, "refreshed ID Token not used");
                if error.refetch_may_help() {
                    self.fetch_newer_keys(metadata);
                }
            }
            None => tracing::warn!(provider = self.name, "refreshed ID Token not used: no keys"),
        }
        Ok(None)
    }

    /// For the next refreshed ID Token.
    fn fetch_newer_keys(self: &Arc<Self>, metadata: &Arc<Metadata>) {
        let (provider, metadata) = (Arc::clone(self), Arc::clone(metadata));
        self.tasks.spawn(async move {
            drop(
                provider
                    .keys
                    .newer(
                        KeysAt::Url(metadata.jwks_url()),
                        &provider.back_channel,
                        &*provider.clock,
                    )
                    .await,
            );
        });
    }

    /// Verifies with the keys at hand, and once more with newer ones where the key is unknown.
    async fn verify(
        &self,
        metadata: &Metadata,
        verify: impl Fn(&KeySet) -> Result<IdClaims, IdTokenError>,
    ) -> Result<Result<IdClaims, IdTokenError>, ProviderUnavailable> {
        let keys = self
            .keys
            .current(KeysAt::Url(metadata.jwks_url()), &self.back_channel, &*self.clock)
            .await?;
        match verify(&keys) {
            Err(error) if error.refetch_may_help() => {
                let newer = self
                    .keys
                    .newer(KeysAt::Url(metadata.jwks_url()), &self.back_channel, &*self.clock)
                    .await?;
                Ok(verify(&newer))
            }
            verdict => Ok(verdict),
        }
    }
}
