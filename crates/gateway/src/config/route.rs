//! `[[route]]`: which requests go to which upstream.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use cloakroom::TokenHeader;
use cloakroom_core::origin::is_loopback;
use http::{HeaderName, Method, Uri};
use schemars::JsonSchema;
use serde::Deserialize;
use url::{Host, Url};

use super::bare_url::is_bare;
use super::duration::DurationText;
use super::guard::GuardConfig;
use super::normal_path;
use super::report::Report;
use super::written::{Choice, OneOf, Written};

/// The methods that a route can let through.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// Requests under one path and the upstream they go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteConfig {
    /// Prefix by whole segments, in normal form: starts with `/`, no trailing slash (but for `/`).
    pub path: String,
    /// Scheme and authority of the upstream; its path is `/`.
    pub upstream: Uri,
    /// Whether a session is needed.
    pub session: RouteSession,
    /// What a request without a session gets where one is required.
    pub unauthenticated: Unauthenticated,
    /// The methods let through; `None` is all of them. HEAD is in it whenever GET is.
    pub methods: Option<Vec<Method>>,
    /// The header that carries the access token, and what stands before it there.
    pub token: TokenHeader,
    /// Time until the head of the upstream's response must have come, else 504.
    pub response_timeout: Duration,
    /// Let clients through that bring a good token of their own.
    pub accept_bearer: bool,
}

/// What a route does with the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteSession {
    /// Without a session there is no request to the upstream.
    Required,
    /// With a session the bearer token goes along, without one nothing does.
    Optional,
    /// No bearer token, ever.
    None,
}

impl Choice for RouteSession {
    const ALL: &'static [(&'static str, Self, &'static str)] = &[
        (
            "required",
            Self::Required,
            "only requests with a session reach the upstream, with the bearer token",
        ),
        (
            "optional",
            Self::Optional,
            "with a session the bearer token goes along, without one the request goes as it is",
        ),
        ("none", Self::None, "every request goes on, never with a token"),
    ];
}

/// What a request without a session gets where one is required.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unauthenticated {
    /// A navigation goes to login, a fetch gets 401.
    Auto,
    /// 401 for everything.
    Status401,
    /// A redirect to login for everything.
    Login,
}

impl Choice for Unauthenticated {
    const ALL: &'static [(&'static str, Self, &'static str)] = &[
        ("auto", Self::Auto, "a navigation goes to login, a fetch gets 401"),
        ("401", Self::Status401, "401 for everything"),
        ("login", Self::Login, "a redirect to login for everything"),
    ];
}

/// Requests under one path and the upstream they go to.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRoute {
    /// The path of the requests, with everything below it: `/api` takes `/api` and `/api/orders`, not
    /// `/apis`. The request goes on with its whole path.
    #[schemars(example = &"/api")]
    pub(super) path: Written<String>,
    /// Scheme, host and port of the service that the requests go to. Plain `http://` is for this
    /// machine only, because the access token goes along.
    #[schemars(example = &"http://127.0.0.1:3000")]
    upstream: Written<String>,
    /// Whether requests need a session.
    #[serde(default = "default_session")]
    session: Written<OneOf<RouteSession>>,
    /// What a request without a session gets where one is required.
    #[serde(default = "default_unauthenticated")]
    unauthenticated: Written<OneOf<Unauthenticated>>,
    /// The methods let through; the others get 405. HEAD comes with GET. Without this key all are let through.
    #[schemars(extend("examples" = [["GET", "POST"]]))]
    methods: Option<Written<Vec<Written<String>>>>,
    /// The header that carries the access token to the upstream. What a client sends under this name is
    /// dropped.
    #[serde(default = "default_token_header")]
    #[schemars(example = &"X-Access-Token")]
    token_header: Written<String>,
    /// What stands before the token in that header; empty for the token alone.
    #[serde(default = "default_token_scheme")]
    token_scheme: Written<String>,
    /// How long the upstream may take to begin its response before the gateway answers 504.
    #[serde(default = "default_response_timeout")]
    response_timeout: Written<DurationText>,
    /// Let clients through that keep their tokens themselves, such as mobile apps: a request with
    /// `Authorization: Bearer` and without a session cookie. The token is verified by the
    /// `access_token` of its provider.
    #[serde(default = "default_accept_bearer")]
    accept_bearer: Written<bool>,
    /// Let the access token travel in clear to an upstream on another machine. Whoever can read that
    /// network can call the API as the user.
    #[serde(default)]
    allow_plaintext_upstream: bool,
}

fn default_session() -> Written<OneOf<RouteSession>> {
    Written::default("required")
}

fn default_unauthenticated() -> Written<OneOf<Unauthenticated>> {
    Written::default("auto")
}

fn default_accept_bearer() -> Written<bool> {
    Written::default(false)
}

