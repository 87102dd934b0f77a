//! The control endpoints: what the page and the provider ask of Cloakroom itself.
//!
//! | endpoint | who calls it | what it does |
//! |---|---|---|
//! | `GET login` | a navigation | begins a login at a provider |
//! | `GET callback/{provider}` | the provider, through the browser | ends it with a session |
//! | `POST logout` | the page | ends the session, with `?everywhere=true` all of the user; `GET logout?ticket` leads on to the provider |
//! | `GET logged-out` | the provider, through the browser | leads back to the app |
//! | `GET session` | the page | who is logged in, and for how long |
//! | `GET events` | the page | tells at once what becomes of the session |
//! | `POST refresh` | the page | makes the access token fresh where it is not |
//! | `POST refresh/logout` | `POST logout`, in mode `jwt` | does what `logout` does, with the cookies that come here alone |
//!
//! None of them ever answers with a token. All answers are `no-store` (R44).

pub(crate) mod begin;
pub(crate) mod callback;
pub(crate) mod events;
mod login;
mod logout;
mod refresh;
mod session;
pub(crate) mod transaction;

use cloakroom_core::guard::SameOrigin;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION, SET_COOKIE},
};

use self::events::EventBody;
use crate::{
    Shared,
    body::ReplyBody,
    pages,
    reason::Reason,
    refusal::Refusal,
    sessions::Presented,
    way::{gate::Admitted, guard},
};

/// An endpoint with its method already checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Login,
    Callback {
        provider: String,
    },
    Logout,
    LogoutTicket,
    LoggedOut,
    Session,
    Events,
    Refresh,
    /// Where a logout gets the cookies that it needs in mode `jwt`.
    RefreshLogout,
}

impl Endpoint {
    /// The endpoint at `rest`, the path behind the control prefix.
    pub(crate) fn find(method: &Method, rest: &str) -> Result<Self, Refusal> {
        let (get, post) = (*method == Method::GET, *method == Method::POST);
        let callback = rest.strip_prefix("/callback/");
        match (rest, callback) {
            ("/login", _) if get => Ok(Self::Login),
            (_, Some(provider)) if get => Ok(Self::Callback { provider: provider.to_owned() }),
            ("/logout", _) if post => Ok(Self::Logout),
            ("/logout", _) if get => Ok(Self::LogoutTicket),
            ("/logged-out", _) if get => Ok(Self::LoggedOut),
            ("/session", _) if get => Ok(Self::Session),
            ("/events", _) if get => Ok(Self::Events),
            ("/refresh", _) if post => Ok(Self::Refresh),
            ("/refresh/logout", _) if post => Ok(Self::RefreshLogout),
            ("/logout", _) => Err(not_allowed("GET, POST")),
            ("/refresh" | "/refresh/logout", _) => Err(not_allowed("POST")),
            ("/login" | "/logged-out" | "/session" | "/events", _) | (_, Some(_)) => {
                Err(not_allowed("GET"))
            }
            _ => Err(Refusal::new(Reason::NoRoute, "no control endpoint of this name")),
        }
    }
}

impl Endpoint {
    /// Whether pages call it by fetch, and so those of listed origins too (R42). The others are for
    /// navigations.
    pub(crate) fn is_for_pages(&self) -> bool {
        match self {
            Self::Logout | Self::RefreshLogout | Self::Session | Self::Events | Self::Refresh => {
                true
            }
            Self::Login | Self::Callback { .. } | Self::LogoutTicket | Self::LoggedOut => false,
        }
    }
}

fn not_allowed(methods: &str) -> Refusal {
    Refusal::new(Reason::MethodNotAllowed, "not a method of this endpoint").allow(methods)
}

