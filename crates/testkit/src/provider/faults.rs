//! What the provider does wrong, by script.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde_json::json;
use tokio::sync::watch;

use crate::server;

/// One misbehaviour of one answer.
///
/// By itself it happens once: `provider.on_refresh(Fault::Status(500))` spoils the next refresh, and
/// several calls queue up. [`Fault::always`] comes after those and lasts until `Provider::heal`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Answers rightly, but only after this time.
    Slow(Duration),
    /// Answers rightly, but only after `Provider::release`.
    Hold,
    /// This status with an HTML error page; nothing has changed at the provider.
    Status(u16),
    /// 200 with a body that is not JSON; nothing has changed at the provider.
    Garbage,
    /// 400 without a body, as glewlwyd does; nothing has changed at the provider.
    EmptyBody400,
    /// 400 `invalid_grant`.
    InvalidGrant,
    /// Closes the connection without an answer; nothing has changed at the provider.
    CutBeforeRotation,
    /// Does what was asked (rotates, consumes the code), then closes without an answer.
    CutAfterRotation,
    /// A good answer without a `refresh_token`; the old one stays valid.
    NoRefreshToken,
}

impl Fault {
    /// The fault at every request, until `Provider::heal`.
    pub fn always(self) -> Script {
        Script { fault: self, always: true }
    }
}

/// A fault and whether it stays.
#[derive(Clone, Copy, Debug)]
pub struct Script {
    fault: Fault,
    always: bool,
}

impl From<Fault> for Script {
    fn from(fault: Fault) -> Self {
        Self { fault, always: false }
    }
}

/// A request that faults can be scripted for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    Discovery,
    Jwks,
    CodeExchange,
    Login,
    Refresh,
    Revocation,
}

/// How to go on after a fault that does not answer by itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Course {
    Answer,
    WithoutRefreshToken,
    ThenCut,
}

impl Course {
    /// Sends `response`, or cuts the connection instead.
    pub(crate) fn send(self, response: impl IntoResponse) -> Response {
        match self {
            Self::ThenCut => server::cut(),
            Self::Answer | Self::WithoutRefreshToken => response.into_response(),
        }
    }
}

/// The queue of faults, and the latch of [`Fault::Hold`].
pub(crate) struct Faults {
    queue: Mutex<VecDeque<(Step, Script)>>,
    held: watch::Sender<()>,
}

impl Faults {
    pub(crate) fn new() -> Self {
        Self { queue: Mutex::default(), held: watch::Sender::new(()) }
    }

    pub(crate) fn push(&self, step: Step, script: Script) {
        self.queue().push_back((step, script));
    }

    pub(crate) fn heal(&self) {
        self.queue().clear();
        self.release();
    }

    pub(crate) fn release(&self) {
        self.held.send_replace(());
    }

    /// Plays the next fault of `step`: waits, answers in the provider's place (`Err`), or says how
    /// the provider has to go on.
    pub(crate) async fn play(&self, step: Step) -> Result<Course, Response> {
        let mut held = self.held.subscribe();
        match self.next(step) {
            None => Ok(Course::Answer),
            Some(Fault::Slow(time)) => {
                tokio::time::sleep(time).await;
                Ok(Course::Answer)
            }
            Some(Fault::Hold) => {
                // An error is a provider that has gone: nobody reads the answer.
                let _ = held.changed().await;
                Ok(Course::Answer)
            }
            Some(Fault::NoRefreshToken) => Ok(Course::WithoutRefreshToken),
            Some(Fault::CutAfterRotation) => Ok(Course::ThenCut),
            Some(Fault::CutBeforeRotation) => Err(server::cut()),
            Some(Fault::EmptyBody400) => Err(StatusCode::BAD_REQUEST.into_response()),
            Some(Fault::InvalidGrant) => {
                Err((StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" })))
                    .into_response())
            }
            Some(Fault::Garbage) => {
                Err(([(header::CONTENT_TYPE, "application/json")], "{\"access_token\": <oops>")
                    .into_response())
            }
            Some(Fault::Status(status)) => {
                let status = StatusCode::from_u16(status).expect("a status between 100 and 999");
                let page = axum::response::Html("<h1>The provider is not well</h1>");
                Err((status, page).into_response())
            }
        }
    }

    fn next(&self, step: Step) -> Option<Fault> {
        let mut queue = self.queue();
        if let Some(at) = queue.iter().position(|(of, script)| *of == step && !script.always) {
            return queue.remove(at).map(|(_, script)| script.fault);
        }
        queue.iter().rev().find(|(of, _)| *of == step).map(|(_, script)| script.fault)
    }

    fn queue(&self) -> MutexGuard<'_, VecDeque<(Step, Script)>> {
        self.queue.lock().expect("no panic while the queue was held")
    }
}
