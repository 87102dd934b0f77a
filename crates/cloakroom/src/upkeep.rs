//! What runs beside the requests: asking providers at start, removing what has expired.

use std::{convert::Infallible, sync::Arc, time::Duration};

use cloakroom_core::session::Holder;

use crate::{
    Cloakroom,
    provider::{Provider, ProviderUnavailable},
};

/// How often expired sessions are removed.
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// How long to wait before a provider that is down is asked again.
const PROBE_EVERY: Duration = Duration::from_secs(5);
/// How long a provider may take to answer before the service starts without it.
const PROBE_TIMEOUT: Duration = Duration::from_secs(3);

/// A provider answered at start in a way that no retry will mend.
#[derive(Debug, thiserror::Error)]
#[error("provider `{provider}`: {detail}")]
pub struct StartProblem {
    provider: String,
    detail: String,
}

impl Cloakroom {
    /// Asks every provider for its metadata once, before the service starts.
    ///
    /// A provider that does not answer stops nothing: it is asked again in the background until it
    /// does, and logins get a 503 until then.
    ///
    /// # Errors
    /// When a provider's metadata cannot be used: wrong issuer, no PKCE (R3, R8).
    pub async fn probe_providers(&self) -> Result<(), StartProblem> {
        for provider in &self.shared.settings.providers {
            let Some(provider) = self.shared.sessions.provider(&provider.name) else { continue };
            let asked = provider.prepare();
            let answer = tokio::time::timeout(PROBE_TIMEOUT, asked).await;
            match answer.unwrap_or_else(|_| Err(ProviderUnavailable::slow())) {
                Ok(_) => tracing::info!(provider = provider.name(), "provider ready"),
                Err(error) if error.is_misconfigured() => {
                    let (provider, detail) = (provider.name().to_owned(), error.to_string());
                    return Err(StartProblem { provider, detail });
                }
                Err(error) => {
                    let name = provider.name();
                    tracing::warn!(provider = name, %error, "provider does not answer: logins get 503 until it does");
                    tokio::spawn(await_provider(Arc::clone(provider)));
                }
            }
        }
        for (provider, verifier) in self.shared.verifiers.iter() {
            // Slow or not: a token that needs the keys fetches them.
            if let Ok(Err(error)) = tokio::time::timeout(PROBE_TIMEOUT, verifier.prepare()).await {
                tracing::warn!(provider, %error, "no keys for access tokens: bearers get 503 until there are");
            }
        }
        Ok(())
    }

    /// Tells everybody who shares the store that the process which held leases as `holder` is dead, so that
    /// nobody waits for it. Does not end before it is told.
    ///
    /// Only of a process that cannot live any more: of one that does, a refresh token could be spent twice.
    pub async fn declare_dead(&self, holder: Holder) {
        let mut again = Duration::from_millis(100);
        while let Err(error) = self.shared.sessions.declare_dead(holder).await {
            tracing::debug!(%error, "the process before this one could not be declared dead yet");
            tokio::time::sleep(again).await;
            again = (again * 2).min(PROBE_EVERY);
        }
    }

    /// Ends all streams of `GET events`, for good: browsers come back, by then to another process.
    ///
    /// Call it when the service begins to end, for they would hold its connections open for ever.
    pub fn end_event_streams(&self) {
        self.shared.sessions.end_listening();
    }

    /// Waits for what runs beside the requests: refreshes that nobody waits for any more, revocations.
    ///
    /// Call it when the last request has ended and before the runtime does: a refresh that is cut off
    /// loses its rotated token, and with it the session. Bound it by your patience; the back channel
    /// gives a provider a minute.
    pub async fn drain(&self) {
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }

    /// Removes what has expired, once a minute, for as long as it is polled.
    pub async fn keep_house(&self) -> Infallible {
        loop {
            tokio::time::sleep(SWEEP_EVERY).await;
            loop {
                match self.shared.sessions.sweep(self.shared.clock.now()).await {
                    Ok(0) => break,
                    Ok(removed) => tracing::debug!(removed, "expired sessions removed"),
                    Err(error) => {
                        tracing::warn!(%error, "expired sessions could not be removed");
                        break;
                    }
                }
            }
        }
    }
}

/// Asks a provider that was down until it answers, so that the log says when logins work again.
async fn await_provider(provider: Arc<Provider>) {
    loop {
        tokio::time::sleep(PROBE_EVERY).await;
        match provider.prepare().await {
            Ok(_) => {
                tracing::info!(provider = provider.name(), "provider ready");
                return;
            }
            Err(error) if error.is_misconfigured() => {
                tracing::error!(provider = provider.name(), %error, "provider cannot be used");
                return;
            }
            Err(_) => {}
        }
    }
}
