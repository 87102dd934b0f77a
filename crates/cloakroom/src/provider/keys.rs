//! The provider's signing keys: cached, refetched at a bounded rate, the last good set kept (R53).

use cloakroom_core::{jwt::KeySet, time::Timestamp};
use cloakroom_oauth::{JwksCache, Metadata, jwks_request};
use std::sync::Arc;
use tokio::sync::Mutex;

use super::{discovery::ProviderUnavailable, http::BackChannel};

/// The cache behind a lock that is held while one caller fetches.
#[derive(Debug, Default)]
pub(super) struct Keys(Mutex<JwksCache>);

impl Keys {
    /// The keys at hand, without waiting for anything.
    pub(super) fn at_hand(&self) -> Option<Arc<KeySet>> {
        self.0.try_lock().ok()?.keys()
    }

    /// The keys at hand, fetched where there are none or they are old.
    pub(super) async fn current(
        &self,
        metadata: &Metadata,
        back_channel: &BackChannel,
        now: Timestamp,
    ) -> Result<Arc<KeySet>, ProviderUnavailable> {
        self.get(metadata, back_channel, now, false).await
    }

    /// Newer keys for a token whose key is unknown, where the rate allows a fetch.
    pub(super) async fn newer(
        &self,
        metadata: &Metadata,
        back_channel: &BackChannel,
        now: Timestamp,
    ) -> Result<Arc<KeySet>, ProviderUnavailable> {
        self.get(metadata, back_channel, now, true).await
    }

    async fn get(
        &self,
        metadata: &Metadata,
        back_channel: &BackChannel,
        now: Timestamp,
        unknown_key: bool,
    ) -> Result<Arc<KeySet>, ProviderUnavailable> {
        let mut cache = self.0.lock().await;
        if cache.should_fetch(unknown_key, now) {
            let fetched = fetch(metadata, back_channel).await;
            match fetched {
                Ok(keys) => cache.fetched(keys, now),
                Err(error) => {
                    tracing::warn!(%error, "the provider's keys could not be fetched");
                    cache.failed(now);
                }
            }
        }
        cache
            .keys()
            .ok_or_else(|| ProviderUnavailable::outage("the provider's keys are not known".into()))
    }
}

async fn fetch(
    metadata: &Metadata,
    back_channel: &BackChannel,
) -> Result<KeySet, ProviderUnavailable> {
    let answer = back_channel
        .send(jwks_request(metadata))
        .await
        .map_err(|error| ProviderUnavailable::outage(error.to_string()))?;
    if !answer.status.is_success() {
        let status = answer.status.as_u16();
        return Err(ProviderUnavailable::outage(format!("the key set answered {status}")));
    }
    KeySet::parse(&answer.body).map_err(|error| ProviderUnavailable::outage(error.to_string()))
}
