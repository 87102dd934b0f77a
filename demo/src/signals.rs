//! Waiting to be told to end.

/// Returns on Ctrl-C or, on Unix, on `SIGTERM` or `SIGHUP` (the terminal was closed).
#[cfg(unix)]
pub(crate) async fn end() {
    use tokio::signal::unix::{SignalKind, signal};

    let streams =
        [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal);
    let [Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)] = streams else {
        // Without handlers a signal ends the process by itself.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
}

/// Returns on Ctrl-C.
#[cfg(not(unix))]
pub(crate) async fn end() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}
