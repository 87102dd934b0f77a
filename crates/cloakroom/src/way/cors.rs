//! CORS: what is said to pages of the listed origins (R42).
//!
//! A browser asks before it lets a page of another origin send more than a form could (a preflight), and
//! again before it lets that page read the answer. Where origins are listed, we answer both questions for
//! routes that take sessions, for the control endpoints of pages, and for the application's own login,
//! refresh and logout requests. There is one policy: what the service behind says of CORS there is taken
//! off. The one origin that asked is named, never `*` and nothing that is not in the list; every answer
//! that depends on it says `Vary: Origin`, so that no cache mixes them up.
//!
//! That a page may read an answer does not mean that its request counted: that is the guard's to say, by
//! the same list.

#[cfg(test)]
mod tests;

use http::{
    HeaderMap, HeaderName, HeaderValue, Method,
    header::{
        ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS,
        ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS,
        ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD,
        AUTHORIZATION, RETRY_AFTER, VARY,
    },
    request::Parts,
};

use super::gate::{self, Admitted};
use crate::{Shared, control::Endpoint, passing, refusal::OWN_HEADERS};

/// For how long a browser need not ask again. What was taken off the list is refused at once by the
/// guard, whatever a browser remembers.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");
/// What a route without a list of methods is said to take.
const METHODS: [Method; 6] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

/// What is said of CORS in the answer to a request for one of the places above.
#[derive(Debug)]
pub(crate) struct Policy {
    /// The listed origin that asked; `None` for anybody else, to whom nothing is said.
    origin: Option<HeaderValue>,
    consent: Option<Consent>,
}

/// The answer to a preflight.
#[derive(Debug)]
struct Consent {
    methods: Vec<Method>,
    headers: Vec<HeaderName>,
}

/// What is said of CORS to a request, where the saying is ours.
pub(crate) fn policy(shared: &Shared, parts: &Parts, admitted: &Admitted) -> Option<Policy> {
    if !shared.guard.lists_origins() {
        return None;
    }
    let headers = &parts.headers;
    let listed = shared.guard.listed(headers, admitted.origin());
    let asked = listed.and_then(|_| asked_for(parts));
    let method = asked.as_ref().unwrap_or(&parts.method);
    let place = Place::find(shared, method, admitted)?;
    let origin = listed.and_then(|listed| HeaderValue::from_str(listed.as_str()).ok());
    let consent = asked.as_ref().map(|asked| Consent {
        methods: place.methods(asked),
        headers: allowed_headers(shared, headers, place.accepts_bearer()),
    });
    Some(Policy { origin, consent })
}

/// The method that a preflight asks for; `None` where the request is none (Fetch §4.8).
fn asked_for(parts: &Parts) -> Option<Method> {
    let mut asked = parts.headers.get_all(ACCESS_CONTROL_REQUEST_METHOD).iter();
    match (asked.next(), asked.next()) {
        (Some(method), None) if parts.method == Method::OPTIONS => {
            Method::from_bytes(method.as_bytes()).ok()
        }
        _ => None,
    }
}

/// Where the saying is ours.
enum Place<'a> {
    Control,
    Route { methods: Option<&'a [Method]>, accepts_bearer: bool },
}

impl<'a> Place<'a> {
    fn find(shared: &'a Shared, method: &Method, admitted: &Admitted) -> Option<Self> {
        let path = admitted.path();
        if let Some(rest) = shared.routes.control_rest(path) {
            let endpoint = Endpoint::find(method, rest).ok()?;
            return endpoint.is_for_pages().then_some(Self::Control);
        }
        let route = shared.routes.rule(path)?;
        let is_ours = route.takes_sessions() || passing::is_path_of_one(&shared.sessions, admitted);
        let (methods, accepts_bearer) = (route.methods.as_deref(), route.accept_bearer);
        is_ours.then_some(Self::Route { methods, accepts_bearer })
    }

    fn methods(&self, asked: &Method) -> Vec<Method> {
        match self {
            // It was found by its method.
            Self::Control => vec![asked.clone()],
            Self::Route { methods: Some(methods), .. } => methods.to_vec(),
            Self::Route { methods: None, .. } => {
                let mut methods = METHODS.to_vec();
                if ![Method::CONNECT, Method::TRACE].contains(asked) && !methods.contains(asked) {
                    methods.push(asked.clone());
                }
                methods
            }
        }
    }

    fn accepts_bearer(&self) -> bool {
        matches!(self, Self::Route { accepts_bearer: true, .. })
    }
}

/// What the page asked to send, but for what would be dropped at the gate; and what it must send.
fn allowed_headers(shared: &Shared, headers: &HeaderMap, accepts_bearer: bool) -> Vec<HeaderName> {
    let csrf = shared.settings.csrf_token().map(|token| token.header);
    let mut allowed: Vec<_> = shared.settings.required_header.iter().cloned().chain(csrf).collect();
    let asked = headers.get_all(ACCESS_CONTROL_REQUEST_HEADERS).iter();
    let asked = asked.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    // A request with more of them is refused anyway; and whoever asks need have no session.
    for name in asked.take(gate::MAX_HEADERS) {
        let Ok(name) = HeaderName::from_bytes(name.trim_ascii()) else { continue };
        let arrives = match name {
            AUTHORIZATION => accepts_bearer,
            _ => !gate::is_proxys_to_say(&name),
        };
        if arrives && !allowed.contains(&name) {
            allowed.push(name);
        }
    }
    allowed
}

impl Policy {
    /// Whether the request asks for consent alone, which is ours to give.
    pub(crate) fn is_preflight(&self) -> bool {
        self.consent.is_some()
    }

    /// Says it in an answer.
    pub(crate) fn say(self, headers: &mut HeaderMap) {
        let exposed = exposed(headers);
        let theirs: Vec<_> = (headers.keys())
            .filter(|name| name.as_str().starts_with("access-control-"))
            .cloned()
            .collect();
        for name in theirs {
            headers.remove(name);
        }
        vary_by_origin(headers);
        let Some(origin) = self.origin else { return };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        match self.consent {
            None => list(headers, ACCESS_CONTROL_EXPOSE_HEADERS, &exposed),
            Some(consent) => {
                list(headers, ACCESS_CONTROL_ALLOW_METHODS, &consent.methods);
                list(headers, ACCESS_CONTROL_ALLOW_HEADERS, &consent.headers);
                headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
            }
        }
    }
}

/// What a client needs of our headers, and what the service behind exposes by name: `*` names nothing
/// to a request with a cookie (Fetch §3.3.2).
fn exposed(headers: &HeaderMap) -> Vec<HeaderName> {
    let mut exposed: Vec<_> = OWN_HEADERS.into_iter().chain([RETRY_AFTER]).collect();
    for value in headers.get_all(ACCESS_CONTROL_EXPOSE_HEADERS) {
        for name in value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
            match HeaderName::from_bytes(name) {
                Ok(name) if name != "*" && !exposed.contains(&name) => exposed.push(name),
                _ => {}
            }
        }
    }
    exposed
}

fn list<T: AsRef<str>>(headers: &mut HeaderMap, name: HeaderName, values: &[T]) {
    let text = values.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", ");
    if let Ok(value) = HeaderValue::try_from(text)
        && !value.is_empty()
    {
        headers.insert(name, value);
    }
}

fn vary_by_origin(headers: &mut HeaderMap) {
    let says_so = headers.get_all(VARY).iter().any(|value| {
        let mut names = value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        names.any(|name| name == b"*" || name.eq_ignore_ascii_case(b"origin"))
    });
    if !says_so {
        headers.append(VARY, HeaderValue::from_static("Origin"));
    }
}
