//! `[guard]`: what is asked of a request beyond Fetch Metadata and Origin.

use cloakroom::CsrfTokenSettings;
use cloakroom_core::cookie::{CookieName, Prefix, ReservedNames, SameSite};
use http::HeaderName;
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::allow_origins;
use super::cookie::CookieConfig;
use super::report::Report;
use super::written::Written;

/// Additional defence against cross-site request forgery.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GuardConfig {
    /// Requests with an unsafe method must carry this header, whatever its value (R37).
    pub required_header: Option<HeaderName>,
    /// Requests with an unsafe method and a session must bring the session's token (R41).
    pub csrf_token: Option<CsrfTokenSettings>,
    /// Other origins whose pages may call routes that take sessions (R42).
    pub allow_origins: Vec<Url>,
}

/// Defence against cross-site requests, in addition to the checks that are always made.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawGuard {
    /// A header that every request with an unsafe method (POST, PUT, PATCH, DELETE) must carry, with
    /// any value. A page of another site cannot set it without asking the gateway first.
    #[schemars(example = &"X-Requested-With")]
    required_header: Option<Written<String>>,
    /// The CSRF token: every request with an unsafe method and a session must bring a token that is
    /// bound to the session, in a header. The page gets it from `GET /auth/session`, as `csrfToken`.
    /// With `same_site = "none"` it is asked for in any case.
    #[schemars(extend("examples" = [{ "header": "X-CSRF-Token" }]))]
    csrf_token: Option<RawCsrfToken>,
    /// Other origins whose pages may call, with the user's session, the routes that take sessions and
    /// the control endpoints for pages. Each is `https://` and a host (`http://` for localhost alone),
    /// exactly as the browser shows it. A script in a page of theirs acts as the user.
    #[schemars(example = &["https://app.example.com"])]
    allow_origins: Option<Vec<Written<String>>>,
}

/// Where the CSRF token travels.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawCsrfToken {
    /// The header in which the page sends the token.
    #[schemars(example = &"X-CSRF-Token")]
    header: Written<String>,
    /// A cookie, readable by the page's scripts, in which the page finds the token too. Without it the
    /// page asks `GET /auth/session`.
    #[schemars(example = &"XSRF-TOKEN")]
    cookie: Option<Written<String>>,
}

impl RawGuard {
    /// `origins` are those served, as far as they could be read.
    pub(super) fn check(
        &self,
        cookie: Option<&CookieConfig>,
        access_cookie: Option<&str>,
        origins: &[&Url],
        report: &mut Report,
    ) -> Option<GuardConfig> {
        let required_header = match &self.required_header {
            Some(written) => {
                header("required_header", written, "X-Requested-With", report).map(Some)
            }
            None => Some(None),
        };
        let csrf_token = match &self.csrf_token {
            Some(token) => {
                let access = cookie.zip(access_cookie).and_then(|(cookie, access)| {
                    CookieName::new(cookie.name.prefix(), access).ok()
                });
                let ours = cookie.map(|cookie| cookie.name.clone());
                token
                    .check(&[ours, access].into_iter().flatten().collect::<Vec<_>>(), report)
                    .map(Some)
            }
            None => Some(None),
        };
        let list = self.allow_origins.as_deref().unwrap_or_default();
        let same_site = cookie.map(|cookie| cookie.same_site);
        let allow_origins = allow_origins::check(list, origins, same_site, report);
        Some(GuardConfig {
            required_header: required_header?,
            csrf_token: CsrfTokenSettings::asked(csrf_token?, same_site.unwrap_or(SameSite::Lax)),
            allow_origins: allow_origins?,
        })
    }
}

impl RawCsrfToken {
    fn check(&self, ours: &[CookieName], report: &mut Report) -> Option<CsrfTokenSettings> {
        let name = header("header", &self.header, "X-CSRF-Token", report);
        let cookie = match &self.cookie {
            Some(written) => check_companion(written, ours, report).map(Some),
            None => Some(None),
        };
        Some(CsrfTokenSettings { header: name?, cookie: cookie? })
    }
}

fn check_companion(
    written: &Written<String>,
    ours: &[CookieName],
    report: &mut Report,
) -> Option<CookieName> {
    let Ok(name) = CookieName::parse(&written.value) else {
        report
            .wrong(written.at(), "`cookie` cannot be a cookie's name")
            .why("it is 1 to 64 letters, digits, `-` or `_`, behind `__Host-`, `__Secure-` or nothing")
            .write("cookie = \"XSRF-TOKEN\"");
        return None;
    };
    if name.prefix() == Prefix::HostHttp {
        report
            .wrong(written.at(), "`cookie` has a prefix that hides it from scripts")
            .why("the page's scripts must read this cookie; a browser drops one of this prefix that they could")
            .write("cookie = \"XSRF-TOKEN\", or with `__Host-` before it");
        return None;
    }
    let family = |name: &CookieName| ReservedNames::new([name.clone()]);
    let taken = ours.iter().any(|other| {
        family(other).contains(name.as_str().as_bytes())
            || family(&name).contains(other.as_str().as_bytes())
    });
    if taken {
        report
            .wrong(written.at(), "`cookie` is a name of the session's")
            .why("that cookie, and every name that begins with it and a `-`, holds the session or its token, which no script may read")
            .write("cookie = \"XSRF-TOKEN\"");
        return None;
    }
    Some(name)
}

/// A header that a page of ours can set and a page elsewhere cannot.
fn header(
    key: &str,
    written: &Written<String>,
    example: &str,
    report: &mut Report,
) -> Option<HeaderName> {
    let Ok(name) = written.value.parse::<HeaderName>() else {
        report
            .wrong(written.at(), format!("`{key}` cannot be a header's name"))
            .why("a header's name is letters, digits and `-`, without its value")
            .write(format!("{key} = \"{example}\""));
        return None;
    };
    if let Some(why) = unfit(name.as_str()) {
        report
            .wrong(written.at(), format!("`{key}` cannot be {}", written.value))
            .why(why)
            .write(format!("{key} = \"{example}\", or another name of your own"));
        return None;
    }
    Some(name)
}

/// Why a header proves nothing, or never arrives.
fn unfit(name: &str) -> Option<&'static str> {
    const SAFELISTED: [&str; 5] =
        ["accept", "accept-language", "content-language", "content-type", "range"];
    const BROWSERS_OWN: [&str; 28] = [
        "accept-charset",
        "accept-encoding",
        "cache-control",
        "connection",
        "content-length",
        "cookie",
        "cookie2",
        "date",
        "dnt",
        "expect",
        "host",
        "if-modified-since",
        "if-none-match",
        "keep-alive",
        "origin",
        "permissions-policy",
        "pragma",
        "priority",
        "purpose",
        "referer",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "upgrade-insecure-requests",
        "user-agent",
        "via",
    ];
    const GATEWAYS_OWN: [&str; 5] =
        ["authorization", "dpop", "forwarded", "x-real-ip", "x-request-id"];
    if SAFELISTED.contains(&name) {
        return Some(
            "every site may set this header without asking (CORS-safelisted), so it proves nothing",
        );
    }
    let browsers =
        ["sec-", "proxy-", "access-control-"].iter().any(|prefix| name.starts_with(prefix));
    if browsers || BROWSERS_OWN.contains(&name) {
        return Some(
            "browsers set this header themselves, or let no page set it, so it proves nothing",
        );
    }
    if name.starts_with("x-forwarded-") || GATEWAYS_OWN.contains(&name) || name.contains('_') {
        return Some(
            "the gateway does not take this header from browsers, so it would never arrive",
        );
    }
    None
}
