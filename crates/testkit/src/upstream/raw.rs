//! A server that records bytes, to see what a proxy really sends.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::server::listen;

type Connections = Arc<Mutex<Vec<Vec<u8>>>>;

/// Answers the first request of each connection with `200` and the body `ok`, and keeps every byte
/// that comes. Dropping it stops it.
pub struct RawUpstream {
    address: SocketAddr,
    connections: Connections,
    accept: JoinHandle<()>,
}

impl RawUpstream {
    pub(super) async fn start() -> Self {
        let (listener, address) = listen(0).await.expect("a free port");
        let connections = Connections::default();
        let accept = tokio::spawn(accept(listener, Arc::clone(&connections)));
        Self { address, connections, accept }
    }

    /// Where it listens, for a route's `upstream`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What came over each connection so far, in the order of their opening.
    pub fn connections(&self) -> Vec<Vec<u8>> {
        self.connections.lock().expect("no panic while the record was held").clone()
    }
}

impl Drop for RawUpstream {
    fn drop(&mut self) {
        self.accept.abort();
    }
}

async fn accept(listener: TcpListener, connections: Connections) {
    let mut open = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let mut all = connections.lock().expect("no panic while the record was held");
        all.push(Vec::new());
        open.spawn(record(stream, all.len() - 1, Arc::clone(&connections)));
    }
}

async fn record(mut stream: TcpStream, number: usize, connections: Connections) {
    let mut buffer = vec![0; 16 * 1024];
    let mut answered = false;
    while let Ok(read @ 1..) = stream.read(&mut buffer).await {
        let head_is_over = {
            let mut all = connections.lock().expect("no panic while the record was held");
            all[number].extend_from_slice(&buffer[..read]);
            all[number].windows(4).any(|window| window == b"\r\n\r\n")
        };
        if head_is_over && !answered {
            answered = true;
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
            // An error is a client that has gone.
            let _ = stream.write_all(answer).await;
        }
    }
}
