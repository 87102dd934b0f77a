//! `[public]`: where browsers find the gateway.

use cloakroom_core::origin::is_loopback_to_browsers;
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::hsts::RawHsts;
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
    /// Further addresses at which browsers find the same gateway, such as other subdomains. Each is an
    /// origin of its own: a page of one is foreign to the others, and people log in on each unless the
    /// cookie has a `parent_domain`.
    #[schemars(example = &["https://admin.example.com"])]
    also: Option<Vec<Written<String>>>,
    /// How long browsers come by https alone, once they have been here (`Strict-Transport-Security`).
    #[serde(default)]
    #[schemars(extend("examples" = [{ "max_age": "365d", "include_subdomains": true }]))]
    pub(super) hsts: Option<Written<RawHsts>>,
}

impl RawPublic {
    /// The address in the browser.
    pub(super) fn check(&self, report: &mut Report) -> Option<Url> {
        let url = check_url("url", &self.url, report)?;
        if url.scheme() == "http" {
            let host = url.host_str().unwrap_or_default();
            report.warn(
                format!("public url is plain http ({host})"),
                "for development only; Safari refuses the session cookie there",
            );
        }
        Some(url)
    }

    /// The further addresses: of the same scheme as `url`, and each once.
    pub(super) fn check_also(&self, url: Option<&Url>, report: &mut Report) -> Option<Vec<Url>> {
        let mut seen: Vec<Url> = url.into_iter().cloned().collect();
        let mut also = Some(Vec::new());
        for written in self.also.iter().flatten() {
            let Some(found) = check_url("also", written, report) else {
                also = None;
                continue;
            };
            if let Some(url) = url
                && url.scheme() != found.scheme()
            {
                report
                    .wrong(written.at(), "`also` has another scheme than `url`")
                    .why(
                        "the gateway speaks one of them, and a cookie of the other would not count",
                    )
                    .write(format!("also = [\"{}://{}\"]", url.scheme(), found.authority()));
                also = None;
            } else if seen.iter().any(|other| other.origin() == found.origin()) {
                report
                    .wrong(written.at(), "`also` repeats an address")
                    .why("it is served already")
                    .write("each address once, and that of `url` not again");
                also = None;
            } else {
                seen.push(found.clone());
                also.iter_mut().for_each(|also| also.push(found.clone()));
            }
        }
        also
    }
}

fn check_url(key: &str, written: &Written<String>, report: &mut Report) -> Option<Url> {
    let write = |value: &str| match key {
        "url" => format!("url = \"{value}\""),
        _ => format!("{key} = [\"{value}\"]"),
    };
    let example = match key {
        "url" => "https://shop.example.com",
        _ => "https://admin.example.com",
    };
    let at = written.at();
    let written = &written.value;
    let Ok(url) = Url::parse(written) else {
        report
            .wrong(at, format!("`{key}` is not a URL"))
            .why("it is the address that people see in the browser")
            .write(write(example));
        return None;
    };
    let Some(host) = url.host_str().filter(|_| matches!(url.scheme(), "http" | "https")) else {
        report
            .wrong(at, format!("`{key}` is neither https nor http"))
            .why("it is the address that people see in the browser")
            .write(write(example));
        return None;
    };
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    if url.scheme() == "http" && !is_loopback_to_browsers(&url) {
        report
            .wrong(at, format!("`{key}` is not https"))
            .why(
                "without TLS the session cookie would travel in clear, and whoever sees it is logged in;\n\
                 only localhost may be http",
            )
            .write(write(&format!("https://{host}")));
        return None;
    }
    if !super::bare_url::is_bare(&url) {
        report
            .wrong(at, format!("`{key}` has more than scheme, host and port"))
            .why("Cloakroom serves a whole origin: its cookie is for all paths of the host")
            .write(write(&format!("{}://{host}{port}", url.scheme())));
        return None;
    }
    Some(url)
}
