//! The one thread that writes: group commit.

use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::{
    database::{Fault, SharedDatabase},
    tables::Tables,
};
use crate::StoreError;

/// Requests that share one transaction at most.
const BATCH: usize = 256;

/// What goes to the writer.
pub(super) enum Message {
    /// A change to make durable.
    Write(Box<dyn Work>),
    /// A reader met a failure.
    Recover,
}

/// A [`Request`], whatever its result.
pub(super) trait Work: Send {
    /// Makes the change, not yet durable.
    fn apply(&mut self, tables: &mut Tables<'_>) -> Result<(), Fault>;

    /// Answers: the change is durable, or the batch has failed.
    fn settle(self: Box<Self>, outcome: Result<(), StoreError>);
}

/// A change and where its result goes.
pub(super) struct Request<T, F, D> {
    change: Option<F>,
    result: Option<T>,
    done: D,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F, D> Request<T, F, D> {
    /// `done` is called once the change is durable, before the answer.
    pub(super) fn new(change: F, done: D, reply: oneshot::Sender<Result<T, StoreError>>) -> Self {
        Self { change: Some(change), result: None, done, reply }
    }
}

impl<T, F, D> Work for Request<T, F, D>
where
    T: Send,
    F: FnOnce(&mut Tables<'_>) -> Result<T, Fault> + Send,
    D: FnOnce(&T) + Send,
{
    fn apply(&mut self, tables: &mut Tables<'_>) -> Result<(), Fault> {
        if let Some(change) = self.change.take() {
            self.result = Some(change(tables)?);
        }
        Ok(())
    }

    fn settle(self: Box<Self>, outcome: Result<(), StoreError>) {
        let answer = match (outcome, self.result) {
            (Ok(()), Some(result)) => {
                (self.done)(&result);
                Ok(result)
            }
            (Err(error), _) => Err(error),
            // Not applied: dropping `reply` says so.
            (Ok(()), None) => return,
        };
        // Whoever asked may be gone; the change stays.
        let _ = self.reply.send(answer);
    }
}

/// Works until the store is dropped, then finishes what has queued.
///
/// After a failure the database is opened anew, at most once in `retry`.
pub(super) fn run(
    database: &SharedDatabase,
    mut waiting: mpsc::Receiver<Message>,
    retry: Duration,
) {
    let mut tried_at = None;
    let mut batch = Vec::with_capacity(BATCH);
    while let Some(first) = waiting.blocking_recv() {
        let mut next = Some(first);
        while let Some(message) = next {
            if let Message::Write(work) = message {
                batch.push(work);
            }
            next = if batch.len() < BATCH { waiting.try_recv().ok() } else { None };
        }
        let is_known = database.has_failed();
        let outcome = commit(database, &mut batch);
        if let Err(error) = &outcome
            && !is_known
        {
            tracing::error!(error = error as &dyn std::error::Error, "the store cannot write");
        }
        for work in batch.drain(..) {
            work.settle(outcome.clone());
        }
        if database.has_failed() {
            try_again(database, &mut tried_at, retry);
        }
    }
}

/// Makes all changes of the batch in one durable transaction.
///
/// Without redb's quick repair: that doubles the time of every commit, to save a check after a crash
/// of about ten seconds for a million sessions.
fn commit(database: &SharedDatabase, batch: &mut [Box<dyn Work>]) -> Result<(), StoreError> {
    if batch.is_empty() {
        return Ok(());
    }
    database.with(|database| {
        let transaction = database.begin_write()?;
        let mut tables = Tables::open(&transaction)?;
        for work in batch {
            work.apply(&mut tables)?;
        }
        let changed = tables.changed();
        drop(tables);
        if changed {
            transaction.commit()?
        } else {
            transaction.abort()?
        }
        Ok(())
    })
}

fn try_again(database: &SharedDatabase, last: &mut Option<Instant>, retry: Duration) {
    if last.is_some_and(|last| last.elapsed() < retry) {
        return;
    }
    let opened = database.reopen();
    // From its end: opening may have taken longer than the pause.
    *last = Some(Instant::now());
    match opened {
        Ok(()) => tracing::info!(store = database.name(), "the store is open again"),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "the store does not open");
        }
    }
}
