//! A body whose pieces come from elsewhere, one at a time.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::sync::mpsc;

/// A body with something that lives as long as it does.
pub(crate) struct Pieces<G> {
    receiver: mpsc::Receiver<Bytes>,
    _guard: G,
}

impl<G> Pieces<G> {
    /// The body and the sender of its pieces. Dropping the sender ends the body.
    pub(crate) fn new(guard: G) -> (mpsc::Sender<Bytes>, Self) {
        let (sender, receiver) = mpsc::channel(1);
        (sender, Self { receiver, _guard: guard })
    }
}

impl<G: Unpin> Body for Pieces<G> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = ready!(self.receiver.poll_recv(context));
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }
}
