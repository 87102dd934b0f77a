//! An issuer's signing keys: cached, refetched at a bounded rate, the last good set kept (R53).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use cloakroom_core::{jwt::KeySet, time::Timestamp};
use cloakroom_oauth::{JwksCache, JwksUrl, discovery_request, jwks_request, published_jwks_url};
use http::Request;

use super::{discovery::ProviderUnavailable, http::BackChannel};
use crate::clock::Clock;

/// Where a key set is found.
#[derive(Clone, Copy, Debug)]
pub(crate) enum KeysAt<'a> {
    /// Here.
    Url(&'a JwksUrl),
    /// Where this issuer's metadata says.
    Issuer(&'a str),
}

/// The cache, and a lock that is held while one caller fetches.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    cache: Mutex<JwksCache>,
    fetching: tokio::sync::Mutex<()>,
}

impl Keys {
    /// The keys at hand, without waiting for anything.
    pub(crate) fn at_hand(&self) -> Option<Arc<KeySet>> {
        self.cache().keys()
    }

    /// The keys at hand; fetched first where there are none or, by one caller, where they are old.
    pub(crate) async fn current(
        &self,
        at: KeysAt<'_>,
        back_channel: &BackChannel,
        clock: &dyn Clock,
    ) -> Result<Arc<KeySet>, ProviderUnavailable> {
        let fetching = match self.at_hand() {
            Some(keys) if !self.should_fetch(false, clock.now()) => return Ok(keys),
            Some(keys) => match self.fetching.try_lock() {
                Ok(fetching) => fetching,
                Err(_) => return Ok(keys),
            },
            None => self.fetching.lock().await,
        };
        let fetched = self.fetch(false, at, back_channel, clock).await;
        drop(fetching);
        self.at_hand().ok_or_else(|| match fetched {
            Err(error) => error,
            Ok(()) => ProviderUnavailable::outage("the provider's keys are not known".into()),
        })
    }

    /// Newer keys for a token whose key is unknown, where the rate allows a fetch.
    ///
    /// # Errors
    /// When they were asked for and could not be had: then nobody can say that the token is bad.
    pub(crate) async fn newer(
        &self,
        at: KeysAt<'_>,
        back_channel: &BackChannel,
        clock: &dyn Clock,
    ) -> Result<Arc<KeySet>, ProviderUnavailable> {
        let fetching = self.fetching.lock().await;
        let fetched = self.fetch(true, at, back_channel, clock).await;
        drop(fetching);
        fetched?;
        let cache = self.cache();
        // Within the window of a failed fetch none is tried, and the doubt is the same.
        cache
            .keys()
            .filter(|_| !cache.last_failed())
            .ok_or_else(|| ProviderUnavailable::outage("the provider's keys are not known".into()))
    }

    /// Fetches where it is still wanted; its caller holds the lock.
    async fn fetch(
        &self,
        unknown_key: bool,
        at: KeysAt<'_>,
        back_channel: &BackChannel,
        clock: &dyn Clock,
    ) -> Result<(), ProviderUnavailable> {
        if !self.should_fetch(unknown_key, clock.now()) {
            return Ok(());
        }
        match fetch(at, back_channel).await {
            Ok(keys) => {
                self.cache().fetched(keys, clock.now());
                Ok(())
            }
            Err(error) => {
                tracing::warn!(%error, "the provider's keys could not be fetched");
                self.cache().failed(clock.now());
                Err(error)
            }
        }
    }

    fn should_fetch(&self, unknown_key: bool, now: Timestamp) -> bool {
        self.cache().should_fetch(unknown_key, now)
    }

    fn cache(&self) -> MutexGuard<'_, JwksCache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn fetch(at: KeysAt<'_>, back_channel: &BackChannel) -> Result<KeySet, ProviderUnavailable> {
    let keys = match at {
        KeysAt::Url(url) => get(jwks_request(url), "the key set", back_channel).await?,
        KeysAt::Issuer(issuer) => {
            let request = discovery_request(issuer)
                .map_err(|error| ProviderUnavailable::outage(error.to_string()))?;
            let metadata = get(request, "discovery", back_channel).await?;
            let url = published_jwks_url(issuer, &metadata)?;
            get(jwks_request(&url), "the key set", back_channel).await?
        }
    };
    KeySet::parse(&keys).map_err(|error| ProviderUnavailable::outage(error.to_string()))
}

async fn get(
    request: Request<Bytes>,
    what: &str,
    back_channel: &BackChannel,
) -> Result<Bytes, ProviderUnavailable> {
    let answer = back_channel
        .fetch(request)
        .await
        .map_err(|error| ProviderUnavailable::outage(error.to_string()))?;
    if !answer.status.is_success() {
        let status = answer.status.as_u16();
        return Err(ProviderUnavailable::outage(format!("{what} answered {status}")));
    }
    Ok(answer.body)
}
