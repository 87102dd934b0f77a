//! One flight per session in this process: who comes while it is under way waits for it.

#[cfg(test)]
mod tests;

use std::{
    collections::{HashMap, hash_map::Entry},
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use cloakroom_core::{
    session::{End, Record, RecordId},
    time::Timestamp,
};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use super::RefreshFailure;

/// How long after an outage a session asks its provider no more.
const COOL_DOWN: Duration = Duration::from_secs(2);

pub(super) type Outcome = Result<Arc<Record>, RefreshFailure>;

/// The longest that a session leaves a provider alone because the provider said so.
const MAX_COOL_DOWN: Duration = Duration::from_secs(60);

/// The flights of all sessions.
#[derive(Clone)]
pub(super) struct Flights {
    flights: Arc<Mutex<HashMap<RecordId, Flight>>>,
    tasks: TaskTracker,
}

enum Flight {
    Running {
        /// Wait for it.
        landed: watch::Receiver<Option<Outcome>>,
        /// Tells it what becomes of its session meanwhile.
        word: watch::Sender<Word>,
    },
    /// The last one met an outage; between these moments no other starts.
    Cooling { since: Timestamp, until: Timestamp },
}

/// What a flight has heard of its session since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Word {
    /// Counts what was heard, and what may have been missed.
    pub(super) stirs: u64,
    /// Counts the leases that ended without a successor.
    pub(super) releases: u64,
    /// Why the session ended, or is about to: one that is being logged out may still fail to be.
    pub(super) end: Option<End>,
}

impl Flights {
    /// No flights yet; their tasks belong to `tasks`.
    pub(super) fn new(tasks: TaskTracker) -> Self {
        Self { flights: Arc::default(), tasks }
    }

    /// Tells the flight of a session, where there is one, what has become of it.
    pub(super) fn tell(&self, id: RecordId, change: impl FnOnce(&mut Word)) {
        if let Some(Flight::Running { word, .. }) = self.lock().get(&id) {
            word.send_modify(|word| {
                word.stirs += 1;
                change(word);
            });
        }
    }

    /// Tells every flight that something may have become of its session.
    pub(super) fn tell_all(&self) {
        for flight in self.lock().values() {
            if let Flight::Running { word, .. } = flight {
                word.send_modify(|word| word.stirs += 1);
            }
        }
    }

    /// Notes why a session ends, for the flight that may be under way.
    pub(super) fn note_end(&self, id: RecordId, end: End) {
        self.tell(id, |word| word.end = Some(end));
    }

    /// What the session's flight hears; called by that flight.
    pub(super) fn listen(&self, id: RecordId) -> watch::Receiver<Word> {
        match self.lock().get(&id) {
            Some(Flight::Running { word, .. }) => word.subscribe(),
            _ => watch::Sender::default().subscribe(),
        }
    }

    /// Waits for the session's flight, after starting `fly` on a task of its own where there is none.
    pub(super) async fn join<F>(&self, id: RecordId, now: Timestamp, fly: F) -> Outcome
    where
        F: Future<Output = (Outcome, Timestamp)> + Send + 'static,
    {
        let mut landed = self.board(id, now, fly)?;
        match landed.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone().expect("waited until it was there"),
            // The flight's task is gone without an outcome: the session is untouched.
            Err(_) => Err(RefreshFailure::Outage { retry_after: COOL_DOWN }),
        }
    }

    /// Starts `fly` where the session has no flight, and waits for nothing.
    pub(super) fn start<F>(&self, id: RecordId, now: Timestamp, fly: F)
    where
        F: Future<Output = (Outcome, Timestamp)> + Send + 'static,
    {
        drop(self.board(id, now, fly));
    }

    /// Forgets the outages that are over.
    pub(super) fn forget_cooled(&self, now: Timestamp) {
        self.lock().retain(|_, flight| match flight {
            Flight::Running { .. } => true,
            Flight::Cooling { since, until } => (*since..*until).contains(&now),
        });
    }

    fn board<F>(
        &self,
        id: RecordId,
        now: Timestamp,
        fly: F,
    ) -> Result<watch::Receiver<Option<Outcome>>, RefreshFailure>
    where
        F: Future<Output = (Outcome, Timestamp)> + Send + 'static,
    {
        let mut flights = self.lock();
        let entry = flights.entry(id);
        match &entry {
            Entry::Occupied(occupied) => match occupied.get() {
                Flight::Running { landed, .. } => return Ok(landed.clone()),
                // A clock that was put back ends the cooling.
                Flight::Cooling { since, until } if (*since..*until).contains(&now) => {
                    return Err(RefreshFailure::Outage { retry_after: until.since(now) });
                }
                Flight::Cooling { .. } => {}
            },
            Entry::Vacant(_) => {}
        }
        let (land, landed) = watch::channel(None);
        let word = watch::Sender::default();
        entry.insert_entry(Flight::Running { landed: landed.clone(), word });
        drop(flights);
        let landing = Landing { flights: self.clone(), id };
        self.tasks.spawn(async move {
            let (outcome, at) = fly.await;
            landing.land(&outcome, at);
            land.send_replace(Some(outcome));
        });
        Ok(landed)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<RecordId, Flight>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Clears the flight's place however its task ends.
struct Landing {
    flights: Flights,
    id: RecordId,
}

impl Landing {
    /// Leaves the place free, or cooling after an outage, before the outcome is told: who comes next
    /// finds the stored successor.
    fn land(self, outcome: &Outcome, at: Timestamp) {
        if let Err(RefreshFailure::Outage { retry_after }) = outcome {
            let until = at.plus((*retry_after).clamp(COOL_DOWN, MAX_COOL_DOWN));
            self.flights.lock().insert(self.id, Flight::Cooling { since: at, until });
        }
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        let mut flights = self.flights.lock();
        if matches!(flights.get(&self.id), Some(Flight::Running { .. })) {
            flights.remove(&self.id);
        }
    }
}
