//! `[public] hsts`: what browsers are told about https (R70).

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::duration::DurationText;
use super::report::Report;
use super::written::Written;

/// The least that the lists of browsers take, and what counts as serious (R70).
const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// How long browsers come by https alone, once they have been here.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawHsts {
    /// How long a browser remembers it.
    pub(super) max_age: Written<DurationText>,
    /// For every host below this one, too: none of them can be reached by plain http any more.
    pub(super) include_subdomains: Written<bool>,
    /// Ask for a place in the list that browsers are shipped with. It takes months to get off it.
    pub(super) preload: Written<bool>,
}

impl Default for RawHsts {
    fn default() -> Self {
        Self {
            max_age: Written::default("365d"),
            include_subdomains: Written::default(false),
            preload: Written::default(false),
        }
    }
}

/// What browsers are told about https.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HstsConfig {
    /// How long a browser remembers it.
    pub max_age: Duration,
    /// For every host below, too.
    pub include_subdomains: bool,
    /// Asks for a place in the browsers' lists.
    pub preload: bool,
}

impl Default for HstsConfig {
    fn default() -> Self {
        Self { max_age: YEAR, include_subdomains: false, preload: false }
    }
}

impl RawHsts {
    pub(super) fn check(&self, public: Option<&Url>, report: &mut Report) -> Option<HstsConfig> {
        let (include_subdomains, preload) = (self.include_subdomains.value, self.preload.value);
        let max_age = report.duration("max_age", &self.max_age)?;
        if public.is_some_and(|public| public.scheme() == "http") {
            report
                .wrong(self.max_age.at(), "`hsts` has no effect: the public url is http")
                .why("browsers take it over https alone")
                .write("url = \"https://…\", or leave `hsts` out");
            return None;
        }
        if preload && (max_age < YEAR || !include_subdomains) {
            report
                .wrong(self.preload.at(), "`preload` needs more")
                .why("the lists take only hosts with a year at least, and all that is below them")
                .write("hsts = { max_age = \"365d\", include_subdomains = true, preload = true }");
            return None;
        }
        if max_age < YEAR {
            report.warn(
                format!("hsts max_age = \"{}\"", super::duration::show(max_age)),
                "a browser that has not been here for longer can be led to a plain http copy of the site",
            );
        }
        Some(HstsConfig { max_age, include_subdomains, preload })
    }
}
