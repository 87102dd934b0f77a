//! URLs of which only scheme, host and port count.

use url::Url;

/// Whether there is nothing but scheme, host and port.
pub(super) fn is_bare(url: &Url) -> bool {
    matches!(url.path(), "" | "/")
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
}