/// Answers a request to one of the endpoints.
pub(crate) async fn answer(
    endpoint: Endpoint,
    shared: &Shared,
    method: &Method,
    headers: &HeaderMap,
    admitted: &Admitted,
) -> Result<Reply, Refusal> {
    let ours = || -> Result<SameOrigin, Refusal> {
        guard::check(&shared.guard, method, headers, admitted)
    };
    let split = shared.sessions.are_split();
    match endpoint {
        Endpoint::Login => login::begin(shared, headers, admitted).await,
        Endpoint::Callback { provider } => {
            callback::finish(shared, &provider, headers, admitted).await
        }
        Endpoint::Logout if split => logout::send_on(shared, admitted, &ours()?),
        Endpoint::Logout => logout::end(shared, headers, admitted, ours()?).await,
        Endpoint::RefreshLogout if split => logout::end(shared, headers, admitted, ours()?).await,
        Endpoint::RefreshLogout => Err(Refusal::new(Reason::NoRoute, "a logout of mode jwt")),
        Endpoint::LogoutTicket => logout::lead_on(shared, admitted).await,
        Endpoint::LoggedOut => Ok(logout::back(shared, headers, admitted)),
        Endpoint::Session => session::describe(shared, headers, ours()?).await,
        Endpoint::Events => events::listen(shared, headers, ours()?).await,
        Endpoint::Refresh => refresh::refresh(shared, headers, ours()?).await,
    }
}

/// Demands the CSRF token of a POST with a session (R41).
///
/// A session that is over has nothing to protect: its page has no token and must still learn that it is
/// over, and be able to forget its cookie (R48).
pub(crate) async fn check_csrf(
    shared: &Shared,
    headers: &HeaderMap,
    presented: &Presented,
) -> Result<(), Refusal> {
    let Err(refusal) = shared.csrf.check(&Method::POST, headers, presented.name()) else {
        return Ok(());
    };
    match shared.sessions.load(presented, shared.clock.now()).await {
        Ok(Some(_)) => Err(refusal),
        Ok(None) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// An answer of a control endpoint, built up header by header.
#[derive(Debug)]
pub(crate) struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Text(String),
    Events(EventBody),
}

impl Reply {
    pub(crate) fn new(status: StatusCode) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Self { status, headers, content: Content::Text(String::new()) }
    }

    /// 303: whatever the method was, the next request is a GET (R11).
    pub(crate) fn see_other(location: &str) -> Self {
        let mut reply = Self::new(StatusCode::SEE_OTHER);
        // Every location is a parsed URL or a checked path: ASCII without controls.
        let location = HeaderValue::from_str(location).unwrap_or(HeaderValue::from_static("/"));
        reply.headers.insert(LOCATION, location);
        reply
    }

    /// 307: the same request again, elsewhere.
    fn same_method(location: &str) -> Self {
        Self { status: StatusCode::TEMPORARY_REDIRECT, ..Self::see_other(location) }
    }

    pub(crate) fn json(value: &serde_json::Value) -> Self {
        let mut reply = Self::new(StatusCode::OK);
        reply.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        reply.content = Content::Text(value.to_string());
        reply
    }

    fn page(html: String) -> Self {
        let mut reply = Self::new(StatusCode::OK);
        reply.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        pages::protect(&mut reply.headers);
        reply.content = Content::Text(html);
        reply
    }

    fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    fn cookie(self, value: HeaderValue) -> Self {
        self.header(SET_COOKIE, value)
    }

    pub(crate) fn cookies(self, values: impl IntoIterator<Item = HeaderValue>) -> Self {
        values.into_iter().fold(self, Self::cookie)
    }

    pub(crate) fn into_response<B>(self) -> Response<ReplyBody<B>> {
        let mut response = Response::new(match self.content {
            Content::Text(text) => ReplyBody::own(text),
            Content::Events(events) => ReplyBody::events(events),
        });
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

/// The value of the one query parameter `name`; `None` where it is absent or comes twice.
fn parameter(admitted: &Admitted, name: &str) -> Option<String> {
    let query = admitted.query()?;
    let mut found = url::form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
    match (found.next(), found.next()) {
        (Some((_, value)), None) => Some(value.into_owned()),
        _ => None,
    }
}
