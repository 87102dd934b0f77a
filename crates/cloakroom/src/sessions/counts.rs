//! What became of the refreshes, counted for whoever runs this.

use std::sync::atomic::{AtomicU64, Ordering};

/// What became of the refreshes of one Cloakroom since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RefreshCounts {
    /// The provider gave new tokens, and they are kept.
    pub refreshed: u64,
    /// The provider no longer took the refresh token: the session ended.
    pub refused: u64,
    /// Nothing came of it: the provider or the store was out of order.
    pub outages: u64,
    /// Another gateway was at it already, and was waited for.
    pub waited: u64,
    /// The lease of a process that was known to be dead was taken over at once.
    pub taken_from_dead: u64,
    /// The lease of a holder that was not heard of again was taken over when it had run out.
    pub taken_after_expiry: u64,
    /// Another had taken the lease over when the new tokens came: they were given up.
    pub overtaken: u64,
    /// The rotated token was lost with a process that crashed, and its session with it.
    pub lost: u64,
}

/// The counters themselves.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) refreshed: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) outages: AtomicU64,
    pub(super) waited: AtomicU64,
    pub(super) taken_from_dead: AtomicU64,
    pub(super) taken_after_expiry: AtomicU64,
    pub(super) overtaken: AtomicU64,
    pub(super) lost: AtomicU64,
}

/// One more.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Counts {
    pub(super) fn read(&self) -> RefreshCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        RefreshCounts {
            refreshed: read(&self.refreshed),
            refused: read(&self.refused),
            outages: read(&self.outages),
            waited: read(&self.waited),
            taken_from_dead: read(&self.taken_from_dead),
            taken_after_expiry: read(&self.taken_after_expiry),
            overtaken: read(&self.overtaken),
            lost: read(&self.lost),
        }
    }
}
