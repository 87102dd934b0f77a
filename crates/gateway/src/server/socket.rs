//! A browser's connection, with its place and its end.

use std::{
    future::Future as _,
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::OwnedSemaphorePermit,
    time::Sleep,
};

/// How long a closed connection still takes what the client sends, for nobody.
const LINGER: Duration = Duration::from_secs(5);

/// A connection. It holds its place until it is gone, also as one end of a tunnel.
///
/// Where the client may still be sending, a close says so and then waits for the client's: a system that
/// closes a socket with unread bytes resets it, and the answer that says why is lost on its way.
#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    talk: Arc<Talk>,
    end: End,
    _place: OwnedSemaphorePermit,
}

#[derive(Debug)]
enum End {
    Open,
    Lingering(Pin<Box<Sleep>>),
    Closed,
}

/// What the service knows of a connection.
#[derive(Debug)]
pub(super) struct Talk {
    asked: AtomicBool,
    unread: AtomicBool,
}

impl Talk {
    /// A head has come; `more` says that a body follows it.
    pub(super) fn asked(&self, more: bool) {
        self.asked.store(true, Ordering::Relaxed);
        self.unread.store(more, Ordering::Relaxed);
    }

    /// Returns when nothing was asked for so long, and never where something was.
    pub(super) async fn stays_silent(&self, limit: Duration) {
        tokio::time::sleep(limit).await;
        if self.asked.load(Ordering::Relaxed) {
            std::future::pending().await
        }
    }
}

impl Socket {
    pub(super) fn new(stream: TcpStream, place: OwnedSemaphorePermit) -> Self {
        // Until a head is read, the client is sending one.
        let talk = Talk { asked: AtomicBool::new(false), unread: AtomicBool::new(true) };
        Self { stream, talk: Arc::new(talk), end: End::Open, _place: place }
    }

    /// What the service is to tell.
    pub(super) fn talk(&self) -> Arc<Talk> {
        Arc::clone(&self.talk)
    }

    #[cfg(test)]
    pub(super) fn stream(&self) -> &TcpStream {
        &self.stream
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            match &mut this.end {
                End::Open => {
                    ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
                    this.end = if this.talk.unread.load(Ordering::Relaxed) {
                        End::Lingering(Box::pin(tokio::time::sleep(LINGER)))
                    } else {
                        End::Closed
                    };
                }
                End::Lingering(over) => {
                    if over.as_mut().poll(cx).is_pending() {
                        ready!(drain(&mut this.stream, cx));
                    }
                    this.end = End::Closed;
                }
                End::Closed => return Poll::Ready(Ok(())),
            }
        }
    }
}

/// Reads until the client has closed or is gone.
fn drain(stream: &mut TcpStream, cx: &mut Context<'_>) -> Poll<()> {
    let mut bytes = [0; 8192];
    loop {
        let mut buffer = ReadBuf::new(&mut bytes);
        let read = ready!(Pin::new(&mut *stream).poll_read(cx, &mut buffer));
        if read.is_err() || buffer.filled().is_empty() {
            return Poll::Ready(());
        }
    }
}
