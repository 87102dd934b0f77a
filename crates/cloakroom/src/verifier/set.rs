//! The verifiers of one Cloakroom: one for each provider whose access tokens it can verify.

use std::sync::Arc;

use cloakroom_core::{
    jwt::{JwtError, VerifiedClaims, peek_issuer},
    time::Timestamp,
};

use super::{Verifier, VerifyError};
use crate::{SetupError, clock::Clock, provider::BackChannel, settings::ProviderSettings};

/// Verifiers by the names of their providers.
#[derive(Debug)]
pub(crate) struct Verifiers(Vec<(String, Verifier)>);

impl Verifiers {
    /// # Errors
    /// See [`Verifier::new`].
    pub(crate) fn new(
        providers: &[ProviderSettings],
        back_channel: &BackChannel,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, SetupError> {
        let mut verifiers = Vec::new();
        for provider in providers {
            if let Some(settings) = &provider.access_token {
                let (back_channel, clock) = (back_channel.clone(), Arc::clone(clock));
                let verifier = Verifier::over(back_channel, settings.clone(), clock)?;
                verifiers.push((provider.name.clone(), verifier));
            }
        }
        Ok(Self(verifiers))
    }

    /// All of them, with their providers' names.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Verifier)> {
        self.0.iter().map(|(provider, verifier)| (provider.as_str(), verifier))
    }

    /// Asks the verifiers whose issuer the token names, one after the other.
    ///
    /// # Errors
    /// When none believes it; [`VerifyError::Unavailable`] where one of them cannot say.
    pub(crate) async fn verify(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<Arc<VerifiedClaims>, VerifyError> {
        let issuer = peek_issuer(token);
        let mut refusal = VerifyError::Invalid(JwtError::Issuer);
        for (_, verifier) in &self.0 {
            if !verifier.settings.issuer.fits(issuer.as_deref()) {
                continue;
            }
            match verifier.verify(token, now).await {
                Ok(claims) => return Ok(claims),
                Err(_) if matches!(refusal, VerifyError::Unavailable(_)) => {}
                Err(error) => refusal = error,
            }
        }
        Err(refusal)
    }

    /// That of the provider `name`, where its access tokens can be verified.
    pub(crate) fn of(&self, name: &str) -> Option<&Verifier> {
        self.0.iter().find(|(provider, _)| provider == name).map(|(_, verifier)| verifier)
    }
}
