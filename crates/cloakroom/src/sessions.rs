//! Sessions at the edge: the core's records in a store, refreshed at their provider.
//!
//! A refresh is one flight per session on a task of its own (R15): whoever needs the token waits for
//! the flight, and a browser that goes away cancels its own waiting only. See [`flights`].

mod counts;
mod flights;
mod keeping;
mod listeners;
mod notices;
mod presented;
mod refresh;

use std::{collections::HashSet, sync::Arc, time::Duration};

use cloakroom_core::{
    session::{Device, End, Holder, Record, RecordId, Timeouts, TokenSet, UserKey},
    time::Timestamp,
};
use cloakroom_store::{SessionStore, StoreError};
use http::{HeaderMap, HeaderValue};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

pub use self::counts::RefreshCounts;
use self::{counts::Counts, flights::Flights, listeners::Listeners};
pub(crate) use self::{
    keeping::Keeping,
    listeners::{Listening, News},
    presented::Presented,
    refresh::AfterRefusal,
};
use crate::{
    clock::Clock,
    provider::{Login, Provider},
    reason::Reason,
    refusal::Refusal,
};

/// How long a fresh token set protects itself: within this a client whose request still carried the
/// replaced token gets the present one and starts no refresh.
pub(crate) const GRACE: Duration = Duration::from_secs(10);

/// When to ask again for keys that could not be had.
const KEYS_RETRY: Duration = Duration::from_secs(5);

/// The sessions of one Cloakroom.
pub(crate) struct Sessions {
    store: Arc<dyn SessionStore>,
    keeping: Keeping,
    clock: Arc<dyn Clock>,
    timeouts: Timeouts,
    providers: Vec<Arc<Provider>>,
    flights: Flights,
    listeners: Arc<Listeners>,
    tasks: TaskTracker,
    counts: Counts,
    /// Ends with this.
    _hearing: Option<AbortOnDropHandle<()>>,
}

/// An opened record with what the store says beside it.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) record: Arc<Record>,
    pub(crate) version: u64,
    pub(crate) expires_at: Timestamp,
}

impl Stored {
    /// When it ends if nobody uses it: without a refresh token, with its access token.
    pub(crate) fn ends_at(&self) -> Timestamp {
        match self.record.tokens {
            TokenSet { refresh_token: None, expires_at: Some(token), .. } => {
                self.expires_at.min(token)
            }
            _ => self.expires_at,
        }
    }
}

/// Whether a request keeps its session from its idle timeout (R32).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// Somebody uses the app.
    Uses,
    /// A page asks about the session itself: an open tab keeps none alive.
    Asks,
}

/// A session that has just begun.
pub(crate) struct Started {
    pub(crate) id: RecordId,
    /// What the answer to the login must set.
    pub(crate) cookies: Vec<HeaderValue>,
}

/// A session that has ended. Dropping it revokes its tokens at their provider, beside.
pub(crate) struct Ended {
    record: Record,
    /// Unless it is no longer configured.
    provider: Option<Arc<Provider>>,
}

impl Ended {
    /// What was last known of the session.
    pub(crate) fn record(&self) -> &Record {
        &self.record
    }

    /// Where its tokens came from.
    pub(crate) fn provider(&self) -> Option<&Arc<Provider>> {
        self.provider.as_ref()
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        if let Some(provider) = &self.provider {
            provider.revoke(self.record.tokens.clone());
        }
    }
}

/// Why a session could not begin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The mode's cookies do not hold it (R23); says what to do.
    #[error("{0}")]
    DoesNotFit(String),
    /// Its access token would prove nothing later; says what to do.
    #[error("{0}")]
    NotVerified(String),
    /// Nobody can say whether it would.
    #[error("{0}")]
    Unavailable(String),
}

/// Why a session could not be loaded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The keys that its access token is verified by cannot be had.
    #[error("{0}")]
    Keys(String),
    /// There is one, and only its page can have it refreshed (mode `jwt`).
    #[error("the access token has expired")]
    TokenExpired,
}

impl From<LoadError> for Refusal {
    fn from(error: LoadError) -> Self {
        let detail = error.to_string();
        match error {
            LoadError::Store(_) => Self::new(Reason::StoreUnavailable, detail),
            LoadError::Keys(_) => {
                Self::new(Reason::ProviderUnavailable, detail).retry_after(KEYS_RETRY)
            }
            LoadError::TokenExpired => Self::new(Reason::TokenExpired, detail),
        }
    }
}