fn default_token_header() -> Written<String> {
    Written::default("Authorization")
}

fn default_token_scheme() -> Written<String> {
    Written::default("Bearer")
}

fn default_response_timeout() -> Written<DurationText> {
    Written::default("60s")
}

/// What of the other sections a route must fit to.
pub(super) struct Surroundings<'a> {
    pub(super) auth_prefix: &'a str,
    pub(super) public: Option<&'a Url>,
    pub(super) listen: Option<SocketAddr>,
    pub(super) has_provider: bool,
    pub(super) verifies_tokens: bool,
    /// Some provider has a page to log in on.
    pub(super) has_login_page: bool,
    pub(super) has_site: bool,
}

impl RawRoute {
    pub(super) fn check(
        &self,
        around: &Surroundings<'_>,
        report: &mut Report,
    ) -> Option<RouteConfig> {
        let path = self.check_path(around, report);
        let upstream = self.check_upstream(around, report);
        let session = self.check_session(around, report);
        let unauthenticated = self.check_unauthenticated(around, session, report);
        let methods = self.check_methods(report);
        let accept_bearer = self.check_accept_bearer(around, report);
        let token = self.check_token(session, report);
        let response_timeout = report.duration("response_timeout", &self.response_timeout);
        Some(RouteConfig {
            path: path?,
            upstream: upstream?,
            session: session?,
            unauthenticated: unauthenticated?,
            methods: methods?,
            token: token?,
            response_timeout: response_timeout?,
            accept_bearer: accept_bearer?,
        })
    }

    fn check_path(&self, around: &Surroundings<'_>, report: &mut Report) -> Option<String> {
        let (at, path) = (self.path.at(), &self.path.value);
        if let Some(fault) = normal_path::fault(path) {
            let example = fault.instead.as_deref().unwrap_or("/api");
            report
                .wrong(at, format!("`path` {}", fault.what))
                .why(fault.why)
                .write(format!("path = \"{example}\""));
            return None;
        }
        if normal_path::is_under(path, around.auth_prefix) {
            report
                .wrong(at, format!("`path` is under {}, where the control endpoints are", around.auth_prefix))
                .why("login, callback and logout live there; a request for them would never reach the upstream")
                .write("another path, or another prefix for the control endpoints:\n[auth]\nprefix = \"/session\"");
            return None;
        }
        if path == "/" && around.has_site {
            report
                .wrong(at, "`path` takes everything, and nothing is left for the site")
                .why("requests that a route takes never reach the files of [site]")
                .write("path = \"/api\", or leave [site] out");
            return None;
        }
        Some(path.clone())
    }

    fn check_upstream(&self, around: &Surroundings<'_>, report: &mut Report) -> Option<Uri> {
        let (at, written) = (self.upstream.at(), &self.upstream.value);
        let url = Url::parse(written).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let both = url.and_then(|url| Some((url.as_str().parse::<Uri>().ok()?, url)));
        let Some((uri, url)) = both else {
            let (what, write) = match written.split_once("://") {
                Some(("ws", rest)) => ("`upstream` is a WebSocket URL", format!("http://{rest}")),
                Some(("wss", rest)) => ("`upstream` is a WebSocket URL", format!("https://{rest}")),
                Some(_) => {
                    ("`upstream` is not an http or https URL", "http://127.0.0.1:3000".to_owned())
                }
                None => ("`upstream` has no scheme", format!("http://{written}")),
            };
            report
                .wrong(at, what)
                .why("it is scheme, host and port of the service that requests, WebSockets too, go to")
                .write(format!("upstream = \"{write}\""));
            return None;
        };
        let host = url.host_str().unwrap_or_default();
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        if !is_bare(&url) || written.trim_end_matches('/').ends_with(['?', '#']) {
            report
                .wrong(at, "`upstream` has more than scheme, host and port")
                .why("the request goes on with its own path and query, which are also what was checked")
                .write(format!("upstream = \"{}://{host}{port}\"", url.scheme()));
            return None;
        }
        if is_gateway(&url, around) {
            report
                .wrong(at, "`upstream` is this gateway itself")
                .why("requests would go in a circle")
                .write("upstream = \"http://127.0.0.1:3000\", where the service listens");
            return None;
        }
        let plaintext = url.scheme() == "http" && !is_loopback(&url);
        if plaintext && !self.allow_plaintext_upstream {
            report
                .wrong(at, "`upstream` is plain http to another machine")
                .why("the access token goes along; whoever can read that network can call the API as the user")
                .write(format!(
                    "upstream = \"https://{host}\", or below it\nallow_plaintext_upstream = true"
                ));
            return None;
        }
        let path = &self.path.value;
        if self.allow_plaintext_upstream && plaintext {
            report.warn(
                format!("allow_plaintext_upstream = true (route {path})"),
                format!("access tokens travel in clear to {host}{port}"),
            );
        } else if self.allow_plaintext_upstream {
            report.warn(
                format!("allow_plaintext_upstream = true (route {path})"),
                "not needed with this upstream; take it out, so that it does not hide a later mistake",
            );
        }
        Some(uri)
    }

