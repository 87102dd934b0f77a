//! Counting what goes through bodies.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::Bytes;
use http_body::Frame;

/// Counts the streams that are being sent.
#[derive(Clone, Default)]
pub(super) struct OpenStreams(Arc<()>);

impl OpenStreams {
    /// One more stream, until the returned guard is dropped.
    pub(super) fn open(&self) -> OpenStream {
        OpenStream(Arc::downgrade(&self.0))
    }

    pub(super) fn count(&self) -> usize {
        Arc::weak_count(&self.0)
    }
}

/// Stands for one stream.
pub(super) struct OpenStream(#[expect(dead_code, reason = "counted, not used")] Weak<()>);

/// A body that counts its bytes as they pass.
pub(super) struct Counted {
    pub(super) body: Body,
    pub(super) bytes: Arc<AtomicU64>,
}

impl http_body::Body for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
        {
            self.bytes.fetch_add(data.len() as u64, Ordering::Relaxed);
        }
        Poll::Ready(frame)
    }
}