/// Why a user's sessions could not be ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EverywhereError {
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nobody knows which they are: this mode keeps no list, or the login service names no user.
    #[error("the user's other sessions are not known here")]
    Unsupported,
}

/// Why a session's token could not be refreshed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RefreshFailure {
    /// The session is over: logged out, timed out, or its refresh token is dead.
    #[error("the session has ended")]
    Ended,
    /// It was over before the provider answered: a logout or a login, perhaps in another tab, whose own
    /// answer has told the browser what to keep.
    #[error("the session was ended meanwhile")]
    EndedMeanwhile,
    /// The provider or the store does not answer; the session lives on.
    #[error("the token cannot be refreshed at the moment")]
    Outage { retry_after: Duration },
}

impl Sessions {
    pub(crate) fn new(
        keeping: Keeping,
        store: Arc<dyn SessionStore>,
        clock: Arc<dyn Clock>,
        timeouts: Timeouts,
        providers: Vec<Arc<Provider>>,
        tasks: TaskTracker,
    ) -> Self {
        let flights = Flights::new(tasks.clone());
        let listeners = Listeners::new();
        let counts = Counts::default();
        let _hearing = match &keeping {
            Keeping::Server(_) => {
                let heard = notices::hear(store.notices(), flights.clone());
                Some(AbortOnDropHandle::new(tokio::spawn(heard)))
            }
            Keeping::Sealed(_) | Keeping::Jwt(_) => None,
        };
        Self {
            store,
            keeping,
            clock,
            timeouts,
            providers,
            flights,
            listeners,
            tasks,
            counts,
            _hearing,
        }
    }

    pub(crate) fn store(&self) -> &Arc<dyn SessionStore> {
        &self.store
    }

    pub(crate) fn provider(&self, name: &str) -> Option<&Arc<Provider>> {
        self.providers.iter().find(|provider| provider.name() == name)
    }

    pub(crate) fn providers(&self) -> &[Arc<Provider>] {
        &self.providers
    }

    /// What the request's cookies name; a cookie that comes twice is none (R27).
    pub(crate) fn present(&self, headers: &HeaderMap) -> Option<Presented> {
        self.keeping.present(headers)
    }

    /// Whether the request has a cookie by the name of the session's, whatever is in it.
    pub(crate) fn is_named(&self, headers: &HeaderMap) -> bool {
        self.keeping.is_named(headers)
    }

    /// Begins a session under a new id (R31).
    pub(crate) async fn start(
        &self,
        provider: &str,
        login: Login,
        device: Device,
        now: Timestamp,
    ) -> Result<Started, StartError> {
        let record = Record {
            provider: provider.to_owned(),
            user: login.user,
            sid: login.sid,
            claims: login.claims,
            tokens: login.tokens,
            created_at: now,
            absolute_end: now.plus(self.timeouts.absolute),
            // Cookies have no room for what no list shows.
            device: if self.are_stored() { device } else { Device::default() },
        };
        let started = self.keeping.start(record, now).await?;
        tracing::info!(sid = started.id.handle(), provider, "session started");
        Ok(started)
    }

    /// The session as kept; `None` where there is none that `presented` opens.
    pub(crate) async fn load(
        &self,
        presented: &Presented,
        now: Timestamp,
    ) -> Result<Option<Stored>, LoadError> {
        self.keeping.load(presented, now).await
    }

    /// Whether `presented` opens a session, also one that must be refreshed first.
    pub(crate) async fn exists(&self, presented: &Presented, now: Timestamp) -> bool {
        matches!(self.load(presented, now).await, Ok(Some(_)) | Err(LoadError::TokenExpired))
    }

    /// What an answer to `presented` must set, so that the browser keeps up with its session.
    ///
    /// Ask when the answer is ready: what a logout has ended meanwhile sets nothing again.
    pub(crate) fn cookies(
        &self,
        presented: &Presented,
        request: Request,
        now: Timestamp,
    ) -> Vec<HeaderValue> {
        self.keeping.cookies(presented, request, now)
    }

