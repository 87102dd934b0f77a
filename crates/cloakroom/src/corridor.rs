//! The corridor: takes each request from room to room (gate → route → guard → session → relay → reply).

use std::sync::Arc;

use cloakroom_core::{cookie::CookieName, guard::is_navigation, return_to::ReturnTo};
use http::{HeaderValue, Method, Response, request::Parts};

use crate::{
    Shared,
    body::ReplyBody,
    control::{self, Reply, callback::login_path},
    extensions::{CurrentBearer, CurrentSession, MatchedRoute, RequestId, ServedOrigin},
    passing::{self, BesideLogin, Passing, PassingLogin, PassingLogout},
    reason::Reason,
    refusal::{Refusal, SESSION_HEADER},
    sessions::{self, AfterRefusal},
    settings::{SessionMode, SessionRule, Unauthenticated},
    way::{
        bearer,
        gate::Admitted,
        guard, relay, reply,
        route::{Destination, Matched},
        session::{self, LiveSession},
    },
};

/// Where a request goes after the rooms.
pub(crate) enum Onward {
    Answered(Reply),
    Passed {
        session: Option<LiveSession>,
        companion: Option<HeaderValue>,
        beside_login: Option<BesideLogin>,
    },
    LoggingIn(PassingLogin),
    LoggingOut(PassingLogout),
}

impl Shared {
    /// Behind the gate: route → guard → session → relay.
    pub(crate) async fn conduct(
        &self,
        parts: &mut Parts,
        admitted: &Admitted,
        id: &RequestId,
    ) -> Result<Onward, Refusal> {
        let method = &parts.method;
        let matched = match self.routes.find(method, admitted)? {
            Destination::Control(endpoint) => {
                let reply =
                    control::answer(endpoint, self, method, &parts.headers, admitted).await?;
                return Ok(Onward::Answered(reply));
            }
            Destination::Route(matched) => matched,
        };
        relay::drop_client_token(&mut parts.headers, &matched);
        if let Some(passing) = passing::find(&self.sessions, method, admitted) {
            return self.conduct_passing(passing, parts, admitted, &matched, id).await;
        }
        let beside_login = BesideLogin::begin(&self.sessions, method, &mut parts.headers, admitted);
        let mut session = None;
        let mut companion = None;
        let bearer = bearer::find(self, &parts.headers, admitted, &matched).await?;
        if let Some(bearer) = bearer {
            relay::pass_on(&mut parts.headers, admitted, &matched, &bearer)?;
            parts.extensions.insert(CurrentBearer::new(Arc::clone(bearer.claims())));
        } else if matched.takes_sessions() {
            let ours = guard::check(&self.guard, method, &parts.headers, admitted)?;
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
                relay::carry(headers, admitted, &matched, &ours, &csrf, session)?;
            } else if matched.route().session == SessionRule::Required {
                return self.ask_to_log_in(&matched, parts, admitted);
            }
        }
        self.hand_on(parts, admitted, &matched, session.as_ref(), id)?;
        Ok(Onward::Passed { session, companion, beside_login })
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
        // Each of them changes something, whatever its method: a link in a mail must log nobody out
        // (R40).
        let ours = guard::check(&self.guard, &Method::POST, &parts.headers, admitted)?;
        match passing {
            Passing::Login(provider) => {
                let now = self.clock.now();
                let login = PassingLogin::begin(provider, &mut parts.headers, admitted, now);
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
                if let Some((session, csrf)) = &session {
                    let headers = &mut parts.headers;
                    relay::carry(headers, admitted, matched, &ours, csrf, session)?;
                }
                let session = session.as_ref().map(|(session, _)| session);
                self.hand_on(parts, admitted, matched, session, id)?;
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
    pub(crate) fn judge<R>(
        &self,
        mut response: Response<ReplyBody<R>>,
        session: Option<&LiveSession>,
        companion: Option<HeaderValue>,
    ) -> Response<ReplyBody<R>> {
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
}
