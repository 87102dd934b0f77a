//! What this process remembers of sessions that cookies hold: successors and ends.
//!
//! A refreshed session exists in its old cookies until an answer with the new ones has arrived, and
//! nobody tells whether one has. So the successor is kept here until a request brings its generation,
//! and a grace longer for the requests that were under way with the old one. An ended session is kept
//! as such for as long as a cookie of it could open.
//!
//! Both are bounded in number. What is lost then is stated where it is dropped; so is what a restart
//! loses: everything here.

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use cloakroom_core::{
    session::{Record, RecordId},
    time::Timestamp,
};
use cloakroom_store::Replaced;

use crate::sessions::GRACE;

/// Successors kept at once: some 100 MB of them.
const MAX_SUCCESSORS: usize = 16 * 1024;
/// Ends kept at once: some 10 MB of them.
const MAX_ENDS: usize = 64 * 1024;
/// How long an answer may take and still not put back cookies that were replaced meanwhile.
const LATEST_ANSWER: Duration = Duration::from_secs(60 * 60);

/// Successors and ends of sessions.
pub(super) struct Memory {
    most_successors: usize,
    most_ends: usize,
    state: Mutex<State>,
}

/// What is known of a session beside its cookies.
#[derive(Clone, Debug)]
pub(super) enum Known {
    /// Nothing newer than what they hold.
    Nothing,
    /// It has ended.
    Ended,
    /// It was refreshed.
    Successor(Successor),
}

/// A session after a refresh.
#[derive(Clone, Debug)]
pub(super) struct Successor {
    pub(super) record: Arc<Record>,
    pub(super) generation: u64,
    pub(super) expires_at: Timestamp,
}

#[derive(Default)]
struct State {
    successors: HashMap<RecordId, (Successor, Timestamp)>,
    /// When each successor is dropped.
    successor_drops: BTreeSet<(Timestamp, RecordId)>,
    ends: HashMap<RecordId, Timestamp>,
    end_drops: BTreeSet<(Timestamp, RecordId)>,
    /// The generations of successors that have arrived and are no longer kept.
    arrived: HashMap<RecordId, (u64, Timestamp)>,
    arrived_drops: BTreeSet<(Timestamp, RecordId)>,
}

impl Memory {
    pub(super) fn new() -> Self {
        Self::bounded(MAX_SUCCESSORS, MAX_ENDS)
    }

    fn bounded(most_successors: usize, most_ends: usize) -> Self {
        Self { most_successors, most_ends, state: Mutex::default() }
    }

    /// What is known of a session whose cookies are of `generation`.
    pub(super) fn look(&self, id: RecordId, generation: u64, now: Timestamp) -> Known {
        let mut state = self.state();
        if state.ends.get(&id).is_some_and(|until| now < *until) {
            return Known::Ended;
        }
        match state.successors.get(&id).cloned() {
            Some((successor, _)) if generation < successor.generation => {
                Known::Successor(successor)
            }
            // It has arrived: from now on only late requests need it.
            Some((successor, drop_at)) if now.plus(GRACE) < drop_at => {
                state.keep(id, successor, now.plus(GRACE));
                Known::Nothing
            }
            _ => Known::Nothing,
        }
    }

    /// Keeps the successor of the generation `before`, unless there is one or the session has ended.
    pub(super) fn replace(&self, id: RecordId, before: u64, successor: Successor) -> Replaced {
        let mut state = self.state();
        if state.ends.contains_key(&id) {
            return Replaced::Gone;
        }
        let newest = state.successors.get(&id).map_or(0, |(newest, _)| newest.generation);
        if before < newest {
            return Replaced::Conflict;
        }
        let (version, until) = (successor.generation, successor.expires_at);
        state.keep(id, successor, until);
        while state.successors.len() > self.most_successors
            && let Some((_, oldest)) = state.successor_drops.pop_first()
        {
            state.successors.remove(&oldest);
            // A provider that rotates has spent the token that the browser still holds.
            tracing::warn!(
                sid = oldest.handle(),
                "too many refreshed sessions whose browsers do not come back: this one may have to log in again"
            );
        }
        Replaced::Done { version }
    }

    /// Whether the browser was seen with a later generation than this one, in the last hour at least: an
    /// answer to a request with this one must not set its cookies again.
    pub(super) fn is_replaced(&self, id: RecordId, generation: u64) -> bool {
        self.state().arrived.get(&id).is_some_and(|(newest, _)| generation < *newest)
    }

    /// Whether the session has ended.
    pub(super) fn has_ended(&self, id: RecordId) -> bool {
        self.state().ends.contains_key(&id)
    }

    /// Whether a successor waits for its browser.
    pub(super) fn has_successor(&self, id: RecordId) -> bool {
        self.state().successors.contains_key(&id)
    }

    /// Notes that a successor is in use.
    pub(super) fn touch(&self, id: RecordId, expires_at: Timestamp) {
        let mut state = self.state();
        if let Some((successor, drop_at)) = state.successors.get(&id).cloned()
            && successor.expires_at < expires_at
        {
            let arrived = drop_at < successor.expires_at;
            let drop_at = if arrived { drop_at } else { expires_at };
            state.keep(id, Successor { expires_at, ..successor }, drop_at);
        }
    }

    /// Ends a session until no cookie of it can open any more; gives its successor's record.
    pub(super) fn end(&self, id: RecordId, until: Timestamp) -> Option<Arc<Record>> {
        let mut state = self.state();
        if let Some(before) = state.ends.insert(id, until) {
            state.end_drops.remove(&(before, id));
        }
        state.end_drops.insert((until, id));
        while state.ends.len() > self.most_ends
            && let Some((_, oldest)) = state.end_drops.pop_first()
        {
            // A copy of its cookies would open again; its tokens are revoked all the same.
            state.ends.remove(&oldest);
        }
        let (successor, drop_at) = state.successors.remove(&id)?;
        state.successor_drops.remove(&(drop_at, id));
        Some(successor.record)
    }

    /// Drops what is no longer needed; says how many.
    pub(super) fn sweep(&self, now: Timestamp) -> usize {
        let mut state = self.state();
        let before = state.successors.len() + state.ends.len();
        while let Some((drop_at, id)) = state.successor_drops.first().copied()
            && drop_at <= now
        {
            state.successor_drops.pop_first();
            if let Some((successor, _)) = state.successors.remove(&id) {
                state.note_arrived(id, successor.generation, now.plus(LATEST_ANSWER));
            }
        }
        while let Some((until, id)) = state.arrived_drops.first().copied()
            && (until <= now || state.arrived.len() > self.most_ends)
        {
            state.arrived_drops.pop_first();
            state.arrived.remove(&id);
        }
        while let Some((until, id)) = state.end_drops.first().copied()
            && until <= now
        {
            state.end_drops.pop_first();
            state.ends.remove(&id);
        }
        before - state.successors.len() - state.ends.len()
    }

    /// A panic while the lock is held leaves at worst something to drop that is gone already.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn keep(&mut self, id: RecordId, successor: Successor, drop_at: Timestamp) {
        if let Some((_, before)) = self.successors.insert(id, (successor, drop_at)) {
            self.successor_drops.remove(&(before, id));
        }
        self.successor_drops.insert((drop_at, id));
    }

    fn note_arrived(&mut self, id: RecordId, generation: u64, until: Timestamp) {
        if let Some((_, before)) = self.arrived.insert(id, (generation, until)) {
            self.arrived_drops.remove(&(before, id));
        }
        self.arrived_drops.insert((until, id));
    }
}
