//! The body of an answer: the inner service's, untouched, or one of ours, small or a stream of events.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::control::events::EventBody;

pin_project! {
    /// Streams the inner service's body through without a copy, or gives our own bytes once, or events as
    /// they come.
    #[derive(Debug)]
    pub struct ReplyBody<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[project = Projected]
    #[derive(Debug)]
    enum Kind<B> {
        Inner { #[pin] body: B },
        Own { bytes: Option<Bytes> },
        Events { events: EventBody },
    }
}

impl<B> ReplyBody<B> {
    /// The inner service's body as it comes.
    pub fn inner(body: B) -> Self {
        Self { kind: Kind::Inner { body } }
    }

    /// No body.
    pub fn empty() -> Self {
        Self { kind: Kind::Own { bytes: None } }
    }

    /// A body of ours; empty bytes make an empty body.
    pub(crate) fn own(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self { kind: Kind::Own { bytes: (!bytes.is_empty()).then_some(bytes) } }
    }

    /// A session's events.
    pub(crate) fn events(events: EventBody) -> Self {
        Self { kind: Kind::Events { events } }
    }
}

impl<B: Body<Data = Bytes>> Body for ReplyBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project().kind.project() {
            Projected::Inner { body } => body.poll_frame(cx),
            Projected::Own { bytes } => Poll::Ready(bytes.take().map(|b| Ok(Frame::data(b)))),
            Projected::Events { events } => {
                events.poll_piece(cx).map(|piece| piece.map(|bytes| Ok(Frame::data(bytes))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Inner { body } => body.is_end_stream(),
            Kind::Own { bytes } => bytes.is_none(),
            Kind::Events { .. } => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Inner { body } => body.size_hint(),
            Kind::Own { bytes } => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Kind::Events { .. } => SizeHint::new(),
        }
    }
}
