//! Who needs a refresh, and for how long they wait for it (R15).

mod driver;

use std::{sync::Arc, time::Duration};

use cloakroom_core::{session::Record, time::Timestamp};

use self::driver::Driver;
use super::{GRACE, Presented, RefreshFailure, Sessions, flights::Outcome};
use crate::provider::Provider;

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
        let outcome = Driver::new(&self, &presented, rejected).fly().await;
        (outcome, self.clock.now())
    }

    /// The provider that the record's tokens came from: the same name *and* issuer, for a token must
    /// never go to another provider that took over the name (R7).
    pub(crate) fn provider_of(&self, record: &Record) -> Option<&Arc<Provider>> {
        let same_issuer = |provider: &&Arc<Provider>| provider.issuer() == record.user.iss;
        self.provider(&record.provider).filter(same_issuer)
    }
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
