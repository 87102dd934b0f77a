//! A JSON login service at the edge: its requests in the operator's shape, sent and judged.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use cloakroom_core::{
    session::{Record, TokenSet},
    time::Timestamp,
};
use cloakroom_oauth::{
    MAX_ANSWER_BYTES,
    token_api::{LiftError, Lifted, LoginAnswer, TokenApi, judge_refresh_answer, lift_tokens},
};
use tokio_util::task::TaskTracker;

use super::{BackChannel, Login, RefreshError, Renewed};
use crate::{clock::Clock, coding};

/// One configured login service.
pub(crate) struct TokenApiProvider {
    name: String,
    issuer: String,
    api: TokenApi,
    back_channel: BackChannel,
    tasks: TaskTracker,
    clock: Arc<dyn Clock>,
    own_cookie_seen: AtomicBool,
}

impl TokenApiProvider {
    /// `tasks` takes what runs beside a request and must not be cut off.
    pub(super) fn new(
        name: String,
        api: TokenApi,
        back_channel: BackChannel,
        tasks: TaskTracker,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (issuer, own_cookie_seen) = (api.issuer(&name), AtomicBool::new(false));
        Self { issuer, name, api, back_channel, tasks, clock, own_cookie_seen }
    }

    /// See [`super::Provider::issuer`].
    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// What the operator says of the service.
    pub(crate) fn api(&self) -> &TokenApi {
        &self.api
    }

    /// Takes the tokens out of the answer to a login.
    pub(crate) fn lift(&self, answer: &[u8]) -> Result<LoginAnswer, LiftError> {
        lift_tokens(answer, &self.api.tokens, self.api.placeholder.as_deref())
    }

    /// Whether it is the first time that a login set a cookie in a refresh token's place.
    pub(crate) fn first_own_cookie(&self) -> bool {
        !self.own_cookie_seen.swap(true, Ordering::Relaxed)
    }

    /// The login that the service has answered; nothing of it needs to be verified, for it came
    /// straight from the service.
    pub(crate) fn login(&self, lifted: Lifted, asked_at: Timestamp) -> Login {
        let claims = self.api.claims.as_ref().map(|place| lifted.claims(place));
        let user = lifted.user(self.issuer.clone());
        let mut tokens = lifted.into_token_set(None, asked_at);
        if self.api.refresh.is_none() {
            // Nobody can spend it; without it the session lasts as long as its token.
            tokens.refresh_token = None;
        }
        Login { tokens, user, sid: None, claims: claims.unwrap_or_default() }
    }

    /// Spends the record's refresh token.
    pub(super) async fn refresh(&self, record: &Record) -> Result<Renewed, RefreshError> {
        let refresh = self.api.refresh.as_ref();
        let request =
            refresh.and_then(|refresh| Some((refresh, refresh.request.request(&record.tokens)?)));
        // No longer configured: nothing can be made of the refresh token any more.
        let (refresh, request) = request.ok_or(RefreshError::InvalidGrant)?;
        // Counted from before the request, a token's life never looks longer than it is.
        let asked_at = self.clock.now();
        let answer = self
            .back_channel
            .send(request)
            .await
            .map_err(|error| RefreshError::outage(error.to_string()))?;
        let body = coding::decode(&answer.headers, answer.body, MAX_ANSWER_BYTES)
            .map_err(|error| RefreshError::outage(error.to_string()))?;
        let lifted = judge_refresh_answer(answer.status, &answer.headers, &body, &refresh.tokens)?;
        let sub = lifted.user(String::new()).sub;
        let tokens = lifted.into_token_set(Some(&record.tokens), asked_at);
        let other_user = !sub.is_empty() && !record.user.sub.is_empty() && sub != record.user.sub;
        if other_user {
            self.revoke(tokens);
            return Err(RefreshError::OtherUser);
        }
        Ok(Renewed { tokens, claims: None, sid: None })
    }

    /// Tells the service that a session has ended, beside the caller and best effort (R17).
    pub(super) fn revoke(&self, tokens: TokenSet) {
        let request = self.api.logout.as_ref().and_then(|logout| logout.request.as_ref());
        let Some(request) = request.and_then(|request| request.request(&tokens)) else { return };
        let (back_channel, provider) = (self.back_channel.clone(), self.name.clone());
        self.tasks.spawn(async move {
            match back_channel.send(request).await {
                Ok(answer) if answer.status.is_success() => {}
                Ok(answer) => {
                    let status = answer.status.as_u16();
                    tracing::warn!(provider, status, "the login service refused the logout");
                }
                Err(error) => {
                    tracing::warn!(provider, %error, "logout at the login service failed")
                }
            }
        });
    }
}
