//! Why there are no tokens, and whose fault it is.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};

/// The longest pause that a provider can ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60 * 60);

/// Why the token endpoint gave no tokens. Nothing that the provider wrote is in it but its status and
/// a registered error code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the token endpoint gave no tokens: {reason}{}", StatusSuffix(*status))]
pub struct TokenError {
    kind: TokenErrorKind,
    reason: &'static str,
    status: Option<StatusCode>,
    retry_after: Option<Duration>,
}

/// What follows from a [`TokenError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenErrorKind {
    /// The code or the refresh token is spent, revoked or expired. After a refresh the session is
    /// over (R15).
    InvalidGrant,
    /// The provider refuses us or our request: the operator's mistake, here or there. Nobody is
    /// logged out.
    ClientRefused,
    /// The provider is down, overloaded or not making sense. Nobody is logged out; try again later.
    Outage,
}

impl TokenError {
    /// The provider could not be reached, or did not answer in time: an outage.
    pub const fn unreachable() -> Self {
        Self {
            kind: TokenErrorKind::Outage,
            reason: "the provider did not answer",
            status: None,
            retry_after: None,
        }
    }

    pub(crate) fn new(
        kind: TokenErrorKind,
        reason: &'static str,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Self {
        Self { kind, reason, status: Some(status), retry_after: retry_after(headers) }
    }

    /// What follows from it.
    pub fn kind(&self) -> TokenErrorKind {
        self.kind
    }

    /// Whether it may work later, without anybody doing anything.
    pub fn is_outage(&self) -> bool {
        self.kind == TokenErrorKind::Outage
    }

    /// How long the provider asks to wait, at most an hour. Only the form in seconds is read.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

struct StatusSuffix(Option<StatusCode>);

impl std::fmt::Display for StatusSuffix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.map_or(Ok(()), |status| write!(f, " (status {})", status.as_u16()))
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(MAX_RETRY_AFTER))
}