    /// The cookies by which a browser forgets its session.
    pub(crate) fn expire_cookies(&self) -> Vec<HeaderValue> {
        self.keeping.expire()
    }

    /// The cookies by which a browser forgets a session that has ended, where they hold more than a
    /// ticket to nothing.
    ///
    /// For answers to a refresh that found the session over: after a login meanwhile they would end that
    /// one's session.
    pub(crate) fn expire_ended(&self) -> Vec<HeaderValue> {
        match self.keeping {
            Keeping::Server(_) => Vec::new(),
            Keeping::Sealed(_) | Keeping::Jwt(_) => self.keeping.expire(),
        }
    }

    /// Whether what a session is refreshed and ended by comes to the refresh endpoint alone.
    pub(crate) fn are_split(&self) -> bool {
        matches!(self.keeping, Keeping::Jwt(_))
    }

    /// Whether the store holds them, and so knows when each ends.
    pub(crate) fn are_stored(&self) -> bool {
        matches!(self.keeping, Keeping::Server(_))
    }

    /// How long they last.
    pub(crate) fn timeouts(&self) -> Timeouts {
        self.timeouts
    }

    /// Listens for what becomes of the session that is presented by this id.
    pub(crate) fn listen(&self, id: RecordId) -> Listening {
        self.listeners.listen(self.keeping.listened_for_as(id))
    }

    /// Listens for the same session by its present id, where a refresh has given it one that lasts; says how
    /// it ended meanwhile.
    ///
    /// Once that is found it is kept: the id before it is forgotten some time after.
    pub(crate) fn listen_on(
        &self,
        before: &Listening,
        now: Timestamp,
    ) -> Result<Option<Listening>, End> {
        let id = self.keeping.listened_for_as(before.id());
        if id == before.id() {
            return Ok(None);
        }
        let listening = self.listeners.listen(id);
        if self.keeping.has_ended(id, now) { Err(End::Logout) } else { Ok(Some(listening)) }
    }

    /// Ends all listening, for good.
    pub(crate) fn end_listening(&self) {
        self.listeners.close();
    }

    /// Tells who listens for a session, by any of its ids.
    fn tell(&self, ids: impl IntoIterator<Item = RecordId>, change: impl Fn(&mut News)) {
        let both = |id| [id, self.keeping.listened_for_as(id)];
        for id in ids.into_iter().flat_map(both).collect::<HashSet<_>>() {
            self.listeners.tell(id, &change);
        }
    }

    /// Ends the session. Its tokens are revoked when the answer is dropped.
    ///
    /// On a task of its own: a browser that goes away stops no logout half-way.
    pub(crate) async fn end(
        self: &Arc<Self>,
        presented: &Presented,
        now: Timestamp,
    ) -> Result<Option<Ended>, LoadError> {
        let (sessions, presented) = (Arc::clone(self), presented.clone());
        let task = self.tasks.spawn(async move {
            let record = sessions.remove(&presented, now).await?;
            let ended = |record| Ended { provider: sessions.provider_of(&record).cloned(), record };
            Ok(record.map(ended))
        });
        match task.await {
            Ok(removed) => removed,
            // Nobody aborts it.
            Err(crash) => std::panic::resume_unwind(crash.into_panic()),
        }
    }

    async fn remove(
        &self,
        presented: &Presented,
        now: Timestamp,
    ) -> Result<Option<Record>, LoadError> {
        // Without the right secret half an id ends nothing.
        match self.load(presented, now).await {
            Ok(Some(_)) | Err(LoadError::TokenExpired) => {}
            Ok(None) => return Ok(None),
            Err(error) => return Err(error),
        }
        let id = presented.id();
        // Before the record goes: a flight that finds it gone must know why.
        self.flights.note_end(id, End::Logout);
        // What is removed may be newer than what was loaded.
        let removed = self.keeping.remove(presented, now).await?;
        // Another flight may have begun while the store was at it.
        self.flights.note_end(id, End::Logout);
        tracing::info!(sid = presented.name().handle(), "session ended: logout");
        self.tell(presented.ids(), |news| news.ended = Some(End::Logout));
        Ok(removed)
    }

