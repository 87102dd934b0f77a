//! Which requests of the attack lab have reached the API.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Query, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use serde::{Deserialize, Serialize};

/// How many runs are remembered; the demo's page reads each of them at once.
const REMEMBERED: usize = 1000;

/// What has come of the requests of one attack.
#[derive(Clone, Copy, Default, Serialize)]
pub(crate) struct Count {
    /// Requests that the API has seen.
    arrived: u32,
    /// Those that it has carried out.
    accepted: u32,
}

/// Counts requests by the run that their query names.
#[derive(Clone, Default)]
pub(crate) struct Arrivals(Arc<Mutex<HashMap<String, Count>>>);

/// The query parameter by which the lab marks its requests.
#[derive(Deserialize)]
pub(crate) struct Mark {
    lab: Option<String>,
}

impl Arrivals {
    /// What has come of a run.
    pub(crate) fn of(&self, run: &str) -> Count {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.get(run).copied().unwrap_or_default()
    }

    fn note(&self, run: &str, change: impl FnOnce(&mut Count)) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= REMEMBERED {
            counts.clear();
        }
        change(counts.entry(run.to_owned()).or_default());
    }
}

/// Counts a marked request when it arrives, and again when the API has carried it out.
pub(crate) async fn count(
    State(arrivals): State<Arrivals>,
    Query(mark): Query<Mark>,
    request: Request,
    next: Next,
) -> Response {
    let Some(run) = mark.lab else { return next.run(request).await };
    arrivals.note(&run, |count| count.arrived += 1);
    let response = next.run(request).await;
    if response.status().is_success() {
        arrivals.note(&run, |count| count.accepted += 1);
    }
    response
}
