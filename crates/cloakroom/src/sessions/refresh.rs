//! What a flight does: spend the refresh token once, store the successor, then tell (R15).

use std::{sync::Arc, time::Duration};

use cloakroom_core::{
    session::{Freshness, Record, Ticket},
    time::Timestamp,
};
use cloakroom_store::{Replaced, StoreError};

use super::{GRACE, RefreshFailure, Sessions, Stored, flights::Outcome};
use crate::provider::{Provider, RefreshError};

/// Tries at writing a rotated token set: losing it would end the session, so patience is cheap.
const WRITE_TRIES: u32 = 8;
/// When to ask again after the store failed.
const STORE_RETRY: Duration = Duration::from_secs(1);

impl Sessions {
    /// A usable record for the ticket: the present one where it is good, else its successor.
    ///
    /// `rejected` is the moment at which the token set was obtained whose access token an upstream
    /// refused: that very set is replaced although it looks fresh.
    pub(crate) async fn refresh(
        self: &Arc<Self>,
        ticket: &Ticket,
        rejected: Option<Timestamp>,
    ) -> Outcome {
        let fly = Arc::clone(self).fly(ticket.clone(), rejected);
        self.flights.join(ticket.record_id(), self.clock.now(), fly).await
    }

    /// Starts the flight of a token that is due and still good.
    pub(crate) fn refresh_beside(self: &Arc<Self>, ticket: &Ticket, record: &Record) {
        if record.tokens.refresh_token.is_some() {
            let fly = Arc::clone(self).fly(ticket.clone(), None);
            self.flights.start(ticket.record_id(), self.clock.now(), fly);
        }
    }

    /// Starts the flight of a token that an upstream refused, unless it is within [`GRACE`].
    pub(crate) fn refresh_rejected(self: &Arc<Self>, ticket: &Ticket, record: &Record) {
        let now = self.clock.now();
        if record.tokens.refresh_token.is_some() && now.since(record.tokens.obtained_at) >= GRACE {
            let fly = Arc::clone(self).fly(ticket.clone(), Some(record.tokens.obtained_at));
            self.flights.start(ticket.record_id(), now, fly);
        }
    }

    async fn fly(
        self: Arc<Self>,
        ticket: Ticket,
        rejected: Option<Timestamp>,
    ) -> (Outcome, Timestamp) {
        let outcome = self.replace_tokens(&ticket, rejected).await;
        (outcome, self.clock.now())
    }

    async fn replace_tokens(&self, ticket: &Ticket, rejected: Option<Timestamp>) -> Outcome {
        let id = ticket.record_id();
        // Read again: the flight before this one may have stored a successor since its caller read.
        let now = self.clock.now();
        let stored = self.load(ticket, now).await.map_err(|error| store_outage(&error))?;
        let Some(stored) = stored else { return Err(RefreshFailure::Ended) };
        let freshness = Freshness::of(&stored.record.tokens, &id, now);
        if freshness == Freshness::Fresh && rejected != Some(stored.record.tokens.obtained_at) {
            return Ok(stored.record);
        }
        let Some(refresh_token) = &stored.record.tokens.refresh_token else {
            return match freshness {
                Freshness::Expired => {
                    self.over(ticket, "its token expired, and the provider gave no refresh token")
                        .await
                }
                _ => Ok(stored.record),
            };
        };
        let Some(provider) = self.provider(&stored.record.provider) else {
            return self.over(ticket, "its provider is no longer configured").await;
        };
        // Held to the end of the flight; the semaphore is never closed.
        let _place = self.at_providers.acquire().await;
        match provider.refresh(refresh_token, &stored.record, self.clock.as_ref()).await {
            Ok(renewed) => {
                let record = Record {
                    tokens: renewed.tokens,
                    claims: renewed.claims.unwrap_or_else(|| stored.record.claims.clone()),
                    ..(*stored.record).clone()
                };
                self.store_successor(ticket, &stored, record, provider).await
            }
            Err(RefreshError::InvalidGrant) => {
                self.over(ticket, "the provider no longer takes its refresh token").await
            }
            Err(RefreshError::OtherUser) => {
                self.over(ticket, "the provider answered its refresh with another user").await
            }
            Err(RefreshError::Outage { detail, retry_after }) => {
                tracing::warn!(
                    sid = id.handle(),
                    provider = provider.name(),
                    detail,
                    "refresh failed, the session lives on"
                );
                Err(RefreshFailure::Outage { retry_after })
            }
        }
    }

    /// Writes the rotated set before anybody uses it.
    async fn store_successor(
        &self,
        ticket: &Ticket,
        before: &Stored,
        record: Record,
        provider: &Arc<Provider>,
    ) -> Outcome {
        let id = ticket.record_id();
        let record = Arc::new(record);
        let mut wait = Duration::from_millis(50);
        for attempt in 1..=WRITE_TRIES {
            let sealed = record.seal(&self.keyring, ticket, &*self.random);
            match self.store.replace(id, before.version, sealed, before.expires_at).await {
                Ok(Replaced::Done { .. }) => {
                    tracing::info!(
                        sid = id.handle(),
                        provider = provider.name(),
                        "token set refreshed"
                    );
                    return Ok(record);
                }
                // Logged out while the provider answered: the new tokens must not outlive that.
                Ok(Replaced::Gone) => {
                    provider.revoke(record.tokens.clone(), self.clock.now());
                    return Err(RefreshFailure::Ended);
                }
                Ok(Replaced::Conflict) => {
                    tracing::warn!(sid = id.handle(), "the record was replaced by somebody else");
                    let now = self.clock.now();
                    let stored = self.load(ticket, now).await;
                    return match stored.map_err(|error| store_outage(&error))? {
                        Some(stored) => Ok(stored.record),
                        None => Err(RefreshFailure::Ended),
                    };
                }
                Err(error) => {
                    tracing::error!(sid = id.handle(), %error, attempt, "a rotated token set could not be stored");
                    tokio::time::sleep(wait).await;
                    wait *= 2;
                }
            }
        }
        Err(RefreshFailure::Outage { retry_after: STORE_RETRY })
    }

    async fn over(&self, ticket: &Ticket, why: &str) -> Outcome {
        let id = ticket.record_id();
        tracing::info!(sid = id.handle(), why, "session ended");
        self.store.remove(id).await.map_err(|error| store_outage(&error))?;
        Err(RefreshFailure::Ended)
    }
}

fn store_outage(error: &StoreError) -> RefreshFailure {
    tracing::error!(%error, "the store failed in a refresh");
    RefreshFailure::Outage { retry_after: STORE_RETRY }
}
