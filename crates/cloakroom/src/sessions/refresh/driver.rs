//! Drives one flight: does the steps that `cloakroom_core::session::flight` decides on (R15).
//!
//! In mode `server` the lease is taken in the store, from all gateways that share it. Elsewhere it is ours
//! for the asking, and the steps are the same.

use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
    time::Duration,
};

use cloakroom_core::{
    session::{
        End, Freshness, Holder, Record,
        flight::{Event, Flight, Found, LEASE, Landing, MARK, MARK_AGE, POLL, RENEW_EVERY, Step},
    },
    time::Timestamp,
};
use cloakroom_store::{Replaced, StoreError};
use tokio::{
    sync::{OwnedSemaphorePermit, watch},
    time::{Instant, sleep, timeout},
};

use super::STORE_RETRY;
use crate::{
    provider::{Provider, Ready, RefreshError, Renewed},
    sessions::{
        LoadError, Presented, RefreshFailure, Sessions, Stored,
        counts::count,
        flights::{Outcome, Word},
        keeping::Lease,
    },
};

/// How long a flight waits for another gateway's: longer than any provider is given.
const WAIT: Duration = Duration::from_secs(75);
/// Between tries at the store while new tokens are in hand, at most.
const LONGEST_REST: Duration = Duration::from_secs(1);
const FIRST_REST: Duration = Duration::from_millis(50);
/// How often it is said that new tokens cannot be stored.
const COMPLAIN_EVERY: Duration = Duration::from_secs(60);
/// How soon a renewal that failed is tried again.
const RENEW_AGAIN: Duration = Duration::from_secs(2);
/// How long to wait for word why a session is gone.
const WORD: Duration = Duration::from_secs(2);

/// A flight and what it has in its hands.
pub(super) struct Driver<'a> {
    sessions: &'a Arc<Sessions>,
    presented: &'a Presented,
    /// When the token set was obtained that an upstream refused although it looks fresh.
    rejected: Option<Timestamp>,
    words: watch::Receiver<Word>,
    /// What was heard when the session was last read, or its lease last asked for.
    heard: Word,
    /// The session as last read or leased.
    stored: Option<Stored>,
    /// A place among the provider's requests, and what it has said of itself.
    boarded: Option<(Arc<Provider>, OwnedSemaphorePermit, Ready)>,
    /// Until when the lease lasts that we wait for.
    left: Duration,
    /// When the last mark was begun, by both clocks: one stands still where the machine sleeps, the other
    /// may be put.
    marked: Option<(Instant, Timestamp)>,
    waits: Option<Instant>,
    rests: Option<Rests>,
    /// What was spent, and what it gave.
    renewed: Option<(Stored, Arc<Record>)>,
    failure: RefreshFailure,
    why: &'static str,
}

/// How long the store has not taken new tokens.
struct Rests {
    since: Instant,
    next: Duration,
    complain_at: Instant,
}

impl<'a> Driver<'a> {
    pub(super) fn new(
        sessions: &'a Arc<Sessions>,
        presented: &'a Presented,
        rejected: Option<Timestamp>,
    ) -> Self {
        Self {
            words: sessions.flights.listen(presented.id()),
            sessions,
            presented,
            rejected,
            heard: Word::default(),
            stored: None,
            boarded: None,
            left: Duration::ZERO,
            marked: None,
            waits: None,
            rests: None,
            renewed: None,
            failure: RefreshFailure::Outage { retry_after: STORE_RETRY },
            why: "it timed out",
        }
    }

    pub(super) async fn fly(mut self) -> Outcome {
        let (mut flight, mut step) = Flight::begin();
        loop {
            let event = match step {
                Step::Read => self.read().await,
                Step::Lease { over } => {
                    let event = self.lease(over).await;
                    if let (Event::Taken { interrupted: true, .. }, counts) =
                        (&event, &self.sessions.counts)
                    {
                        let expired = &counts.taken_after_expiry;
                        count(over.map_or(expired, |_| &counts.taken_from_dead));
                    }
                    event
                }
                Step::LookUp(holder) => {
                    let dead = self.sessions.keeping.is_dead(holder, self.now()).await;
                    // Who cannot be looked up may live.
                    if dead.unwrap_or(false) { Event::Dead(holder) } else { Event::Alive }
                }
                Step::Wait => self.wait().await,
                Step::Mark => self.mark().await,
                Step::Spend => self.spend().await,
                Step::Keep => self.keep().await,
                Step::Rest => self.rest().await,
                Step::End(end) => self.end(end).await,
                Step::Land { release, landing } => {
                    if release {
                        self.release().await;
                    }
                    return self.land(landing).await;
                }
            };
            step = flight.on(event);
        }
    }

