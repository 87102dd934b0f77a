//! Where connections come in: no more at once than there is room for (R71).

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use socket2::{SockRef, TcpKeepalive};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};

use super::socket::Socket;
use crate::proxy::{KEEPALIVE_AFTER, KEEPALIVE_INTERVAL, KEEPALIVE_RETRIES};

/// Connections at once, where the system has descriptors for so many.
const MOST_CONNECTIONS: usize = 10_000;
/// A pause where the system has no more file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// What may happen at every connection is logged once in so long.
const COMPLAINT_INTERVAL: Duration = Duration::from_secs(60);

/// The listening socket and the places behind it.
#[derive(Debug)]
pub(super) struct Door {
    listener: TcpListener,
    places: Arc<Semaphore>,
    count: usize,
    full: Complaint,
    failing: Complaint,
}

impl Door {
    /// With as many places as the process may have file descriptors for.
    pub(super) fn open(listener: TcpListener) -> Self {
        Self::with_places(listener, room_for())
    }

    /// With a few places of their own, so that nobody who fills them is in the way of another door. They
    /// come out of the quarter that stays free.
    pub(super) fn open_beside(listener: TcpListener) -> Self {
        Self::with_places(listener, (room_for() / 12).max(1))
    }

    fn with_places(listener: TcpListener, count: usize) -> Self {
        tracing::debug!(count, "connections at once");
        let places = Arc::new(Semaphore::new(count));
        Self { listener, places, count, full: Complaint::default(), failing: Complaint::default() }
    }

    /// What connections take their places from; the streams of HTTP/2 do, too.
    pub(super) fn places(&self) -> Arc<Semaphore> {
        Arc::clone(&self.places)
    }

    /// The next connection. Without a free place it waits for one; meanwhile connections stay in the
    /// system's queue.
    pub(super) async fn accept(&mut self) -> (Socket, SocketAddr) {
        let place = self.place().await;
        loop {
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    prepare(&stream);
                    return (Socket::new(stream, place), peer);
                }
                Err(error) => {
                    if self.failing.is_due() {
                        tracing::warn!(%error, "a connection could not be accepted");
                    }
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    async fn place(&mut self) -> OwnedSemaphorePermit {
        loop {
            if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
                return place;
            }
            if self.full.is_due() {
                tracing::warn!(
                    connections = self.count,
                    "as many connections as there is room for: new ones wait. The limit of open files (ulimit -n) decides how many"
                );
            }
            if let Ok(place) = Arc::clone(&self.places).acquire_owned().await {
                return place;
            }
        }
    }
}

fn prepare(stream: &TcpStream) {
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_AFTER)
        .with_interval(KEEPALIVE_INTERVAL)
        .with_retries(KEEPALIVE_RETRIES);
    let set =
        stream.set_nodelay(true).and_then(|()| SockRef::from(stream).set_tcp_keepalive(&keepalive));
    if let Err(error) = set {
        tracing::debug!(%error, "a socket's options are not set");
    }
}

/// Says whether it is time to complain again.
#[derive(Debug, Default)]
struct Complaint(Option<Instant>);

impl Complaint {
    fn is_due(&mut self) -> bool {
        let due = self.0.is_none_or(|last| last.elapsed() >= COMPLAINT_INTERVAL);
        if due {
            self.0 = Some(Instant::now());
        }
        due
    }
}

/// How many connections the limit of open files has room for, after raising it as far as it goes.
fn room_for() -> usize {
    places_within(descriptors())
}

/// A connection may need two descriptors, its own and an upstream's. A quarter stays free for the store,
/// files of the site, unused connections to upstreams, and the back channel.
fn places_within(descriptors: u64) -> usize {
    let places = usize::try_from(descriptors / 8 * 3).unwrap_or(usize::MAX);
    places.clamp(1, MOST_CONNECTIONS)
}

#[cfg(unix)]
fn descriptors() -> u64 {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    let before = limit.current;
    limit.current = limit.maximum;
    let now = match setrlimit(Resource::Nofile, limit) {
        Ok(()) => limit.maximum,
        Err(error) => {
            tracing::debug!(%error, "the limit of open files is not raised");
            before
        }
    };
    now.unwrap_or(u64::MAX)
}

/// Sockets are no files here.
#[cfg(not(unix))]
fn descriptors() -> u64 {
    u64::MAX
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    async fn door(places: usize) -> (Door, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (Door::with_places(listener, places), address)
    }

    #[tokio::test]
    async fn without_a_place_nobody_is_accepted() {
        let (mut door, address) = door(1).await;
        let _first = TcpStream::connect(address).await.unwrap();
        let (socket, _) = door.accept().await;
        let mut second = TcpStream::connect(address).await.expect("it waits in the queue");
        let peer = second.local_addr().unwrap();
        second.write_all(b"x").await.unwrap();
        tokio::select! {
            biased;
            _ = door.accept() => panic!("accepted without a place"),
            () = tokio::task::yield_now() => {}
        }
        drop(socket);
        assert_eq!(door.accept().await.1, peer);
    }

    #[tokio::test]
    async fn the_system_asks_whether_the_client_is_still_there() {
        let (mut door, address) = door(1).await;
        let _client = TcpStream::connect(address).await.unwrap();
        let (socket, _) = door.accept().await;
        let options = SockRef::from(socket.stream());
        assert!(options.keepalive().unwrap());
        #[cfg(target_os = "linux")]
        assert_eq!(options.tcp_keepalive_time().unwrap(), KEEPALIVE_AFTER);
    }

    #[test]
    fn places_stay_below_the_limit_of_open_files() {
        let rows = [(0, 1), (64, 24), (1024, 384), (1 << 20, 10_000), (u64::MAX, 10_000)];
        for (descriptors, places) in rows {
            assert_eq!(places_within(descriptors), places, "{descriptors}");
        }
        assert!(room_for() >= 1);
    }

    #[test]
    fn a_complaint_is_made_once() {
        let mut complaint = Complaint::default();
        assert!(complaint.is_due());
        assert!(!complaint.is_due());
        if let Some(long_ago) = Instant::now().checked_sub(COMPLAINT_INTERVAL) {
            assert!(Complaint(Some(long_ago)).is_due());
        }
    }
}
