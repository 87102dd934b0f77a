//! The gateway's folder, where the embedded store is, and the keyring unless `[keys]` names another.

use std::{
    fs::DirBuilder,
    io,
    path::{Path, PathBuf},
};

use cloakroom_store::{EmbeddedStore, OpenError};

/// Opens the store and makes what is missing; refuses a folder that another gateway has open.
pub(crate) fn open(dir: &Path) -> Result<EmbeddedStore, OpenError> {
    EmbeddedStore::open(store(dir))
}

/// Whether the folder has a store, so sessions that were sealed with a keyring.
pub(crate) fn was_used(dir: &Path) -> bool {
    store(dir).exists()
}

/// Makes the folder, for this user alone, where there is none.
pub(crate) fn make(dir: &Path) -> io::Result<()> {
    let mut options = DirBuilder::new();
    options.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut options, 0o700);
    options.create(dir)
}

/// Where the folder's own keyring is.
pub(crate) fn keyring(dir: &Path) -> PathBuf {
    dir.join("keyring")
}

fn store(dir: &Path) -> PathBuf {
    dir.join("sessions.redb")
}
