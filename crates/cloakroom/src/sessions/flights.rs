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

use super::RefreshFailure;

/// How long after an outage a session asks its provider no more.
const COOL_DOWN: Duration = Duration::from_secs(2);

pub(super) type Outcome = Result<Arc<Record>, RefreshFailure>;

/// The flights of all sessions.
#[derive(Clone, Default)]
pub(super) struct Flights(Arc<Mutex<HashMap<RecordId, Flight>>>);

enum Flight {
    /// Wait for it.
    Running(watch::Receiver<Option<Outcome>>),
    /// The last one met an outage; until then no other starts.
    Cooling(Timestamp),
}

impl Flights {
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
            Flight::Running(_) => true,
            Flight::Cooling(until) => now < *until,
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
                Flight::Running(landed) => return Ok(landed.clone()),
                Flight::Cooling(until) if now < *until => {
                    return Err(RefreshFailure::Outage { retry_after: until.since(now) });
                }
                Flight::Cooling(_) => {}
            },
            Entry::Vacant(_) => {}
        }
        let (land, landed) = watch::channel(None);
        entry.insert_entry(Flight::Running(landed.clone()));
        drop(flights);
        let landing = Landing { flights: self.clone(), id };
        tokio::spawn(async move {
            let (outcome, at) = fly.await;
            landing.land(&outcome, at);
            land.send_replace(Some(outcome));
        });
        Ok(landed)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<RecordId, Flight>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
        if matches!(outcome, Err(RefreshFailure::Outage { .. })) {
            self.flights.lock().insert(self.id, Flight::Cooling(at.plus(COOL_DOWN)));
        }
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        let mut flights = self.flights.lock();
        if matches!(flights.get(&self.id), Some(Flight::Running(_))) {
            flights.remove(&self.id);
        }
    }
}