    /// From the store, not from what the caller knows: another flight may have stored a successor since.
    async fn read(&mut self) -> Event {
        self.heard = *self.words.borrow_and_update();
        match self.sessions.load(self.presented, self.now()).await {
            Ok(stored) => {
                self.stored = stored;
                Event::Found(self.found())
            }
            Err(error) => self.not_loaded(&error),
        }
    }

    async fn lease(&mut self, over: Option<Holder>) -> Event {
        // Whatever takes long comes before the lease.
        if self.renewed.is_none()
            && let Err(event) = self.board().await
        {
            return event;
        }
        self.heard = *self.words.borrow_and_update();
        let lease = self.sessions.keeping.lease(self.presented, over, LEASE, self.now()).await;
        match lease {
            Ok(Lease::Taken { stored, interrupted }) => {
                self.stored = Some(stored);
                Event::Taken { found: self.found(), interrupted }
            }
            Ok(Lease::Held { by, by_us, left }) => {
                self.left = left;
                Event::Held { by, by_us }
            }
            Ok(Lease::Gone) => Event::Found(Found::Gone),
            Err(error) => self.not_loaded(&error),
        }
    }

    /// Gets a place at the provider, and what it says of itself.
    async fn board(&mut self) -> Result<(), Event> {
        let record = self.stored.as_ref().map(|stored| &stored.record);
        let Some(provider) = record.and_then(|record| self.sessions.provider_of(record)) else {
            return Ok(());
        };
        if matches!(&self.boarded, Some((boarded, ..)) if Arc::ptr_eq(boarded, provider)) {
            return Ok(());
        }
        let Some(place) = provider.place().await else { return Ok(()) };
        match provider.ready().await {
            Ok(ready) => {
                self.boarded = Some((Arc::clone(provider), place, ready));
                Ok(())
            }
            Err(error) => Err(self.not_renewed(error, &provider.clone())),
        }
    }

    /// How the session stands that was read or leased.
    fn found(&mut self) -> Found {
        let Some(stored) = &self.stored else { return Found::Gone };
        let tokens = &stored.record.tokens;
        if let Some((spent, _)) = &self.renewed {
            return if spent.record.tokens == *tokens { Found::Due } else { Found::Fresh };
        }
        let due = match Freshness::of(tokens, &self.presented.id(), self.sessions.clock.now()) {
            Freshness::Expired => true,
            Freshness::Due => tokens.refresh_token.is_some(),
            Freshness::Fresh => {
                tokens.refresh_token.is_some() && self.rejected == Some(tokens.obtained_at)
            }
        };
        if !due {
            return Found::Fresh;
        }
        if self.sessions.provider_of(&stored.record).is_none() {
            self.why = "its provider is no longer configured";
            return Found::Hopeless;
        }
        if tokens.refresh_token.is_none() {
            self.why = "its token expired, and the provider gave no refresh token";
            return Found::Hopeless;
        }
        Found::Due
    }

    async fn wait(&mut self) -> Event {
        // Others may use it meanwhile.
        self.boarded = None;
        let now = Instant::now();
        if self.waits.is_none() {
            count(&self.sessions.counts.waited);
        }
        if now.duration_since(*self.waits.get_or_insert(now)) >= WAIT {
            return Event::OutOfPatience;
        }
        // Spread, so that not all gateways ask at once.
        let most = self.left.clamp(POLL / 10, POLL);
        drop(timeout(jittered(most), self.words.changed()).await);
        let word = *self.words.borrow_and_update();
        Event::Woken { released: word.releases != self.heard.releases }
    }

    async fn mark(&mut self) -> Event {
        self.marked = Some((Instant::now(), self.now()));
        match self.renew().await {
            Ok(is_ours) => Event::Marked(is_ours),
            Err(error) => self.store_failed(&error),
        }
    }

