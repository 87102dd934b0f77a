//! The streams of an HTTP/2 connection: how many there may be, how often they may be cancelled, and when
//! nothing is left to wait for (R71).
//!
//! A connection has a place at the door, which is meant for one request at a time. With HTTP/2 it
//! carries a hundred: the first takes the connection's own place, each beside it takes another, and
//! waits where there is none. So one connection cannot take more of the upstreams than its share.
//!
//! A cancelled stream no longer counts as open, so that a client which only opens and cancels (rapid
//! reset, CVE-2023-44487) is bounded by nothing else: cancellations are counted, and a connection with
//! too many of them is ended.

#[cfg(test)]
mod tests;

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// So many streams may be cancelled at once: a page that is left with everything under way, twice.
const CANCELLED_AT_ONCE: f64 = 200.0;
/// And so many each second for as long as it lasts, as by a search field that asks at every key.
const CANCELLED_PER_SECOND: f64 = 20.0;

/// What is known of a connection's streams.
#[derive(Debug)]
pub(super) struct Streams {
    places: Arc<Semaphore>,
    /// Whether a stream has the connection's own place.
    own_taken: AtomicBool,
    open: AtomicUsize,
    cancelled: Mutex<Cancelled>,
    over: AtomicBool,
    changed: Notify,
}

/// A request under way, until its answer is sent.
#[derive(Debug)]
pub(super) struct Stream {
    streams: Arc<Streams>,
    place: Place,
    /// Whether it came to its end.
    answered: bool,
}

#[derive(Debug)]
enum Place {
    Awaited,
    Own,
    Extra { _permit: Option<OwnedSemaphorePermit> },
}

impl Streams {
    /// Those of a new connection; further ones take `places`.
    pub(super) fn new(places: Arc<Semaphore>) -> Arc<Self> {
        Arc::new(Self {
            places,
            own_taken: AtomicBool::new(false),
            open: AtomicUsize::new(0),
            cancelled: Mutex::new(Cancelled::at(Instant::now())),
            over: AtomicBool::new(false),
            changed: Notify::new(),
        })
    }

    /// A request has come.
    pub(super) fn begin(self: &Arc<Self>) -> Stream {
        self.open.fetch_add(1, Ordering::Relaxed);
        self.changed.notify_one();
        Stream { streams: Arc::clone(self), place: Place::Awaited, answered: false }
    }

    /// Returns when there was no stream for so long, or when too many were cancelled.
    pub(super) async fn come_to_an_end(&self, idle: Duration) {
        loop {
            if self.over.load(Ordering::Relaxed) {
                return;
            }
            let changed = self.changed.notified();
            if self.open.load(Ordering::Relaxed) > 0 {
                changed.await;
            } else if tokio::time::timeout(idle, changed).await.is_err() {
                return;
            }
        }
    }

    fn cancelled(&self, now: Instant) {
        let mut cancelled = self.cancelled.lock().unwrap_or_else(PoisonError::into_inner);
        if !cancelled.is_tolerable(now) && !self.over.swap(true, Ordering::Relaxed) {
            tracing::warn!("a client cancels request after request: its connection is ended");
        }
    }
}

impl Stream {
    /// Waits for a place. Where the connection is over it waits for ever, which is not long.
    pub(super) async fn take_place(&mut self) {
        if self.streams.over.load(Ordering::Relaxed) {
            return std::future::pending().await;
        }
        self.place = if self.streams.own_taken.swap(true, Ordering::Relaxed) {
            let permit = Arc::clone(&self.streams.places).acquire_owned().await;
            Place::Extra { _permit: permit.ok() }
        } else {
            Place::Own
        };
    }

    /// Goes along with the answer until that is sent.
    pub(super) fn ride<B: Body>(mut self, body: B) -> Riding<B> {
        self.answered = body.is_end_stream();
        Riding { body, stream: self }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if matches!(self.place, Place::Own) {
            self.streams.own_taken.store(false, Ordering::Relaxed);
        }
        if !self.answered {
            self.streams.cancelled(Instant::now());
        }
        self.streams.open.fetch_sub(1, Ordering::Relaxed);
        self.streams.changed.notify_one();
    }
}

/// A bucket that fills with cancellations and drains with time.
#[derive(Debug)]
struct Cancelled {
    level: f64,
    at: Instant,
}

impl Cancelled {
    fn at(now: Instant) -> Self {
        Self { level: 0.0, at: now }
    }

    /// Counts one more.
    fn is_tolerable(&mut self, now: Instant) -> bool {
        let drained = now.saturating_duration_since(self.at).as_secs_f64() * CANCELLED_PER_SECOND;
        self.level = (self.level - drained).max(0.0) + 1.0;
        self.at = now;
        self.level <= CANCELLED_AT_ONCE
    }
}

pin_project! {
    /// A body that knows when it is sent.
    #[derive(Debug)]
    pub(super) struct Riding<B> {
        #[pin]
        body: B,
        stream: Stream,
    }
}

impl<B: Body<Data = Bytes>> Body for Riding<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let mut this = self.project();
        let frame = ready!(this.body.as_mut().poll_frame(cx));
        // What breaks off behind us is not the client's doing.
        if !matches!(frame, Some(Ok(_))) || this.body.is_end_stream() {
            this.stream.answered = true;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
