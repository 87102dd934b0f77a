//! The corridor: takes each request along the way and holds what the rooms share.

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
    cookie::{CookieName, CookiePathError, ReservedNames},
    guard::{Guard, is_navigation},
    key::Keyring,
    origin::PublicOrigin,
    random::{self, Random},
    return_to::ReturnTo,
};
use cloakroom_oauth::IssuerError;
use cloakroom_store::SessionStore;
use http::{HeaderValue, Method, Request, Response, request::Parts};
use http_body::Body;
use tokio_util::task::TaskTracker;

use crate::{
    body::ReplyBody,
    clock::Clock,
    control::{self, Reply, callback::login_path},
    csrf::Csrf,
    extensions::{CurrentBearer, CurrentSession, MatchedRoute, RequestId, ServedOrigin},
    keyring::SharedKeyring,
    layer::CloakroomLayer,
    passing::{self, Passing, PassingLogin, PassingLogout},
    provider::{BackChannel, Provider},
    reason::Reason,
    refusal::{Refusal, Refused, SESSION_HEADER},
    sessions::{self, AfterRefusal, Keeping, Sessions},
    settings::{SessionMode, SessionRule, Settings, Unauthenticated},
    verifier::Verifiers,
    way::{
        bearer,
        gate::{self, Admitted},
        guard, relay, reply,
        route::{Destination, Matched, RouteTable},
        session::{self, LiveSession},
    },
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

/// Where a request goes after the rooms.
enum Onward {
    Answered(Reply),
    Passed { session: Option<LiveSession>, companion: Option<HeaderValue> },
    LoggingIn(PassingLogin),
    LoggingOut(PassingLogout),
}

impl Cloakroom {
    /// Puts the parts together; nothing is fetched yet.
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
        let back_channel = BackChannel::new().map_err(SetupFault::from)?;
        let verifiers = Arc::new(Verifiers::new(&settings.providers, &back_channel, &clock)?);
        let tasks = TaskTracker::new();
        let keyring = SharedKeyring::new(keyring);
        let providers = settings.providers.iter().map(|provider| {
            let (provider, clock) = (provider.clone(), Arc::clone(&clock));
            Arc::new(Provider::new(provider, back_channel.clone(), tasks.clone(), clock))
        });
        let providers = providers.collect();
        let keeping = Keeping::new(&settings, &store, keyring.clone(), &random, &verifiers)
            .map_err(SetupFault::from)?;
        let (times, its_clock) = (settings.timeouts, Arc::clone(&clock));
        let sessions = Sessions::new(keeping, store, its_clock, times, providers, tasks.clone());
        let shared = Shared {
            guard: Guard::new(settings.required_header.clone()),
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
        let path = loggable(parts.uri.path());
        let navigation = method == Method::GET && is_navigation(&parts.headers);
        let mut sid = None;
        let mut response = match shared.conduct(&mut parts, &id).await {
            Ok(Onward::Passed { session, companion }) => {
                sid = session.as_ref().map(|session| session.id().handle());
                let response = inner(Request::from_parts(parts, body)).await?;
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
        reply::secure(headers, shared.strict_transport.as_ref());
        headers.insert(reply::REQUEST_ID, id.0.clone());
        log(&id, &method, &path, sid, &response, started);
        Ok(response)
    }
}

impl Shared {
    /// gate → route → guard → session → relay.
    async fn conduct(&self, parts: &mut Parts, id: &RequestId) -> Result<Onward, Refusal> {
        let settings = &self.settings;
        let admitted = gate::admit(parts, &self.origins, &settings.cookie.name)?;
        let method = &parts.method;
        let matched = match self.routes.find(method, &admitted)? {
            Destination::Control(endpoint) => {
                let reply =
                    control::answer(endpoint, self, method, &parts.headers, &admitted).await?;
                return Ok(Onward::Answered(reply));
            }
            Destination::Route(matched) => matched,
        };
        relay::drop_client_token(&mut parts.headers, &matched);
        if let Some(passing) = passing::find(&self.sessions, method, &admitted) {
            return self.conduct_passing(passing, parts, &admitted, &matched, id).await;
        }
        let mut session = None;
        let mut companion = None;
        let bearer = bearer::find(self, &parts.headers, &admitted, &matched).await?;
        if let Some(bearer) = bearer {
            relay::pass_on(&mut parts.headers, &admitted, &matched, &bearer)?;
            parts.extensions.insert(CurrentBearer::new(Arc::clone(bearer.claims())));
        } else if matched.takes_sessions() {
            let ours = guard::check(&self.guard, method, &parts.headers, &admitted)?;
            let (headers, now) = (&parts.headers, self.clock.now());
            session = match session::find(&self.sessions, headers, &ours, now).await {
                // No page is there yet that could ask for the refresh.
                Err(refusal)
                    if refusal.reason() == Reason::TokenExpired
                        && *method == Method::GET
                        && is_navigation(headers) =>
                {
                    None
                }
                found => found?,
            };
            if let Some(session) = &session {
                let csrf = self.csrf.check(method, headers, session.id())?;
                companion = self.csrf.missing_companion(headers, session.id());
                let headers = &mut parts.headers;
                relay::carry(headers, &admitted, &matched, &ours, &csrf, session)?;
            } else if matched.route().session == SessionRule::Required {
                return self.ask_to_log_in(&matched, parts, &admitted);
            }
        }
        self.hand_on(parts, &admitted, &matched, session.as_ref(), id)?;
        Ok(Onward::Passed { session, companion })
    }

    /// A request of the application to its login service: guard, then its own room.
    async fn conduct_passing(
        &self,
        passing: Passing,
        parts: &mut Parts,
        admitted: &Admitted,
        matched: &Matched<'_>,
        id: &RequestId,
    ) -> Result<Onward, Refusal> {
        let ours = guard::check(&self.guard, &parts.method, &parts.headers, admitted)?;
        match passing {
            Passing::Login(provider) => {
                let now = self.clock.now();
                let login = PassingLogin::begin(provider, &mut parts.headers, now);
                self.hand_on(parts, admitted, matched, None, id)?;
                Ok(Onward::LoggingIn(login))
            }
            Passing::Refresh(provider) => {
                let reply = passing::answer_refresh(self, &provider, &parts.headers, ours).await?;
                Ok(Onward::Answered(reply))
            }
            Passing::Logout => {
                let (logout, session) = PassingLogout::begin(self, &parts.headers, &ours).await?;
                let session = session.filter(|_| matched.takes_sessions());
                if let Some(session) = &session {
                    let csrf = self.csrf.check(&parts.method, &parts.headers, session.id())?;
                    let headers = &mut parts.headers;
                    relay::carry(headers, admitted, matched, &ours, &csrf, session)?;
                }
                self.hand_on(parts, admitted, matched, session.as_ref(), id)?;
                Ok(Onward::LoggingOut(logout))
            }
        }
    }

    /// What every request has that goes on to the service behind.
    fn hand_on(
        &self,
        parts: &mut Parts,
        admitted: &Admitted,
        matched: &Matched<'_>,
        session: Option<&LiveSession>,
        id: &RequestId,
    ) -> Result<(), Refusal> {
        relay::strip(&mut parts.headers, &self.reserved, self.kept_cookie(session), admitted);
        self.csrf.strip(&mut parts.headers);
        parts.headers.insert(reply::REQUEST_ID, id.0.clone());
        parts.uri = admitted
            .target()
            .parse()
            .map_err(|_| Refusal::new(Reason::BadPath, "not a request target"))?;
        parts.extensions.insert(MatchedRoute(matched.index()));
        parts.extensions.insert(id.clone());
        parts.extensions.insert(ServedOrigin(Arc::clone(admitted.origin())));
        if let Some(session) = session {
            let (id, record) = (session.id(), Arc::clone(session.record()));
            parts.extensions.insert(CurrentSession::new(id, record));
        }
        Ok(())
    }

    /// The cookie of ours that an upstream may verify itself: once the session is proved by it.
    fn kept_cookie(&self, session: Option<&LiveSession>) -> Option<&CookieName> {
        match (&self.settings.mode, session) {
            (SessionMode::Jwt { access_cookie }, Some(_)) => Some(access_cookie),
            _ => None,
        }
    }

    fn ask_to_log_in(
        &self,
        matched: &Matched<'_>,
        parts: &Parts,
        admitted: &Admitted,
    ) -> Result<Onward, Refusal> {
        let redirect = match matched.route().unauthenticated {
            Unauthenticated::Auto => parts.method == Method::GET && is_navigation(&parts.headers),
            Unauthenticated::Login => true,
            Unauthenticated::Status401 => false,
        };
        // Without an OpenID provider there is no page to lead to: the application shows its own.
        let leads_on = self.sessions.providers().iter().any(|provider| provider.oidc().is_some());
        if redirect && leads_on {
            let return_to = ReturnTo::parse_or_root(&admitted.target(), admitted.origin());
            return Ok(Onward::Answered(Reply::see_other(&login_path(self, &return_to))));
        }
        let refusal = Refusal::new(Reason::LoginRequired, "no session");
        Err(if matched.accepts_bearer() { bearer::challenge(refusal) } else { refusal })
    }

    /// The reply: what the service behind may say to the browser.
    fn judge<R>(
        &self,
        response: Response<R>,
        session: Option<&LiveSession>,
        companion: Option<HeaderValue>,
    ) -> Response<ReplyBody<R>> {
        let mut response = response.map(ReplyBody::inner);
        let status = response.status();
        let headers = response.headers_mut();
        reply::clean(headers, &self.reserved);
        if let Some(session) = session {
            reply::keep_private(headers);
            if reply::token_rejected(status, headers) {
                let mark = match self.sessions.token_refused(session.presented(), session.record())
                {
                    AfterRefusal::Nothing => None,
                    AfterRefusal::Refresh => Some("expired"),
                    AfterRefusal::LogIn => Some("login-required"),
                };
                if let Some(mark) = mark {
                    headers.insert(SESSION_HEADER, HeaderValue::from_static(mark));
                }
            }
            let now = self.clock.now();
            let mut cookies =
                self.sessions.cookies(session.presented(), sessions::Request::Uses, now);
            cookies.extend(companion);
            reply::set_cookies(headers, cookies);
        }
        response
    }

    /// The cookies by which a browser forgets its session and the CSRF token beside it.
    pub(crate) fn forgetting_cookies(&self) -> Vec<HeaderValue> {
        let mut cookies = self.sessions.expire_cookies();
        cookies.extend(self.csrf.expire());
        cookies
    }

    /// Unique over restarts by its random half, cheap by its counted half.
    fn next_request_id(&self) -> RequestId {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let text = format!("{}-{number}", self.request_prefix);
        RequestId(HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("-")))
    }
}

/// One line for each request; what an operator should look at is a warning.
fn log<B>(
    id: &RequestId,
    method: &Method,
    path: &str,
    sid: Option<String>,
    response: &Response<B>,
    started: Instant,
) {
    let (request, method, status) = (id.as_str(), method.as_str(), response.status());
    let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let refused = response.extensions().get::<Refused>();
    let reason = refused.map(|refused| refused.reason.as_str());
    let detail = refused.map(|refused| refused.detail.as_str());
    let failed = refused.is_some_and(|refused| refused.reason == Reason::LoginFailed);
    let is_failure = status.is_server_error() || failed;
    let status = status.as_u16();
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(request, method, path, status, sid, reason, detail, ms, "request")
        };
    }
    if is_failure { line!(warn) } else { line!(info) }
}

/// A path as a log may hold it: bounded, without controls; never the query, which carries codes.
fn loggable(path: &str) -> String {
    path.chars().take(256).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

impl fmt::Debug for Cloakroom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cloakroom").field("settings", &self.shared.settings).finish_non_exhaustive()
    }
}
