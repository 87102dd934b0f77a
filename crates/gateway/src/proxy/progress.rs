//! How far a request's body has gone, so that a long upload is not taken for a slow upstream.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

/// When the request last moved; nothing is kept of one without a body.
#[derive(Clone, Debug)]
pub(super) struct Progress {
    started: Instant,
    moved: Option<Arc<AtomicU64>>,
}

impl Progress {
    pub(super) fn new(body: &Incoming) -> Self {
        let moved = (!body.is_end_stream()).then(|| Arc::new(AtomicU64::new(0)));
        Self { started: Instant::now(), moved }
    }

    /// Returns when nothing has moved for `limit`.
    pub(super) async fn stalled(&self, limit: Duration) {
        loop {
            let moved = self.moved.as_ref().map_or(0, |moved| moved.load(Ordering::Relaxed));
            let still = self.started.elapsed().saturating_sub(Duration::from_millis(moved));
            match limit.checked_sub(still) {
                Some(rest) if !rest.is_zero() => tokio::time::sleep(rest).await,
                _ => return,
            }
        }
    }

    fn tick(&self) {
        if let Some(moved) = &self.moved {
            let now = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
            moved.store(now, Ordering::Relaxed);
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
        if polled.is_ready() {
            self.progress.tick();
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
