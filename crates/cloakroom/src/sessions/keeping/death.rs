//! Death certificates: a process that came back says that the one before it is dead, so that nobody waits
//! for what that one held.

use std::time::Duration;

use cloakroom_core::{
    session::{Holder, RecordId},
    time::Timestamp,
};
use cloakroom_store::{SessionStore, StoreError, StoreErrorKind};

/// Much longer than any lease.
const LASTS: Duration = Duration::from_secs(60 * 60);

/// Says to everybody who shares the store that `holder` is dead.
pub(in crate::sessions) async fn declare_dead(
    store: &dyn SessionStore,
    holder: Holder,
    now: Timestamp,
) -> Result<(), StoreError> {
    match store.create(certificate(holder), Vec::new().into(), now.plus(LASTS)).await {
        // It has been said.
        Err(error) if error.kind() == StoreErrorKind::IdInUse => Ok(()),
        declared => declared,
    }
}

/// Whether somebody has said so.
pub(super) async fn is_dead(
    store: &dyn SessionStore,
    holder: Holder,
    now: Timestamp,
) -> Result<bool, StoreError> {
    Ok(store.load(certificate(holder), now).await?.is_some())
}

fn certificate(holder: Holder) -> RecordId {
    RecordId::hash(b"cloakroom dead holder v1", holder.as_bytes())
}
