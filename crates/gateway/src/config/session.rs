//! `[session]`: where sessions are kept and how long they last.

use std::path::PathBuf;
use std::time::Duration;

/// Storage and lifetime of sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionConfig {
    /// Folder of the embedded store and the keyring.
    pub data_dir: PathBuf,
    /// A session ends when it was not used for this long (R32).
    pub idle_timeout: Duration,
    /// A session ends this long after login, however busy (R32).
    pub absolute_timeout: Duration,
}
