//! What a flight does: spend the refresh token once, store the successor, then tell (R15).

use std::{sync::Arc, time::Duration};

use cloakroom_core::{
    session::{End, Freshness, Record},
    time::Timestamp,
};
use cloakroom_store::{Replaced, StoreError};

use super::{GRACE, LoadError, Presented, RefreshFailure, Sessions, Stored, flights::Outcome};
use crate::provider::{Provider, RefreshError};

/// Tries at writing a rotated token set: losing it would end the session, so patience is cheap.
const WRITE_TRIES: u32 = 8;
/// How long a request waits for a flight; the flight itself goes on.
const PATIENCE: Duration = Duration::from_secs(20);
/// When to ask again after the store failed.
const STORE_RETRY: Duration = Duration::from_secs(1);

impl Sessions {
    /// A usable record for the ticket: the present one where it is good, else its successor.
    ///
    /// `rejected` is the moment at which the token set was obtained whose access token an upstream
    /// refused: that very set is replaced although it looks fresh.
    pub(crate) async fn refresh(
        self: &Arc<Self>,
        presented: &Presented,
        rejected: Option<Timestamp>,
    ) -> Outcome {
        let fly = Arc::clone(self).fly(presented.clone(), rejected);
        let flight = self.flights.join(presented.id(), self.clock.now(), fly);
        tokio::time::timeout(PATIENCE, flight)
            .await
            .unwrap_or(Err(RefreshFailure::Outage { retry_after: STORE_RETRY }))
    }

    /// Starts the flight of a token that is due and still good.
    pub(crate) fn refresh_beside(self: &Arc<Self>, presented: &Presented, record: &Record) {
        if record.tokens.refresh_token.is_some() {
            let fly = Arc::clone(self).fly(presented.clone(), None);
            self.flights.start(presented.id(), self.clock.now(), fly);
        }
    }

    /// What becomes of a session whose access token an upstream refused; its flight starts, or is the
    /// page's to ask for.
    pub(crate) fn token_refused(
        self: &Arc<Self>,
        presented: &Presented,
        record: &Record,
    ) -> AfterRefusal {
        let (now, tokens) = (self.clock.now(), &record.tokens);
        let young = now.since(tokens.obtained_at) < GRACE;
        let until = tokens.expires_at.unwrap_or(now);
        if !young && self.keeping.leave_refresh_to_page(presented, until) {
            return AfterRefusal::Refresh;
        }
        match tokens.refresh_token {
            None if !self.are_split() => AfterRefusal::LogIn,
            _ if young => AfterRefusal::Nothing,
            _ => {
                let fly = Arc::clone(self).fly(presented.clone(), Some(tokens.obtained_at));
                self.flights.start(presented.id(), now, fly);
                AfterRefusal::Refresh
            }
        }
    }

    /// [`Sessions::refresh`] for a page that asks for it.
    pub(crate) async fn refresh_for_page(self: &Arc<Self>, presented: &Presented) -> Outcome {
        self.refresh(presented, self.keeping.rejected(presented)).await
    }

    async fn fly(
        self: Arc<Self>,
        presented: Presented,
        rejected: Option<Timestamp>,
    ) -> (Outcome, Timestamp) {
        let outcome = self.replace_tokens(&presented, rejected).await;
        (outcome, self.clock.now())
    }

    async fn replace_tokens(&self, presented: &Presented, rejected: Option<Timestamp>) -> Outcome {
        // Read here, not by the caller: the flight before this one may have stored a successor since.
        let stored = match self.spendable(presented, rejected).await? {
            Spendable::No(record) => return Ok(record),
            Spendable::Yes(stored) => stored,
        };
        let provider = self.provider_of(&stored.record);
        let Some(provider) = provider else {
            return self.over(presented, "its provider is no longer configured").await;
        };
        let (_place, waited) = provider.place().await;
        let stored = match waited {
            false => stored,
            // While it waited the session may have ended.
            true => match self.spendable(presented, rejected).await? {
                Spendable::No(record) => return Ok(record),
                Spendable::Yes(stored) => stored,
            },
        };
        let Some(refresh_token) = &stored.record.tokens.refresh_token else {
            return self
                .over(presented, "its token expired, and the provider gave no refresh token")
                .await;
        };
        match provider.refresh(refresh_token, &stored.record).await {
            Ok(renewed) => {
                let record = Record {
                    tokens: renewed.tokens,
                    sid: renewed.sid.or_else(|| stored.record.sid.clone()),
                    claims: renewed.claims.unwrap_or_else(|| stored.record.claims.clone()),
                    ..(*stored.record).clone()
                };
                self.store_successor(presented, &stored, record, provider).await
            }
            Err(RefreshError::InvalidGrant) => {
                self.over(presented, "the provider no longer takes its refresh token").await
            }
            Err(RefreshError::OtherUser) => {
                self.over(presented, "the provider answered its refresh with another user").await
            }
            Err(RefreshError::Outage { detail, retry_after }) => {
                let (sid, provider) = (presented.name().handle(), provider.name());
                tracing::warn!(sid, provider, detail, "refresh failed, the session lives on");
                Err(RefreshFailure::Outage { retry_after })
            }
        }
    }

