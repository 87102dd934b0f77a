//! Ports, and waiting for what happens elsewhere.

use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

/// A port of 127.0.0.1 that nobody listens on.
///
/// It lies below the range from which the system picks ports for outgoing connections, so that a
/// server that is killed finds its port free when it comes back.
pub fn free_port() -> u16 {
    loop {
        let mut random = [0; 2];
        aws_lc_rs::rand::fill(&mut random).expect("the system's randomness");
        let port = 20_000 + u16::from_le_bytes(random) % 12_000;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// Waits until `condition` holds, for ten seconds at most.
///
/// # Panics
/// When it still does not hold, with `what` in the message.
pub async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "waited ten seconds in vain for: {what}"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