    /// Ends the session and every other one of the same user that the store knows (R33).
    ///
    /// The others can be removed but not opened: their tokens are locked with the secret half of cookies
    /// that other browsers have. So what is revoked is this session's tokens, and those that a refresh
    /// under way brings; the others' end with the records that held them.
    pub(crate) async fn end_everywhere(
        self: &Arc<Self>,
        presented: &Presented,
        now: Timestamp,
    ) -> Result<Option<Ended>, EverywhereError> {
        let Keeping::Server(_) = &self.keeping else { return Err(EverywhereError::Unsupported) };
        let Some(stored) = self.load(presented, now).await? else { return Ok(None) };
        let user = stored.record.user.clone();
        if user.sub.is_empty() {
            return Err(EverywhereError::Unsupported);
        }
        let (sessions, presented) = (Arc::clone(self), presented.clone());
        // One task for all: a browser that goes away stops no logout half-way.
        let task = self.tasks.spawn(async move {
            sessions.end_others(&user, presented.id(), now).await?;
            // Last: as long as others may be left, this one can ask again.
            Ok(sessions.end(&presented, now).await?)
        });
        match task.await {
            Ok(ended) => ended,
            // Nobody aborts it.
            Err(crash) => std::panic::resume_unwind(crash.into_panic()),
        }
    }

    async fn end_others(
        &self,
        user: &UserKey,
        but: RecordId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Keeping::Server(server) = &self.keeping else { return Ok(()) };
        let mut count = 0;
        loop {
            let ids = server.of_user(user, but, now).await?;
            if ids.is_empty() {
                break;
            }
            count += ids.len();
            // Together: a store may write many at the price of one.
            futures_util::future::try_join_all(ids.into_iter().map(|id| self.end_other(id, now)))
                .await?;
        }
        tracing::info!(count, "sessions ended: logout everywhere");
        Ok(())
    }

    async fn end_other(&self, id: RecordId, now: Timestamp) -> Result<(), StoreError> {
        // Before the record goes: a flight that finds it gone must know why.
        self.flights.note_end(id, End::Logout);
        let was_there = self.keeping.forget(id, End::Logout, now).await?;
        // Another flight may have begun while the store was at it.
        self.flights.note_end(id, End::Logout);
        if was_there {
            tracing::info!(sid = id.handle(), "session ended: logout everywhere");
            self.tell([id], |news| news.ended = Some(End::Logout));
        }
        Ok(())
    }

    /// Destroys the session that a login replaced (R31).
    ///
    /// Its tokens are left to expire: many providers keep one grant for both logins, and to revoke the
    /// old would end the new.
    pub(crate) async fn supersede(&self, id: RecordId, now: Timestamp) {
        // Before the record goes: a flight that finds it gone must know why.
        self.flights.note_end(id, End::Replaced);
        match self.keeping.forget(id, End::Replaced, now).await {
            Ok(false) => {}
            Ok(true) => {
                tracing::info!(sid = id.handle(), "session ended: logged in anew");
                self.tell([id], |news| news.ended = Some(End::Replaced));
            }
            Err(error) => {
                tracing::warn!(sid = id.handle(), %error, "the session before a login could not be removed");
            }
        }
    }

    /// Moves the idle timeout on, where it lags, beside the request.
    pub(crate) fn touch(self: &Arc<Self>, presented: &Presented, stored: &Stored, now: Timestamp) {
        let touch = self.timeouts.touch(now, stored.expires_at, stored.record.absolute_end);
        let Some(expires_at) = touch else { return };
        let (sessions, id) = (Arc::clone(self), presented.id());
        self.tasks.spawn(async move {
            if let Err(error) = sessions.keeping.touch(id, expires_at).await {
                tracing::warn!(%error, "the idle timeout of a session could not be moved on");
            }
        });
    }

    /// What became of the refreshes so far.
    pub(crate) fn refresh_counts(&self) -> RefreshCounts {
        self.counts.read()
    }

    /// Tells everybody who shares the store that a process is dead.
    pub(crate) async fn declare_dead(&self, holder: Holder) -> Result<(), StoreError> {
        keeping::declare_dead(&*self.store, holder, self.clock.now()).await
    }

    /// Removes expired records and forgotten flights; call it every minute or so.
    pub(crate) async fn sweep(&self, now: Timestamp) -> Result<usize, StoreError> {
        self.flights.forget_cooled(now);
        Ok(self.keeping.sweep(now) + self.store.sweep(now).await?)
    }
}