    /// The session as stored, and whether its tokens are to be replaced.
    async fn spendable(
        &self,
        presented: &Presented,
        rejected: Option<Timestamp>,
    ) -> Result<Spendable, RefreshFailure> {
        let now = self.clock.now();
        let stored = self.load(presented, now).await.map_err(|error| not_loaded(&error))?;
        let Some(stored) = stored else { return Err(RefreshFailure::Ended) };
        let tokens = &stored.record.tokens;
        let replace = match Freshness::of(tokens, &presented.id(), now) {
            Freshness::Expired => true,
            Freshness::Due => tokens.refresh_token.is_some(),
            Freshness::Fresh => {
                tokens.refresh_token.is_some() && rejected == Some(tokens.obtained_at)
            }
        };
        Ok(if replace { Spendable::Yes(stored) } else { Spendable::No(stored.record) })
    }

    /// The provider that the record's tokens came from: the same name *and* issuer, for a token must
    /// never go to another provider that took over the name (R7).
    pub(crate) fn provider_of(&self, record: &Record) -> Option<&Arc<Provider>> {
        let same_issuer = |provider: &&Arc<Provider>| provider.issuer() == record.user.iss;
        self.provider(&record.provider).filter(same_issuer)
    }

    /// Writes the rotated set before anybody uses it.
    async fn store_successor(
        &self,
        presented: &Presented,
        before: &Stored,
        record: Record,
        provider: &Arc<Provider>,
    ) -> Outcome {
        let (id, sid) = (presented.id(), presented.name().handle());
        let record = Arc::new(record);
        let mut wait = Duration::from_millis(50);
        for attempt in 1..=WRITE_TRIES {
            match self.keeping.replace(presented, before, &record).await {
                Ok(Replaced::Done { .. }) => {
                    tracing::info!(sid, provider = provider.name(), "token set refreshed");
                    self.tell(presented.ids(), |news| {
                        news.refreshes += 1;
                        news.token_ends_at = record.tokens.expires_at;
                    });
                    return Ok(record);
                }
                // Logged out while the provider answered: the new tokens must not outlive that.
                Ok(Replaced::Gone) => {
                    if self.flights.is_logged_out(id) {
                        provider.revoke(record.tokens.clone());
                    }
                    return Err(RefreshFailure::EndedMeanwhile);
                }
                Ok(Replaced::Conflict) => {
                    tracing::warn!(sid, "the record was replaced by somebody else");
                    let now = self.clock.now();
                    let stored = self.load(presented, now).await;
                    return match stored.map_err(|error| not_loaded(&error))? {
                        Some(stored) => Ok(stored.record),
                        None => Err(RefreshFailure::Ended),
                    };
                }
                Err(error) => {
                    tracing::error!(sid, %error, attempt, "a rotated token set could not be stored");
                    tokio::time::sleep(wait).await;
                    wait *= 2;
                }
            }
        }
        Err(RefreshFailure::Outage { retry_after: STORE_RETRY })
    }

    async fn over(&self, presented: &Presented, why: &str) -> Outcome {
        let id = presented.id();
        tracing::info!(sid = presented.name().handle(), why, "session ended");
        let forgotten = self.keeping.forget(id, End::Expired, self.clock.now()).await;
        forgotten.map_err(|error| store_outage(&error))?;
        self.tell(presented.ids(), |news| news.ended = Some(End::Expired));
        Err(RefreshFailure::Ended)
    }
}

/// What a flight finds.
enum Spendable {
    /// The tokens are good as they are.
    No(Arc<Record>),
    /// They are to be replaced.
    Yes(Stored),
}

/// What a client is to do whose token an upstream refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AfterRefusal {
    /// Take it as the API's answer: the token is so young that another would fare no better.
    Nothing,
    /// Refresh and repeat.
    Refresh,
    /// Log in: there is no refresh token.
    LogIn,
}

fn not_loaded(error: &LoadError) -> RefreshFailure {
    match error {
        LoadError::Store(error) => store_outage(error),
        // What it would be refreshed with was not presented.
        LoadError::TokenExpired => RefreshFailure::Ended,
        LoadError::Keys(detail) => {
            tracing::warn!(detail, "a session could not be verified");
            RefreshFailure::Outage { retry_after: STORE_RETRY }
        }
    }
}

fn store_outage(error: &StoreError) -> RefreshFailure {
    tracing::error!(%error, "the store failed in a refresh");
    RefreshFailure::Outage { retry_after: STORE_RETRY }
}
