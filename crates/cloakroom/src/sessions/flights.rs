//! One flight per session: who comes while it is under way waits for it.

#[cfg(test)]
mod tests;

use std::{
    collections::{HashMap, hash_map::Entry},
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use cloakroom_core::{
    session::{Record, RecordId},
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
        /// Its session was logged out meanwhile: what it brings must be revoked.
        logged_out: bool,
    },
    /// The last one met an outage; between these moments no other starts.
    Cooling { since: Timestamp, until: Timestamp },
}

impl Flights {
    /// No flights yet; their tasks belong to `tasks`.
    pub(super) fn new(tasks: TaskTracker) -> Self {
        Self { flights: Arc::default(), tasks }
    }

    /// Notes that a session is being logged out, for the flight that may be under way.
    pub(super) fn log_out(&self, id: RecordId) {
        if let Some(Flight::Running { logged_out, .. }) = self.lock().get_mut(&id) {
            *logged_out = true;
        }
    }

    /// Whether the session was logged out while its flight was under way.
    pub(super) fn is_logged_out(&self, id: RecordId) -> bool {
        matches!(self.lock().get(&id), Some(Flight::Running { logged_out: true, .. }))
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
        entry.insert_entry(Flight::Running { landed: landed.clone(), logged_out: false });
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