    async fn spend(&mut self) -> Event {
        let (Some(stored), Some((provider, _place, ready))) = (&self.stored, &self.boarded) else {
            return Event::Failed;
        };
        let (provider, record) = (Arc::clone(provider), &stored.record);
        let Some(refresh_token) = &record.tokens.refresh_token else { return Event::Failed };
        if !self.is_mark_young() {
            return Event::Stale;
        }
        let renewing = async {
            let mut next = RENEW_EVERY;
            loop {
                sleep(next).await;
                next = if self.renew().await.is_ok() { RENEW_EVERY } else { RENEW_AGAIN };
            }
        };
        let answer = tokio::select! {
            answer = provider.refresh(ready, refresh_token, record) => answer,
            () = renewing => return Event::Failed,
        };
        match answer {
            Ok(Renewed { tokens, claims, sid }) => {
                let before = stored.clone();
                let record = Record {
                    tokens,
                    sid: sid.or_else(|| before.record.sid.clone()),
                    claims: claims.unwrap_or_else(|| before.record.claims.clone()),
                    ..(*before.record).clone()
                };
                self.renewed = Some((before, Arc::new(record)));
                self.boarded = None;
                Event::Renewed
            }
            Err(error) => self.not_renewed(error, &provider),
        }
    }

    /// Whether what was sent now would be there while nobody else may send it.
    fn is_mark_young(&self) -> bool {
        let Some((begun, at)) = self.marked else { return false };
        let now = self.now();
        begun.elapsed() < MARK_AGE && at <= now && now.since(at) < MARK_AGE
    }

    /// Writes the rotated set before anybody uses it.
    async fn keep(&mut self) -> Event {
        let (Some(stored), Some((_, record))) = (&self.stored, &self.renewed) else {
            return Event::Failed;
        };
        match self.sessions.keeping.replace(self.presented, stored, record).await {
            Ok(Replaced::Done { .. }) => Event::Kept,
            Ok(Replaced::Conflict) => Event::Overtaken,
            Ok(Replaced::Gone) => Event::Found(Found::Gone),
            Err(error) => self.store_failed(&error),
        }
    }

    /// A rotated token is worth all patience: it is tried for as long as the session would last.
    async fn rest(&mut self) -> Event {
        let now = Instant::now();
        let rests = self.rests.get_or_insert(Rests {
            since: now,
            next: FIRST_REST,
            complain_at: now + COMPLAIN_EVERY,
        });
        let (pause, seconds) = (rests.next, now.duration_since(rests.since).as_secs());
        rests.next = (pause * 2).min(LONGEST_REST);
        let complains = now >= rests.complain_at;
        if complains {
            rests.complain_at = now + COMPLAIN_EVERY;
        }
        let (sid, ends) = (self.sid(), self.stored.as_ref().map(|stored| stored.expires_at));
        if ends.is_none_or(|ends| ends <= self.now()) {
            tracing::error!(
                sid,
                seconds,
                "a rotated token set was never stored: its session is lost"
            );
            return Event::OutOfPatience;
        }
        if complains {
            tracing::error!(
                sid,
                seconds,
                "a rotated token set cannot be stored yet: if this process ends now, or another \
                 gateway refreshes, the session is lost"
            );
        }
        sleep(jittered(pause)).await;
        Event::Rested
    }

    async fn end(&mut self, end: End) -> Event {
        let (id, now) = (self.presented.id(), self.now());
        match self.sessions.keeping.forget(id, end, now).await {
            Ok(_) => Event::Ended,
            Err(error) => self.store_failed(&error),
        }
    }

    async fn renew(&self) -> Result<bool, StoreError> {
        let Some(stored) = &self.stored else { return Ok(false) };
        self.sessions.keeping.renew(self.presented.id(), stored.version, MARK).await
    }

    /// Where the store fails, beside: who comes next need not wait for the lease to run out.
    async fn release(&self) {
        let Some(stored) = &self.stored else { return };
        let (id, version) = (self.presented.id(), stored.version);
        if self.sessions.keeping.release(id, version).await.is_ok() {
            return;
        }
        let sessions = Arc::clone(self.sessions);
        self.sessions.tasks.spawn(async move {
            let begun = Instant::now();
            while begun.elapsed() < MARK {
                sleep(jittered(2 * LONGEST_REST)).await;
                if sessions.keeping.release(id, version).await.is_ok() {
                    break;
                }
            }
        });
    }