    fn check_session(
        &self,
        around: &Surroundings<'_>,
        report: &mut Report,
    ) -> Option<RouteSession> {
        let session = report.choice("session", &self.session)?;
        if session != RouteSession::None && !around.has_provider {
            let place = if self.session.is_stated() { &self.session.at() } else { &self.path.at() };
            report
                .wrong(place.clone(), "the route needs a session, and there is no [[provider]] to log in with")
                .why("a session begins with a login")
                .write(
                    "[[provider]]\nissuer = \"https://login.example.org/realms/shop\"\nclient_id = \"shop-web\"\n\
                     client_secret = { env = \"OIDC_CLIENT_SECRET\" }\n\
                     or, for a route that never carries a token: session = \"none\"",
                );
            return None;
        }
        Some(session)
    }

    fn check_accept_bearer(&self, around: &Surroundings<'_>, report: &mut Report) -> Option<bool> {
        if self.accept_bearer.value && !around.verifies_tokens {
            report
                .wrong(
                    self.accept_bearer.at(),
                    "the route accepts bearer tokens, and no provider says how its tokens are verified",
                )
                .why("a client's token goes to the upstream only after it was verified")
                .write("[provider.access_token]\naudience = \"https://api.example.com\"");
            return None;
        }
        Some(self.accept_bearer.value)
    }

    fn check_unauthenticated(
        &self,
        around: &Surroundings<'_>,
        session: Option<RouteSession>,
        report: &mut Report,
    ) -> Option<Unauthenticated> {
        let unauthenticated = report.choice("unauthenticated", &self.unauthenticated);
        let needless = session.is_some_and(|session| session != RouteSession::Required);
        if needless && self.unauthenticated.is_stated() {
            report
                .wrong(self.unauthenticated.at(), "`unauthenticated` has no effect on this route")
                .why("it says what happens where a session is required; here requests go on without one")
                .write("session = \"required\", or leave unauthenticated out");
            return None;
        }
        if unauthenticated == Some(Unauthenticated::Login) && !around.has_login_page {
            report
                .wrong(self.unauthenticated.at(), "there is no login page to lead to")
                .why("people log in on the application's own page, which no [[provider]] knows the address of")
                .write("unauthenticated = \"401\"");
            return None;
        }
        unauthenticated
    }

    /// Whether requests for `path` are under it.
    pub(super) fn takes(&self, path: &str) -> bool {
        normal_path::is_under(path, &self.path.value)
    }

    /// Reports it where the application's login, for `path`, could never pass.
    pub(super) fn must_take_post(&self, path: &str, report: &mut Report) {
        let Some(list) = self.methods.as_ref().filter(|list| !list.value.is_empty()) else {
            return;
        };
        if !list.value.iter().any(|written| written.value.eq_ignore_ascii_case("POST")) {
            let names = list.value.iter().map(|written| written.value.to_uppercase());
            let names: Vec<_> = names.chain(["POST".to_owned()]).collect();
            report
                .wrong(
                    list.at(),
                    format!("`methods` has no POST, and the route takes the login `{path}`"),
                )
                .why("the application's own login request is a POST")
                .write(format!("methods = {names:?}"));
        }
    }

    /// Reports a header of the access token's that the page sends something else in.
    pub(super) fn check_guard(&self, guard: &GuardConfig, report: &mut Report) {
        let written = &self.token_header;
        let is = |name: &HeaderName| written.value.eq_ignore_ascii_case(name.as_str());
        let what = if guard.csrf_token.as_ref().is_some_and(|token| is(&token.header)) {
            "the CSRF token"
        } else if guard.required_header.as_ref().is_some_and(is) {
            "`required_header`"
        } else {
            return;
        };
        report
            .wrong(written.at(), format!("`token_header` is the header of {what}"))
            .why("what a page sends under `token_header` is dropped, so that the guard would refuse every change")
            .write("token_header = \"Authorization\", or the name that the API documents; or another one for the guard");
    }

