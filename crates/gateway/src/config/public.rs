//! `[public]`: where browsers find the gateway.

use cloakroom_core::origin::is_loopback_to_browsers;
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::report::Report;
use super::written::Written;

/// Where browsers find the gateway.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPublic {
    /// The address in the browser: `https://` and a host. Plain `http://` is for localhost only,
    /// because elsewhere the session cookie would travel in clear.
    #[schemars(example = &"https://shop.example.com")]
    pub(super) url: Written<String>,
}

impl RawPublic {
    pub(super) fn check(&self, report: &mut Report) -> Option<Url> {
        let at = self.url.at();
        let written = &self.url.value;
        let Ok(url) = Url::parse(written) else {
            report
                .wrong(at, "`url` is not a URL")
                .why("it is the address that people see in the browser")
                .write("url = \"https://shop.example.com\"");
            return None;
        };
        let Some(host) = url.host_str().filter(|_| matches!(url.scheme(), "http" | "https")) else {
            report
                .wrong(at, "`url` is neither https nor http")
                .why("it is the address that people see in the browser")
                .write("url = \"https://shop.example.com\"");
            return None;
        };
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        if url.scheme() == "http" && !is_loopback_to_browsers(&url) {
            report
                .wrong(at, "`url` is not https")
                .why(
                    "without TLS the session cookie would travel in clear, and whoever sees it is logged in;\n\
                     only localhost may be http",
                )
                .write(format!("url = \"https://{host}\""));
            return None;
        }
        if !super::bare_url::is_bare(&url) {
            report
                .wrong(at, "`url` has more than scheme, host and port")
                .why("Cloakroom serves a whole origin: its cookie is for all paths of the host")
                .write(format!("url = \"{}://{host}{port}\"", url.scheme()));
            return None;
        }
        if url.scheme() == "http" {
            report.warn(
                format!("public url is plain http ({host})"),
                "for development only; Safari refuses the session cookie there",
            );
        }
        Some(url)
    }
}
