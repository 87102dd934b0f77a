//! An upstream that answers every connection with the bytes it was given, for answers that no server
//! would send.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

pub(crate) struct Canned {
    url: String,
    sent: Arc<AtomicU64>,
    accept: JoinHandle<()>,
}

impl Canned {
    /// Answers the first request of each connection with `bytes`, then closes.
    pub(crate) async fn answering(bytes: impl Into<Vec<u8>>) -> Self {
        Self::start(bytes.into(), 0).await
    }

    /// Answers with a body of `length` zeros.
    pub(crate) async fn flooding(length: u64) -> Self {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
        Self::start(head.into_bytes(), length).await
    }

    /// Where it listens, for a route's `upstream`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Bytes of bodies that the gateway has taken so far.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    async fn start(head: Vec<u8>, zeros: u64) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let sent = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&sent);
        let accept = tokio::spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                open.spawn(answer(stream, head.clone(), zeros, Arc::clone(&counter)));
            }
        });
        Self { url, sent, accept }
    }
}

impl Drop for Canned {
    fn drop(&mut self) {
        self.accept.abort();
    }
}

async fn answer(mut stream: TcpStream, head: Vec<u8>, zeros: u64, sent: Arc<AtomicU64>) {
    let mut request = Vec::new();
    while !request.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read_buf(&mut request).await {
            Ok(1..) => {}
            _ => return,
        }
    }
    if stream.write_all(&head).await.is_err() {
        return;
    }
    let piece = vec![0; 64 * 1024];
    let mut left = zeros;
    while left > 0 {
        let next = left.min(piece.len() as u64);
        if stream.write_all(&piece[..next as usize]).await.is_err() {
            return;
        }
        sent.fetch_add(next, Ordering::Relaxed);
        left -= next;
    }
}