    async fn land(mut self, landing: Landing) -> Outcome {
        let counts = &self.sessions.counts;
        match landing {
            Landing::Fresh => {
                let record = self.stored.take().map(|stored| stored.record);
                let Some(record) = record else { return Err(RefreshFailure::Ended) };
                match &self.renewed {
                    // A write that failed was done all the same.
                    Some((_, renewed)) if renewed.tokens == record.tokens => self.tell_refreshed(),
                    Some(_) => {
                        count(&counts.overtaken);
                        let sid = self.sid();
                        tracing::warn!(sid, "another gateway has refreshed the session meanwhile");
                    }
                    None => {}
                }
                Ok(record)
            }
            Landing::Renewed => {
                self.tell_refreshed();
                let renewed = self.renewed.take().map(|(_, record)| record);
                renewed.ok_or(RefreshFailure::Ended)
            }
            Landing::Gone => {
                let Some((_, renewed)) = self.renewed.take() else {
                    return Err(RefreshFailure::Ended);
                };
                // Logged out while the provider answered: the new tokens must not outlive that. What a
                // login replaced is left to expire: many providers keep one grant for both.
                let revoked =
                    matches!(self.why_gone().await, Some(End::Logout | End::Revoked | End::Reused));
                if revoked && let Some(provider) = self.sessions.provider_of(&renewed) {
                    provider.revoke(renewed.tokens.clone());
                }
                Err(RefreshFailure::EndedMeanwhile)
            }
            Landing::Ended(end) => {
                let (sid, why) = (self.sid(), self.why);
                if end == End::Lost {
                    count(&counts.lost);
                    tracing::error!(
                        sid,
                        "session lost: a gateway ended between the provider's answer and the store"
                    );
                } else {
                    tracing::info!(sid, why, "session ended");
                }
                self.sessions.tell(self.presented.ids(), |news| news.ended = Some(end));
                Err(RefreshFailure::Ended)
            }
            Landing::Outage => {
                count(&counts.outages);
                Err(self.failure)
            }
        }
    }

    fn tell_refreshed(&self) {
        let Some((_, record)) = &self.renewed else { return };
        count(&self.sessions.counts.refreshed);
        tracing::info!(sid = self.sid(), provider = record.provider, "token set refreshed");
        self.sessions.tell(self.presented.ids(), |news| {
            news.refreshes += 1;
            news.token_ends_at = record.tokens.expires_at;
        });
    }

    /// Why the session is gone; another gateway's word of it may still be on its way.
    async fn why_gone(&mut self) -> Option<End> {
        let told = self.words.wait_for(|word| word.end.is_some());
        timeout(WORD, told).await.ok()?.ok()?.end
    }

    fn not_loaded(&mut self, error: &LoadError) -> Event {
        match error {
            LoadError::Store(error) => self.store_failed(error),
            // What it would be refreshed with was not presented.
            LoadError::TokenExpired => Event::Found(Found::Gone),
            LoadError::Keys(detail) => {
                tracing::warn!(detail, "a session could not be verified");
                Event::Failed
            }
        }
    }

    fn store_failed(&mut self, error: &StoreError) -> Event {
        tracing::warn!(sid = self.sid(), %error, "the store failed in a refresh");
        self.failure = RefreshFailure::Outage { retry_after: STORE_RETRY };
        Event::Failed
    }

    fn not_renewed(&mut self, error: RefreshError, provider: &Provider) -> Event {
        match error {
            RefreshError::InvalidGrant => {
                count(&self.sessions.counts.refused);
                self.why = "the provider no longer takes its refresh token";
                Event::Refused
            }
            RefreshError::OtherUser => {
                self.why = "the provider answered its refresh with another user";
                Event::OtherUser
            }
            RefreshError::Outage { detail, retry_after } => {
                let (sid, provider) = (self.sid(), provider.name());
                tracing::warn!(sid, provider, detail, "refresh failed, the session lives on");
                self.failure = RefreshFailure::Outage { retry_after };
                Event::Failed
            }
        }
    }

    fn now(&self) -> Timestamp {
        self.sessions.clock.now()
    }

    fn sid(&self) -> String {
        self.presented.name().handle()
    }
}

/// Between half of `most` and all of it.
fn jittered(most: Duration) -> Duration {
    // Seeded anew each time, by the system's randomness at first.
    let random = RandomState::new().hash_one(());
    let share = u32::try_from(random % 1024).unwrap_or_default();
    most / 2 + most / 2 * share / 1024
}
