//! The provider's metadata: fetched when needed, kept while it serves (RFC 8414, OIDC Discovery).

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use cloakroom_core::time::Timestamp;
use cloakroom_oauth::{Client, Metadata, MetadataError, MetadataFault, discovery_request};
use tokio::sync::Mutex;

use super::http::BackChannel;
use crate::clock::Clock;

/// After this long the metadata is fetched again; while that fails the old one serves on.
const MAX_AGE: Duration = Duration::from_secs(3600);
/// Between two tries at a provider that is down.
const COOL_DOWN: Duration = Duration::from_secs(1);

/// Metadata with its age.
#[derive(Debug, Default)]
pub(super) struct Discovery {
    known: RwLock<Option<(Arc<Metadata>, Timestamp)>>,
    /// Held while one caller fetches; holds when the last try failed.
    failed: Mutex<Option<(Timestamp, ProviderUnavailable)>>,
}

/// The provider cannot be used now.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{detail}")]
pub(crate) struct ProviderUnavailable {
    detail: String,
    misconfigured: bool,
}

impl ProviderUnavailable {
    pub(super) fn outage(detail: String) -> Self {
        Self { detail, misconfigured: false }
    }

    pub(crate) fn slow() -> Self {
        Self::outage("the provider is slow to answer".into())
    }

    /// Whether the provider answered, with metadata that no retry will mend (R3, R8).
    pub(crate) fn is_misconfigured(&self) -> bool {
        self.misconfigured
    }
}

impl From<MetadataError> for ProviderUnavailable {
    fn from(error: MetadataError) -> Self {
        // A page that some proxy shows while the provider is down is not the provider's word.
        let misconfigured = error.fault != MetadataFault::NotJson;
        Self { detail: error.to_string(), misconfigured }
    }
}

impl Discovery {
    pub(super) async fn metadata(
        &self,
        client: &Client,
        back_channel: &BackChannel,
        clock: &dyn Clock,
    ) -> Result<Arc<Metadata>, ProviderUnavailable> {
        let now = clock.now();
        let old = match self.known() {
            Some((metadata, at)) if now.since(at) < MAX_AGE => return Ok(metadata),
            Some((metadata, _)) => Some(metadata),
            None => None,
        };
        let mut failed = match (self.failed.try_lock(), &old) {
            (Ok(failed), _) => failed,
            (Err(_), Some(old)) => return Ok(Arc::clone(old)),
            (Err(_), None) => self.failed.lock().await,
        };
        // Somebody else may have fetched, or failed, while we waited.
        let now = clock.now();
        if let Some((metadata, at)) = self.known()
            && now.since(at) < MAX_AGE
        {
            return Ok(metadata);
        }
        if let Some((at, error)) = &*failed
            && (*at..at.plus(COOL_DOWN)).contains(&now)
        {
            return old.ok_or_else(|| error.clone());
        }
        let fetched = fetch(client, back_channel).await;
        let now = clock.now();
        match fetched {
            Ok(metadata) => {
                *failed = None;
                let metadata = Arc::new(metadata);
                *self.known.write().unwrap_or_else(PoisonError::into_inner) =
                    Some((Arc::clone(&metadata), now));
                Ok(metadata)
            }
            Err(error) => {
                *failed = Some((now, error.clone()));
                old.ok_or(error)
            }
        }
    }

    fn known(&self) -> Option<(Arc<Metadata>, Timestamp)> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn fetch(
    client: &Client,
    back_channel: &BackChannel,
) -> Result<Metadata, ProviderUnavailable> {
    let request = discovery_request(&client.issuer)
        .map_err(|error| ProviderUnavailable { detail: error.to_string(), misconfigured: true })?;
    let answer = back_channel
        .fetch(request)
        .await
        .map_err(|error| ProviderUnavailable::outage(error.to_string()))?;
    if !answer.status.is_success() {
        let status = answer.status.as_u16();
        return Err(ProviderUnavailable::outage(format!("discovery answered {status}")));
    }
    Ok(Metadata::parse(client, &answer.body)?)
}
