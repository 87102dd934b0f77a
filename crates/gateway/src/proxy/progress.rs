//! How far a request's body has gone, so that a long upload is not taken for a slow upstream.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

/// How a request's body does; nothing is kept of a request without one.
#[derive(Clone, Debug)]
pub(super) struct Progress {
    started: Instant,
    state: Option<Arc<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// Milliseconds from the start to the last move.
    moved: AtomicU64,
    /// The client has sent what is no body, or has gone.
    broken: AtomicBool,
}

impl Progress {
    pub(super) fn new(body: &Incoming) -> Self {
        let state = (!body.is_end_stream()).then(Arc::default);
        Self { started: Instant::now(), state }
    }

    /// Returns when nothing has moved for `limit`.
    pub(super) async fn stalled(&self, limit: Duration) {
        loop {
            let moved = self.state.as_ref().map_or(0, |state| state.moved.load(Ordering::Relaxed));
            let still = self.started.elapsed().saturating_sub(Duration::from_millis(moved));
            match limit.checked_sub(still) {
                Some(rest) if !rest.is_zero() => tokio::time::sleep(rest).await,
                _ => return,
            }
        }
    }

    /// Whether it was the client who ended the exchange, by a body that broke.
    pub(super) fn is_broken(&self) -> bool {
        self.state.as_ref().is_some_and(|state| state.broken.load(Ordering::Relaxed))
    }

    fn tick(&self, broken: bool) {
        if let Some(state) = &self.state {
            let now = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
            state.moved.store(now, Ordering::Relaxed);
            state.broken.fetch_or(broken, Ordering::Relaxed);
        }
    }
}

/// A request's body on its way, passed through frame by frame.
#[derive(Debug)]
pub(super) struct Watched {
    body: Incoming,
    progress: Progress,
}

impl Watched {
    pub(super) fn new(body: Incoming, progress: Progress) -> Self {
        Self { body, progress }
    }
}

impl Body for Watched {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(frame) = &polled {
            self.progress.tick(matches!(frame, Some(Err(_))));
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
