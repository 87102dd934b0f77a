//! One key takes over from another.

use std::time::Duration;

use super::{Key, Keyring};
use crate::{random::Random, time::Timestamp};

/// What a rotation made of a keyring.
#[derive(Clone, Debug)]
pub struct Rotated {
    /// The keyring to use from now on.
    pub keyring: Keyring,
    /// Whether a prepared key took over, rather than a fresh one.
    pub was_prepared: bool,
    /// How many old keys are no longer in it.
    pub dropped: usize,
}

impl Keyring {
    /// The prepared key, or a fresh one where none is prepared, seals from `now` on.
    ///
    /// The keys before it stay, but for those that ceased to seal `keep` ago or earlier: what they
    /// sealed is over, if `keep` is at least as long as a session can last. When a key ceased to seal is
    /// known where its successor came by a rotation; a key of unknown age stays until it is known.
    ///
    /// ```
    /// use std::time::Duration;
    /// use cloakroom_core::{key::Keyring, random::OsRandom, time::Timestamp};
    ///
    /// let (random, now) = (OsRandom::default(), Timestamp::from_unix_seconds(1_800_000_000));
    /// let week = Duration::from_secs(7 * 86_400);
    /// let rotated = Keyring::generate(&random).rotate(&random, now, week);
    /// assert_eq!((rotated.keyring.count(), rotated.dropped), (2, 0));
    /// // A week later the first key is of no use any more, the second has just ceased to seal.
    /// let again = rotated.keyring.rotate(&random, now.plus(week), week);
    /// assert_eq!((again.keyring.count(), again.dropped), (2, 1));
    /// ```
    pub fn rotate(&self, random: &dyn Random, now: Timestamp, keep: Duration) -> Rotated {
        let was_prepared = self.next.is_some();
        let mut newest = self.next.clone().unwrap_or_else(|| Key::fresh(random, self.keys()));
        newest.since = Some(now);
        let mut older = Vec::new();
        // Each key ceased to seal when the next younger one began.
        let mut ceased = now;
        for key in std::iter::once(&self.newest).chain(&self.older) {
            if now < ceased.plus(keep) {
                older.push(key.clone());
            }
            ceased = key.since.unwrap_or(ceased);
        }
        let dropped = 1 + self.older.len() - older.len();
        Rotated { keyring: Self { newest, next: None, older }, was_prepared, dropped }
    }

    /// This keyring with a fresh key that opens, and seals only after the next [`Keyring::rotate`];
    /// `None` where one waits already.
    pub fn prepared(&self, random: &dyn Random) -> Option<Self> {
        if self.next.is_some() {
            return None;
        }
        let next = Some(Key::fresh(random, self.keys()));
        Some(Self { next, ..self.clone() })
    }
}
