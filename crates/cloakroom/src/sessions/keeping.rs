//! Where a session is kept: what the cookie holds and what we remember.
//!
//! Everything else about sessions (flights, grace, timeouts) is the same in every mode.

mod death;
mod jwt;
mod memory;
mod sealed;
mod server;

use std::{sync::Arc, time::Duration};

use cloakroom_core::{
    cookie::{Attributes, CookiePath, CookiePathError},
    random::Random,
    session::{End, Holder, Record, RecordId},
    time::Timestamp,
};
use cloakroom_store::{Replaced, SessionStore, StoreError};
use http::{HeaderMap, HeaderValue};

pub(super) use self::death::declare_dead;
use self::{jwt::Jwt, sealed::Sealed, server::Server};
use super::{LoadError, Presented, Request, StartError, Started, Stored, presented::Kind};
use crate::{
    keyring::SharedKeyring,
    settings::{SessionMode, Settings},
    verifier::Verifiers,
};

/// How the sessions of one Cloakroom are kept.
#[expect(clippy::large_enum_variant, reason = "there is one in a process")]
pub(crate) enum Keeping {
    /// The record in the store, a ticket in the cookie.
    Server(Server),
    /// The whole session in the cookies.
    Sealed(Sealed),
    /// The access token in a cookie, the rest in another.
    Jwt(Jwt),
}

/// What became of asking for a session's lease.
pub(super) enum Lease {
    /// It is ours, named by the version of what is kept.
    Taken {
        stored: Stored,
        /// Its last holder vanished.
        interrupted: bool,
    },
    /// It is another flight's.
    Held {
        by: Holder,
        /// Of this very process.
        by_us: bool,
        /// For how much longer, if it is not renewed.
        left: Duration,
    },
    /// There is no such session.
    Gone,
}

impl Keeping {
    /// # Errors
    /// When the control endpoints' prefix cannot be a cookie's path.
    pub(crate) fn new(
        settings: &Settings,
        store: &Arc<dyn SessionStore>,
        keyring: SharedKeyring,
        random: &Arc<dyn Random>,
        verifiers: &Arc<Verifiers>,
        holder: Holder,
    ) -> Result<Self, CookiePathError> {
        let (timeouts, cookie) = (settings.timeouts, settings.cookie.clone());
        let (attributes, random) = (cookie.attributes(), Arc::clone(random));
        Ok(match settings.mode.clone() {
            SessionMode::Server => {
                let store = Arc::clone(store);
                Self::Server(Server { store, holder, keyring, random, timeouts, cookie })
            }
            SessionMode::Sealed => {
                Self::Sealed(Sealed::new(cookie.name, attributes, keyring, random, timeouts))
            }
            SessionMode::Jwt { access_cookie } => {
                let path = CookiePath::parse(&format!("{}/refresh", settings.control_prefix))?;
                let own = Attributes { path, ..attributes.clone() };
                let (name, shared) = (settings.refresh_cookie(), Arc::clone(&random));
                let refresh = Sealed::new(name, own, keyring, shared, timeouts);
                let verifiers = Arc::clone(verifiers);
                Self::Jwt(Jwt::new(access_cookie, attributes, refresh, verifiers, random, timeouts))
            }
        })
    }

    /// What the request's cookies name; a cookie that comes twice is none (R27).
    pub(super) fn present(&self, headers: &HeaderMap) -> Option<Presented> {
        match self {
            Self::Server(server) => server.present(headers),
            Self::Sealed(sealed) => sealed.present(headers),
            Self::Jwt(jwt) => jwt.present(headers),
        }
    }

    /// Whether the request has a cookie by the name of the session's, good or not, once or twice.
    pub(super) fn is_named(&self, headers: &HeaderMap) -> bool {
        match self {
            Self::Server(server) => server.is_named(headers),
            Self::Sealed(sealed) => sealed.is_named(headers),
            Self::Jwt(jwt) => jwt.is_named(headers),
        }
    }

    /// Keeps a new session under a new id (R31).
    pub(super) async fn start(
        &self,
        record: Record,
        now: Timestamp,
    ) -> Result<Started, StartError> {
        match self {
            Self::Server(server) => server.start(&record, now).await,
            Self::Sealed(sealed) => sealed.start(record, now),
            Self::Jwt(jwt) => jwt.start(record, now).await,
        }
    }

    /// The session that `presented` opens.
    pub(super) async fn load(
        &self,
        presented: &Presented,
        now: Timestamp,
    ) -> Result<Option<Stored>, LoadError> {
        match self {
            Self::Server(server) => Ok(server.load(presented, now).await?),
            Self::Sealed(sealed) => Ok(sealed.load(presented, now)),
            Self::Jwt(jwt) => jwt.load(presented, now).await,
        }
    }

    /// Takes the right to refresh the session, and says how it stands now.
    ///
    /// Where cookies hold it there is nobody to take it from: the process's own flight is alone.
    pub(super) async fn lease(
        &self,
        presented: &Presented,
        over: Option<Holder>,
        lasts: Duration,
        now: Timestamp,
    ) -> Result<Lease, LoadError> {
        match self {
            Self::Server(server) => Ok(server.lease(presented, over, lasts, now).await?),
            Self::Sealed(_) | Self::Jwt(_) => Ok(match self.load(presented, now).await? {
                Some(stored) => Lease::Taken { stored, interrupted: false },
                None => Lease::Gone,
            }),
        }
    }

