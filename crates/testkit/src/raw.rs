//! Bytes over TCP, for requests that no HTTP client would send.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

/// What came back over the connection.
#[derive(Debug)]
pub struct Answer {
    /// Everything that the server sent.
    pub bytes: Vec<u8>,
    /// Whether the server closed the connection within the time.
    pub closed: bool,
}

impl Answer {
    /// The status of the first response, if there is one.
    pub fn status(&self) -> Option<u16> {
        self.bytes
            .strip_prefix(b"HTTP/1.")?
            .get(2..5)
            .and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok())
    }

    /// The bytes as text, with a replacement for what is not UTF-8.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// Sends `bytes` and reads until the server closes the connection or `limit` is over.
///
/// # Panics
/// If nobody listens at `address`.
pub async fn send(address: SocketAddr, bytes: impl AsRef<[u8]>, limit: Duration) -> Answer {
    let deadline = Instant::now() + limit;
    let mut stream = TcpStream::connect(address).await.expect("a server that listens");
    // The server may answer and close before it has read everything.
    let sent = timeout_at(deadline, stream.write_all(bytes.as_ref())).await;
    let mut answer = Vec::new();
    let read = match sent {
        Ok(_) => timeout_at(deadline, stream.read_to_end(&mut answer)).await,
        Err(elapsed) => Err(elapsed),
    };
    Answer { bytes: answer, closed: read.is_ok() }
}
