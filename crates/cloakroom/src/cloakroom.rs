//! The token handler itself: what it is made of, and one request's time in it.

use std::{
    fmt,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use cloakroom_core::{
    cookie::{CookiePathError, ReservedNames},
    guard::{Guard, is_navigation},
    key::Keyring,
    origin::PublicOrigin,
    random::{self, Random},
    session::Holder,
};
use cloakroom_oauth::IssuerError;
use cloakroom_store::SessionStore;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body;
use tokio_util::task::TaskTracker;

use crate::{
    body::ReplyBody,
    clock::Clock,
    control::Reply,
    corridor::Onward,
    csrf::Csrf,
    extensions::RequestId,
    keyring::SharedKeyring,
    layer::CloakroomLayer,
    provider::{BackChannel, Provider},
    request_log,
    sessions::{Keeping, RefreshCounts, Sessions},
    settings::Settings,
    verifier::Verifiers,
    way::{cors, gate, reply, route::RouteTable},
};

/// The token handler: clone it freely, all clones are one.
#[derive(Clone)]
pub struct Cloakroom {
    pub(crate) shared: Arc<Shared>,
}

/// What the rooms and the control endpoints share.
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    /// The origins served; the first is the public one.
    pub(crate) origins: Vec<Arc<PublicOrigin>>,
    pub(crate) guard: Guard,
    pub(crate) csrf: Csrf,
    /// The cookies that only we set and read.
    pub(crate) reserved: ReservedNames,
    pub(crate) keyring: SharedKeyring,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) verifiers: Arc<Verifiers>,
    /// What runs beside the requests and must not be cut off.
    pub(crate) tasks: TaskTracker,
    pub(crate) routes: RouteTable,
    /// The value of `Strict-Transport-Security`, where it is sent (R70).
    strict_transport: Option<HeaderValue>,
    request_prefix: String,
    requests: AtomicU64,
}

/// Why a Cloakroom cannot be made.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct SetupError(#[from] SetupFault);

