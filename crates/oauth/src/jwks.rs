//! The provider's keys: when to fetch them again (R53).

use std::time::Duration;

use bytes::Bytes;
use cloakroom_core::{jwt::KeySet, time::Timestamp};
use http::{Method, Request};

use crate::{Metadata, client::bare_request};

/// A good set is fetched again after this long, so that a withdrawn key stops counting.
const MAX_AGE: Duration = Duration::from_secs(60 * 60);
/// While there is a good set, a fetch is tried at most once in this time, whatever `kid`s come in.
const WINDOW: Duration = Duration::from_secs(60);
/// While there is none yet, nobody can log in: try again sooner.
const FIRST_WINDOW: Duration = Duration::from_secs(2);

/// The request for the provider's key set; the answer belongs into [`KeySet::parse`] and then
/// [`JwksCache::accept`]. Follow no redirect to another host.
pub fn jwks_request(metadata: &Metadata) -> Request<Bytes> {
    bare_request(Method::GET, &metadata.jwks_uri, Bytes::new())
}

/// Why keys are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyNeed {
    /// A token is about to be verified.
    Verify,
    /// A token was refused with [`cloakroom_core::jwt::JwtError::refetch_may_help`].
    Unknown,
}

/// The last good key set of one provider. It never goes away because a fetch failed: an outage of the
/// provider logs nobody out.
#[derive(Clone, Debug, Default)]
pub struct JwksCache {
    keys: Option<KeySet>,
    accepted_at: Option<Timestamp>,
    attempted_at: Option<Timestamp>,
}

impl JwksCache {
    /// The last good set, however old.
    pub fn keys(&self) -> Option<&KeySet> {
        self.keys.as_ref()
    }

    /// Whether to fetch the set now. If so, say [`JwksCache::attempt`] before the fetch.
    ///
    /// A set older than an hour is fetched again; for an unknown key too, but at most once a minute,
    /// so that made-up `kid`s cannot make us call the provider. Where the fetch fails, go on with
    /// [`JwksCache::keys`].
    pub fn should_fetch(&self, need: KeyNeed, now: Timestamp) -> bool {
        let window = if self.keys.is_some() { WINDOW } else { FIRST_WINDOW };
        if self.attempted_at.is_some_and(|at| now.since(at) < window) {
            return false;
        }
        match self.accepted_at {
            None => true,
            Some(at) => need == KeyNeed::Unknown || now.since(at) >= MAX_AGE,
        }
    }

    /// Notes that a fetch begins, well or badly as it may end.
    pub fn attempt(&mut self, now: Timestamp) {
        self.attempted_at = Some(now);
    }

    /// Takes a fetched set in place of the last one.
    pub fn accept(&mut self, keys: KeySet, now: Timestamp) {
        self.keys = Some(keys);
        self.accepted_at = Some(now);
    }
}
