//! Who is foreign to whom (Fetch Metadata §2.2, "schemeful same-site").

use url::{Host, Url};

/// The relation between the page that asks and what it asks for; later is more foreign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Relation {
    SameOrigin,
    SameSite,
    CrossSite,
}

impl Relation {
    pub(super) fn between(page: &Url, target: &Url) -> Self {
        if page.origin() == target.origin() {
            Self::SameOrigin
        } else if page.scheme() == target.scheme() && domain(page) == domain(target) {
            Self::SameSite
        } else {
            Self::CrossSite
        }
    }

    /// The value of `Sec-Fetch-Site`.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::SameOrigin => "same-origin",
            Self::SameSite => "same-site",
            Self::CrossSite => "cross-site",
        }
    }
}

fn domain(url: &Url) -> String {
    match url.host() {
        Some(Host::Domain(name)) => registrable(name).to_owned(),
        Some(address) => address.to_string(),
        None => String::new(),
    }
}

/// The registrable domain of a name, taking each top-level name for a public suffix: good for test
/// names.
pub(super) fn registrable(name: &str) -> &str {
    let from = name.rmatch_indices('.').nth(1).map_or(0, |(dot, _)| dot + 1);
    &name[from..]
}