    fn check_token(
        &self,
        session: Option<RouteSession>,
        report: &mut Report,
    ) -> Option<TokenHeader> {
        let (header, scheme) = (&self.token_header, &self.token_scheme);
        if session == Some(RouteSession::None) && !self.accept_bearer.value {
            for (key, written) in [("token_header", header), ("token_scheme", scheme)] {
                if written.is_stated() {
                    report
                        .wrong(written.at(), format!("`{key}` has no effect on this route"))
                        .why("no token ever goes along here")
                        .write(format!("session = \"required\", or leave {key} out"));
                    return None;
                }
            }
        }
        let Ok(name) = header.value.parse::<HeaderName>() else {
            report
                .wrong(header.at(), "`token_header` cannot be a header's name")
                .why("a header's name is letters, digits and `-`; what stands before the token is `token_scheme`")
                .write("token_header = \"X-Access-Token\"\ntoken_scheme = \"\"");
            return None;
        };
        if is_taken(name.as_str()) {
            report
                .wrong(header.at(), format!("`token_header` cannot be {}", header.value))
                .why("HTTP, the browser or the gateway itself says something else by it")
                .write("token_header = \"Authorization\", or the name that the API documents");
            return None;
        }
        if !scheme.value.bytes().all(|byte| byte.is_ascii_graphic()) {
            report
                .wrong(scheme.at(), "`token_scheme` is not one word")
                .why("it stands before the token, with one space between")
                .write("token_scheme = \"Bearer\", or \"\" for the token alone");
            return None;
        }
        Some(TokenHeader { name, scheme: scheme.value.clone() })
    }

    /// `Some(None)` is all methods.
    fn check_methods(&self, report: &mut Report) -> Option<Option<Vec<Method>>> {
        let Some(list) = &self.methods else { return Some(None) };
        if list.value.is_empty() {
            report
                .wrong(list.at(), "`methods` is empty")
                .why("no request could ever pass this route")
                .write("methods = [\"GET\", \"POST\"], or leave the line out for all methods");
            return None;
        }
        let upper = |written: &Written<String>| written.value.to_uppercase();
        let is_known = |name: &str| METHODS.contains(&name);
        let right: Vec<_> = list.value.iter().map(upper).filter(|name| is_known(name)).collect();
        let instead = format!("methods = {right:?}");
        let mut methods = Vec::new();
        let mut fits = true;
        for written in &list.value {
            let name = written.value.as_str();
            if is_known(name)
                && let Ok(method) = Method::from_bytes(name.as_bytes())
            {
                if !methods.contains(&method) {
                    methods.push(method);
                }
                continue;
            }
            fits = false;
            let upper = upper(written);
            let (what, why) = if is_known(&upper) {
                (
                    "is in lower case",
                    "methods are case-sensitive (RFC 9110), and these are upper case".to_owned(),
                )
            } else if matches!(upper.as_str(), "TRACE" | "CONNECT") {
                (
                    "is never let through",
                    "TRACE shows a request's headers, CONNECT opens a tunnel".to_owned(),
                )
            } else {
                ("is not known", format!("there are {}", METHODS.join(", ")))
            };
            report
                .wrong(written.at(), format!("the method `{name}` {what}"))
                .why(why)
                .write(&instead);
        }
        if methods.contains(&Method::GET) && !methods.contains(&Method::HEAD) {
            methods.push(Method::HEAD);
        }
        fits.then_some(Some(methods))
    }
}

/// The route that takes requests for `path`: the longest one.
pub(super) fn longest<'r>(routes: &'r [RawRoute], path: &str) -> Option<&'r RawRoute> {
    let takes = routes.iter().filter(|route| route.takes(path));
    takes.max_by_key(|route| route.path.value.len())
}

/// Reports every route that has the path of one before it.
pub(super) fn check_paths(routes: &[RawRoute], report: &mut Report) {
    for (index, route) in routes.iter().enumerate() {
        let path = &route.path.value;
        if routes[..index].iter().any(|before| before.path.value == *path) {
            report
                .wrong(route.path.at(), format!("there is another route for `{path}`"))
                .why("a path has one route; which of the two counts would depend on their order")
                .write("one of the two, or a longer path: the longest matching one wins");
        }
    }
}

/// Whether a header means something that a token would spoil.
fn is_taken(name: &str) -> bool {
    const NAMES: [&str; 20] = [
        "accept",
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "cookie",
        "expect",
        "forwarded",
        "host",
        "keep-alive",
        "origin",
        "range",
        "referer",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-real-ip",
        "x-request-id",
    ];
    let prefixes = ["sec-", "x-forwarded-", "if-", "proxy-"];
    NAMES.contains(&name) || prefixes.iter().any(|prefix| name.starts_with(prefix))
}

/// Whether `url` is where this gateway listens or what browsers find it by.
fn is_gateway(url: &Url, around: &Surroundings<'_>) -> bool {
    if around.public.is_some_and(|public| public.origin() == url.origin()) {
        return true;
    }
    let Some(listen) = around.listen else { return false };
    let ip = match url.host() {
        Some(Host::Ipv4(ip)) => IpAddr::from(ip),
        Some(Host::Ipv6(ip)) => IpAddr::from(ip),
        _ => return false,
    };
    let own = listen.ip() == ip || (listen.ip().is_unspecified() && ip.is_loopback());
    own && url.port_or_known_default() == Some(listen.port())
}
