//! The provider's keys: when to fetch them again (R53).

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use cloakroom_core::{jwt::KeySet, time::Timestamp};
use http::{Method, Request};
use url::Url;

use crate::{client::bare_request, discovery::parse_endpoint};

/// A good set is fetched again after this long, so that a withdrawn key stops counting.
const MAX_AGE: Duration = Duration::from_secs(60 * 60);
/// A fetch for an unknown key is tried at most once in this time, whatever `kid`s come in; so is one
/// for an old set.
const WINDOW: Duration = Duration::from_secs(60);
/// While there is none yet, nobody can log in: try again sooner.
const FIRST_WINDOW: Duration = Duration::from_secs(2);

/// Where an issuer publishes its keys: behind https, or http on this machine (R53).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwksUrl(Url);

impl JwksUrl {
    /// `None` for what is no URL, is neither https nor http on a loopback host, or has a user, a
    /// password or a fragment.
    pub fn parse(text: &str) -> Option<Self> {
        parse_endpoint(text).map(Self)
    }

    /// A URL that [`parse_endpoint`] let through.
    pub(crate) fn checked(url: Url) -> Self {
        Self(url)
    }
}

/// The request for a key set; the answer belongs into [`KeySet::parse`] and then
/// [`JwksCache::fetched`]. Follow no redirect to another host.
pub fn jwks_request(from: &JwksUrl) -> Request<Bytes> {
    bare_request(Method::GET, &from.0, Bytes::new())
}

/// The last good key set of one provider. It never goes away because a fetch failed: an outage of the
/// provider logs nobody out.
#[derive(Clone, Debug, Default)]
pub struct JwksCache {
    good: Option<(Arc<KeySet>, Timestamp)>,
    attempted_at: Option<Timestamp>,
    /// The last fetch that only an unknown key was the reason for.
    unknown_key_at: Option<Timestamp>,
    last_failed: bool,
}

impl JwksCache {
    /// The last good set, however old.
    pub fn keys(&self) -> Option<Arc<KeySet>> {
        self.good.as_ref().map(|(keys, _)| Arc::clone(keys))
    }

    /// Whether to fetch the set now: there is none, or it is an hour old, or `unknown_key` says that a
    /// token was refused and newer keys may help ([`cloakroom_core::jwt::JwtError::refetch_may_help`]).
    ///
    /// An unknown key asks at most once a minute, so that made-up `kid`s cannot make us call the
    /// provider; counted by itself, so that a provider which changes its keys just after a regular
    /// fetch keeps nobody out. An old set is asked for once a minute, a missing one every two seconds.
    /// Say how the fetch went with [`JwksCache::fetched`] or [`JwksCache::failed`], and go on with
    /// [`JwksCache::keys`] either way.
    pub fn should_fetch(&self, unknown_key: bool, now: Timestamp) -> bool {
        let within = |window, at: Option<Timestamp>| at.is_some_and(|at| now.since(at) < window);
        if self.is_fresh(now) {
            return unknown_key && !within(WINDOW, self.unknown_key_at);
        }
        !within(if self.good.is_some() { WINDOW } else { FIRST_WINDOW }, self.attempted_at)
    }

    /// Whether the last fetch failed: then nobody can say that a token whose key is unknown is bad.
    pub fn last_failed(&self) -> bool {
        self.last_failed
    }

    /// Takes a fetched set in place of the last one.
    pub fn fetched(&mut self, keys: KeySet, now: Timestamp) {
        self.last_failed = false;
        self.attempted(now);
        self.good = Some((Arc::new(keys), now));
    }

    /// Notes that a fetch failed; the last good set stays.
    pub fn failed(&mut self, now: Timestamp) {
        self.last_failed = true;
        self.attempted(now);
    }

    fn attempted(&mut self, now: Timestamp) {
        self.attempted_at = Some(now);
        if self.is_fresh(now) {
            self.unknown_key_at = Some(now);
        }
    }

    fn is_fresh(&self, now: Timestamp) -> bool {
        self.good.as_ref().is_some_and(|(_, since)| now.since(*since) < MAX_AGE)
    }
}