    /// Whether the lease taken at that version is still ours; then it is for as long as `lasts`.
    pub(super) async fn renew(
        &self,
        id: RecordId,
        version: u64,
        lasts: Duration,
    ) -> Result<bool, StoreError> {
        match self {
            Self::Server(server) => server.store.renew(id, version, lasts).await,
            Self::Sealed(_) | Self::Jwt(_) => Ok(true),
        }
    }

    /// Ends the lease taken at that version.
    pub(super) async fn release(&self, id: RecordId, version: u64) -> Result<(), StoreError> {
        match self {
            Self::Server(server) => server.store.release(id, version).await,
            Self::Sealed(_) | Self::Jwt(_) => Ok(()),
        }
    }

    /// Whether that process is known to be dead.
    pub(super) async fn is_dead(&self, holder: Holder, now: Timestamp) -> Result<bool, StoreError> {
        match self {
            Self::Server(server) => death::is_dead(&*server.store, holder, now).await,
            Self::Sealed(_) | Self::Jwt(_) => Ok(false),
        }
    }

    /// Puts `record` in the place of `before`, unless somebody else did or the session is gone.
    pub(super) async fn replace(
        &self,
        presented: &Presented,
        before: &Stored,
        record: &Arc<Record>,
    ) -> Result<Replaced, StoreError> {
        match self {
            Self::Server(server) => server.replace(presented, before, record).await,
            Self::Sealed(sealed) => Ok(sealed.replace(presented, before, record)),
            Self::Jwt(jwt) => Ok(jwt.replace(presented, before, record)),
        }
    }

    /// Ends the session and gives its last record, where it can be had, so that its tokens can be
    /// revoked.
    pub(super) async fn remove(
        &self,
        presented: &Presented,
        now: Timestamp,
    ) -> Result<Option<Record>, StoreError> {
        match self {
            Self::Server(server) => server.remove(presented).await,
            Self::Sealed(sealed) => Ok(sealed.remove(presented, now).map(Arc::unwrap_or_clone)),
            Self::Jwt(jwt) => Ok(jwt.remove(presented, now).map(Arc::unwrap_or_clone)),
        }
    }

    /// Ends the session of that name, and says whether there was one.
    pub(super) async fn forget(
        &self,
        id: RecordId,
        end: End,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        match self {
            Self::Server(server) => server.forget(id, end).await,
            Self::Sealed(sealed) => {
                sealed.forget(id, now);
                Ok(true)
            }
            Self::Jwt(jwt) => {
                jwt.forget(id, now);
                Ok(true)
            }
        }
    }

    /// Notes that the session was used and ends at `expires_at` if nothing more comes.
    pub(super) async fn touch(
        &self,
        id: RecordId,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        match self {
            Self::Server(server) => server.touch(id, expires_at).await,
            Self::Sealed(sealed) => {
                sealed.touch(id, expires_at);
                Ok(())
            }
            // Use between refreshes is not seen.
            Self::Jwt(_) => Ok(()),
        }
    }

    /// What an answer to `presented` must set, so that the browser keeps up with its session.
    pub(super) fn cookies(
        &self,
        presented: &Presented,
        request: Request,
        now: Timestamp,
    ) -> Vec<HeaderValue> {
        match self {
            // The ticket stays the same for as long as the session lasts.
            Self::Server(_) => Vec::new(),
            Self::Sealed(sealed) => sealed.cookies(presented, request, now),
            Self::Jwt(jwt) => jwt.cookies(presented, now),
        }
    }

    /// The cookies by which a browser forgets its session.
    pub(super) fn expire(&self) -> Vec<HeaderValue> {
        match self {
            Self::Server(server) => server.expire(),
            Self::Sealed(sealed) => sealed.expire(),
            Self::Jwt(jwt) => jwt.expire(),
        }
    }

    /// The id of the session that is presented by `id`: another one where that is a token that was refreshed.
    pub(super) fn listened_for_as(&self, id: RecordId) -> RecordId {
        match self {
            Self::Server(_) | Self::Sealed(_) => id,
            Self::Jwt(jwt) => jwt.session_of(id).unwrap_or(id),
        }
    }

    /// Whether this process remembers that the session ended that was presented by `id`.
    pub(super) fn has_ended(&self, id: RecordId, now: Timestamp) -> bool {
        match self {
            // The id is the session's own for as long as it lasts: whoever listens is told.
            Self::Server(_) | Self::Sealed(_) => false,
            Self::Jwt(jwt) => jwt.is_ended(id, now),
        }
    }

    /// Drops what has expired and is not the store's; says how many.
    pub(super) fn sweep(&self, now: Timestamp) -> usize {
        match self {
            Self::Server(_) => 0,
            Self::Sealed(sealed) => sealed.sweep(now),
            Self::Jwt(jwt) => jwt.sweep(now),
        }
    }

    /// Notes that an upstream refused the session's access token, where nothing but the page can have
    /// it refreshed; `false` where that is not so.
    pub(super) fn leave_refresh_to_page(
        &self,
        presented: &Presented,
        expires_at: Timestamp,
    ) -> bool {
        match self {
            Self::Server(_) | Self::Sealed(_) => false,
            Self::Jwt(jwt) => {
                jwt.reject(presented, expires_at);
                true
            }
        }
    }

    /// When the token set was obtained whose access token an upstream refused, as noted.
    pub(super) fn rejected(&self, presented: &Presented) -> Option<Timestamp> {
        match self {
            Self::Server(_) | Self::Sealed(_) => None,
            Self::Jwt(jwt) => jwt.rejected(presented),
        }
    }
}
