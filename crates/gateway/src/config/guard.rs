//! `[guard]`: what is asked of a request beyond Fetch Metadata and Origin.

use http::HeaderName;
use schemars::JsonSchema;
use serde::Deserialize;

use super::report::Report;
use super::written::Written;

/// Additional defence against cross-site request forgery.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GuardConfig {
    /// Requests with an unsafe method must carry this header, whatever its value (R37).
    pub required_header: Option<HeaderName>,
}

/// Defence against cross-site requests, in addition to the checks that are always made.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawGuard {
    /// A header that every request with an unsafe method (POST, PUT, PATCH, DELETE) must carry, with
    /// any value. A page of another site cannot set it without asking the gateway first.
    #[schemars(example = &"X-Requested-With")]
    required_header: Option<Written<String>>,
}

impl RawGuard {
    pub(super) fn check(&self, report: &mut Report) -> Option<GuardConfig> {
        let Some(written) = &self.required_header else { return Some(GuardConfig::default()) };
        let Ok(name) = written.value.parse::<HeaderName>() else {
            report
                .wrong(written.at(), "`required_header` cannot be a header's name")
                .why("a header's name is letters, digits and `-`, without its value")
                .write("required_header = \"X-Requested-With\"");
            return None;
        };
        if let Some(why) = unfit(name.as_str()) {
            report
                .wrong(written.at(), format!("`required_header` cannot be {}", written.value))
                .why(why)
                .write("required_header = \"X-Requested-With\", or another name of your own");
            return None;
        }
        Some(GuardConfig { required_header: Some(name) })
    }
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
