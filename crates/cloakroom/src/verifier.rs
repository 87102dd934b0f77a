//! The verifier: is this access token good (R51–R59)?
//!
//! For tokens that arrive from outside: a mobile client's bearer, the cookie of mode `jwt`. The rules
//! are [`cloakroom_core::jwt`]'s; here are the keys. Published ones are fetched when first needed,
//! again each hour, and once a minute at most because a token names a key that is not among them
//! (R53). The last good set serves on while the issuer is down.

mod set;
mod settings;

use std::{fmt, sync::Arc, time::Duration};

use cloakroom_core::{
    jwt::{
        AudienceRule, DEFAULT_LEEWAY, Expectation, IssuerRule, JwtError, KeySet, TokenKind,
        VerifiedClaims, VerifiedTokens,
    },
    time::Timestamp,
};
use cloakroom_oauth::check_issuer;

pub(crate) use self::set::Verifiers;
pub use self::settings::{AccessTokenSettings, KeySource, Named};
use crate::{
    SetupError,
    cloakroom::SetupFault,
    clock::Clock,
    provider::{BackChannel, Keys, KeysAt, ProviderUnavailable},
    reason::Reason,
    refusal::Refusal,
};

/// When to ask again while an issuer's keys cannot be had.
const RETRY: Duration = Duration::from_secs(2);

/// Verifies the access tokens of one issuer. Share one: it keeps keys and what it has verified.
pub struct Verifier {
    settings: AccessTokenSettings,
    fetched: Keys,
    verified: VerifiedTokens,
    back_channel: BackChannel,
    clock: Arc<dyn Clock>,
}

/// Whether keys must be fetched.
enum Keyed<'a> {
    Fixed(&'a KeySet),
    Published(KeysAt<'a>),
}

/// Why a token is not believed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum VerifyError {
    /// It is no token of this issuer for us, or is none any more: a 401.
    #[error("{0}")]
    Invalid(JwtError),
    /// Nobody can say: the issuer's keys cannot be had now. A 503.
    #[error("the keys cannot be had: {0}")]
    Unavailable(Outage),
}

/// What stands between us and an issuer's keys; for the log.
#[derive(Clone, Debug, thiserror::Error)]
#[error(transparent)]
pub struct Outage(ProviderUnavailable);

impl Verifier {
    /// A verifier of its own; nothing is fetched yet.
    ///
    /// # Errors
    /// When the issuer whose metadata is to be asked is no issuer identifier, or the platform's
    /// certificates cannot be used.
    pub fn new(settings: AccessTokenSettings, clock: Arc<dyn Clock>) -> Result<Self, SetupError> {
        Self::over(BackChannel::new().map_err(SetupFault::from)?, settings, clock)
    }

    pub(crate) fn over(
        back_channel: BackChannel,
        settings: AccessTokenSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SetupError> {
        if let KeySource::IssuerMetadata(issuer) = &settings.keys {
            check_issuer(issuer).map_err(SetupFault::from)?;
        }
        let verified = VerifiedTokens::default();
        Ok(Self { settings, fetched: Keys::default(), verified, back_channel, clock })
    }

    /// Fetches the keys, so that the first token does not wait for them.
    pub(crate) async fn prepare(&self) -> Result<(), Outage> {
        let Keyed::Published(at) = self.keyed() else { return Ok(()) };
        let keys = self.fetched.current(at, &self.back_channel, &*self.clock).await;
        keys.map(drop).map_err(Outage)
    }

    /// Believes `token` or says why not.
    ///
    /// # Errors
    /// See [`VerifyError`]. No part of the token is in it.
    pub async fn verify(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<Arc<VerifiedClaims>, VerifyError> {
        let at = match self.keyed() {
            Keyed::Fixed(keys) => return Ok(self.judge(token, keys, now)?),
            Keyed::Published(at) => at,
        };
        let keys = self.fetched.current(at, &self.back_channel, &*self.clock).await?;
        match self.judge(token, &keys, now) {
            Err(error) if error.refetch_may_help() => {
                let newer = self.fetched.newer(at, &self.back_channel, &*self.clock).await?;
                Ok(self.judge(token, &newer, now)?)
            }
            verdict => Ok(verdict?),
        }
    }

    fn keyed(&self) -> Keyed<'_> {
        match &self.settings.keys {
            KeySource::Fixed(keys) => Keyed::Fixed(keys),
            KeySource::Jwks(url) => Keyed::Published(KeysAt::Url(url)),
            KeySource::IssuerMetadata(issuer) => Keyed::Published(KeysAt::Issuer(issuer)),
        }
    }

    fn judge(
        &self,
        token: &str,
        keys: &KeySet,
        now: Timestamp,
    ) -> Result<Arc<VerifiedClaims>, JwtError> {
        let expect = Expectation {
            issuer: match &self.settings.issuer {
                Named::Is(issuer) => IssuerRule::Is(issuer),
                Named::AbsentOrIs(issuer) => IssuerRule::AbsentOrIs(issuer),
                Named::Absent => IssuerRule::Absent,
            },
            audience: match &self.settings.audience {
                Named::Is(audience) => AudienceRule::Includes(audience),
                Named::AbsentOrIs(audience) => AudienceRule::AbsentOrIncludes(audience),
                Named::Absent => AudienceRule::Absent,
            },
            algorithms: &self.settings.algorithms,
            kind: TokenKind::AccessToken,
            leeway: DEFAULT_LEEWAY,
        };
        self.verified.verify(token, keys, &expect, now)
    }
}

impl From<JwtError> for VerifyError {
    fn from(error: JwtError) -> Self {
        Self::Invalid(error)
    }
}

impl From<ProviderUnavailable> for VerifyError {
    fn from(error: ProviderUnavailable) -> Self {
        Self::Unavailable(Outage(error))
    }
}

/// A bad token is a 401 with the challenge of RFC 6750 §3.1; one that nobody can judge now a 503.
impl From<VerifyError> for Refusal {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Invalid(error) => Self::invalid_token(error.to_string()),
            VerifyError::Unavailable(outage) => {
                Self::new(Reason::ProviderUnavailable, outage.to_string()).retry_after(RETRY)
            }
        }
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("settings", &self.settings).finish_non_exhaustive()
    }
}