#[derive(Debug, thiserror::Error)]
pub(crate) enum SetupFault {
    #[error("the operating system's certificate store cannot be used: {0}")]
    Certificates(#[from] rustls::Error),
    #[error("the issuer whose metadata names the keys: {0}")]
    Issuer(#[from] IssuerError),
    #[error("the control endpoints' prefix: {0}")]
    ControlPrefix(#[from] CookiePathError),
}

impl Cloakroom {
    /// Puts the parts together; nothing is fetched yet. A task of its own hears what the store tells, until
    /// the last clone is dropped.
    ///
    /// # Panics
    /// Outside a tokio runtime, in mode `server`.
    ///
    /// # Errors
    /// When the platform's certificates cannot be used, or an issuer that access tokens are verified by
    /// is none.
    pub fn new(
        settings: Settings,
        store: Arc<dyn SessionStore>,
        keyring: Keyring,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, SetupError> {
        let holder = Holder::generate(&*random);
        Self::held_by(holder, settings, store, keyring, clock, random)
    }

    /// The same for a process that notes as whom it holds leases, so that after a crash the next one can
    /// say that it is dead ([`Cloakroom::declare_dead`]). Without that the others wait until its leases
    /// have run out: a minute at most.
    ///
    /// # Panics
    /// As [`Cloakroom::new`].
    ///
    /// # Errors
    /// As [`Cloakroom::new`].
    pub fn held_by(
        holder: Holder,
        settings: Settings,
        store: Arc<dyn SessionStore>,
        keyring: Keyring,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, SetupError> {
        let back_channel = BackChannel::new().map_err(SetupFault::from)?;
        let verifiers = Arc::new(Verifiers::new(&settings.providers, &back_channel, &clock)?);
        let tasks = TaskTracker::new();
        let keyring = SharedKeyring::new(keyring);
        let providers = settings.providers.iter().map(|provider| {
            let (provider, clock) = (provider.clone(), Arc::clone(&clock));
            Arc::new(Provider::new(provider, back_channel.clone(), tasks.clone(), clock))
        });
        let providers = providers.collect();
        let keeping = Keeping::new(&settings, &store, keyring.clone(), &random, &verifiers, holder)
            .map_err(SetupFault::from)?;
        let (times, its_clock) = (settings.timeouts, Arc::clone(&clock));
        let sessions = Sessions::new(keeping, store, its_clock, times, providers, tasks.clone());
        let shared = Shared {
            guard: Guard::new(settings.required_header.clone(), settings.allow_origins.clone()),
            csrf: Csrf::new(&settings, keyring.clone(), Arc::clone(&random)),
            routes: RouteTable::new(&settings.control_prefix, &settings.routes),
            strict_transport: settings.hsts.value(&settings.public),
            request_prefix: URL_SAFE_NO_PAD.encode(random::bytes::<6>(&*random)),
            requests: AtomicU64::new(0),
            reserved: settings.reserved_names(),
            origins: settings.origins().cloned().map(Arc::new).collect(),
            sessions: Arc::new(sessions),
            verifiers,
            tasks,
            settings,
            keyring,
            random,
            clock,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Puts another keyring in the place of the present one, in the middle of requests: what is sealed
    /// from now on is sealed by its newest key, and only what one of its keys sealed still opens.
    ///
    /// A keyring that lacks a key ends the sessions which that key sealed. Says whether it is another
    /// keyring than the present one.
    pub fn replace_keyring(&self, keyring: Keyring) -> bool {
        self.shared.keyring.replace(keyring)
    }

    /// What became of the refreshes so far.
    pub fn refresh_counts(&self) -> RefreshCounts {
        self.shared.sessions.refresh_counts()
    }

    /// The tower layer.
    pub fn layer(&self) -> CloakroomLayer {
        CloakroomLayer::new(self.clone())
    }

    /// Takes one request along the way, with `inner` as the service behind.
    ///
    /// # Errors
    /// Only those of `inner`.
    pub async fn handle<B, R, E, F>(
        &self,
        request: Request<B>,
        inner: impl FnOnce(Request<B>) -> F,
    ) -> Result<Response<ReplyBody<R>>, E>
    where
        F: Future<Output = Result<Response<R>, E>>,
        R: Body<Data = Bytes>,
    {
        let started = Instant::now();
        let shared = &*self.shared;
        let id = shared.next_request_id();
        let (mut parts, body) = request.into_parts();
        let method = parts.method.clone();
        let path = request_log::loggable(parts.uri.path());
        let navigation = method == Method::GET && is_navigation(&parts.headers);
        let mut sid = None;
        let admitted = gate::admit(&mut parts, &shared.origins, &shared.settings.cookie.name);
        let cors =
            admitted.as_ref().ok().and_then(|admitted| cors::policy(shared, &parts, admitted));
        let onward = match admitted {
            Ok(_) if cors.as_ref().is_some_and(cors::Policy::is_preflight) => {
                Ok(Onward::Answered(Reply::new(StatusCode::NO_CONTENT)))
            }
            Ok(admitted) => shared.conduct(&mut parts, &admitted, &id).await,
            Err(refusal) => Err(refusal),
        };
        let mut response = match onward {
            Ok(Onward::Passed { session, companion, beside_login }) => {
                sid = session.as_ref().map(|session| session.id().handle());
                let response = inner(Request::from_parts(parts, body)).await?;
                let mut response = response.map(ReplyBody::inner);
                if let Some(beside_login) = beside_login {
                    let answer = beside_login.finish(response).await;
                    response =
                        answer.unwrap_or_else(|refusal| refusal.into_response(&id, navigation));
                }
                shared.judge(response, session.as_ref(), companion)
            }
            Ok(Onward::LoggingIn(login)) => {
                let response = inner(Request::from_parts(parts, body)).await?;
                let answer = login.finish(shared, response).await;
                answer.unwrap_or_else(|refusal| refusal.into_response(&id, navigation))
            }
            Ok(Onward::LoggingOut(logout)) => {
                let response = inner(Request::from_parts(parts, body)).await?;
                logout.finish(shared, response)
            }
            Ok(Onward::Answered(reply)) => reply.into_response(),
            Err(refusal) => refusal.into_response(&id, navigation),
        };
        let headers = response.headers_mut();
        if let Some(cors) = cors {
            cors.say(headers);
        }
        reply::secure(headers, shared.strict_transport.as_ref());
        headers.insert(reply::REQUEST_ID, id.0.clone());
        request_log::write(&id, &method, &path, sid, &response, started);
        Ok(response)
    }
}

impl Shared {
    /// Unique over restarts by its random half, cheap by its counted half.
    fn next_request_id(&self) -> RequestId {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let text = format!("{}-{number}", self.request_prefix);
        RequestId(HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("-")))
    }
}

impl fmt::Debug for Cloakroom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cloakroom").field("settings", &self.shared.settings).finish_non_exhaustive()
    }
}
