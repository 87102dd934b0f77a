//! Files that may be replaced while the gateway runs: the keyring, certificates.
//!
//! They are looked at once a second rather than subscribed to. A look is one `stat`, and it sees what
//! notifications miss: network file systems, links that are moved (Kubernetes), folders that are
//! mounted over. It is deaf to the embedded store beside the keyring, which is written all the time.

#[cfg(test)]
mod tests;

use std::{
    fs::Metadata,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// How often the files are looked at.
const EVERY: Duration = Duration::from_secs(1);

/// Calls `tell` when one of `files` has changed, and on every SIGHUP, for as long as the runtime lives.
///
/// A change is told once the files have been the same for two looks, so within two seconds, and not
/// half-written. It is also told once soon after the start, for a file may have changed since it was
/// read; so `tell` finds out by itself whether anything is new. It may block, and a second call waits
/// for the first to end. A file that is missing is a change too.
///
/// # Errors
/// When the system gives no signals.
pub(crate) fn on_change(
    files: Vec<PathBuf>,
    tell: impl Fn() + Send + Sync + 'static,
) -> io::Result<()> {
    let mut hangups = Hangups::new()?;
    let tell = Arc::new(tell);
    tokio::spawn(async move {
        let mut watched = Watched::default();
        loop {
            let due = tokio::select! {
                () = hangups.next() => true,
                () = tokio::time::sleep(EVERY) => watched.changed(look(&files).await),
            };
            if due {
                let tell = Arc::clone(&tell);
                // What panics there was logged by the panic hook; the next change is told all the same.
                let _ = tokio::task::spawn_blocking(move || tell()).await;
            }
        }
    });
    Ok(())
}

/// What a look saw, and what was told of it.
#[derive(Default)]
struct Watched {
    seen: Option<Vec<Stamp>>,
    told: Option<Vec<Stamp>>,
}

impl Watched {
    /// Whether `now` is to be told: it differs from what was told last, and the look before saw the same.
    fn changed(&mut self, now: Vec<Stamp>) -> bool {
        let settled = self.seen.as_ref() == Some(&now);
        let new = settled && self.told.as_ref() != Some(&now);
        if new {
            self.told = Some(now.clone());
        }
        self.seen = Some(now);
        new
    }
}

/// By what a change of a file is known; `None` where there is no file.
type Stamp = Option<Vec<i64>>;

async fn look(files: &[PathBuf]) -> Vec<Stamp> {
    let mut stamps = Vec::with_capacity(files.len());
    for file in files {
        stamps.push(stamp(file).await);
    }
    stamps
}

/// Follows links: the file that stands there in the end is what counts.
async fn stamp(file: &Path) -> Stamp {
    tokio::fs::metadata(file).await.ok().map(|metadata| numbers(&metadata))
}

/// Every write moves the time of change on; another file has another number.
#[cfg(unix)]
fn numbers(metadata: &Metadata) -> Vec<i64> {
    use std::os::unix::fs::MetadataExt as _;
    let length = metadata.len().cast_signed();
    let file = [metadata.dev().cast_signed(), metadata.ino().cast_signed()];
    [file[0], file[1], length, metadata.ctime(), metadata.ctime_nsec()].to_vec()
}

#[cfg(not(unix))]
fn numbers(metadata: &Metadata) -> Vec<i64> {
    let modified = metadata.modified().ok();
    let since = modified.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    let nanos = since.map_or(0, |since| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX));
    vec![metadata.len().cast_signed(), nanos]
}

/// SIGHUP, where there is one. To listen is also what keeps it from ending the process.
struct Hangups {
    #[cfg(unix)]
    signals: tokio::signal::unix::Signal,
}

impl Hangups {
    #[cfg(unix)]
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { signals: signal(SignalKind::hangup())? })
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        if self.signals.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }

    #[cfg(not(unix))]
    fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        std::future::pending::<()>().await;
    }
}
