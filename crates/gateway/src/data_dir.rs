//! The gateway's folder: the embedded store and the keyring that seals what is in it.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use cloakroom_core::{
    key::{Keyring, KeyringError},
    random::Random,
};
use cloakroom_store::{EmbeddedStore, OpenError};

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DataDirError {
    #[error("{path}: {source}. `session.data_dir` must be a folder that this user may write to", path = path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{path}: {source}. Put the right file back; with a new one everybody is logged out", path = path.display())]
    Keyring { path: PathBuf, source: KeyringError },
    #[error(transparent)]
    Store(#[from] OpenError),
}

/// Opens the folder, and makes what is missing: both files are the owner's alone.
pub(crate) fn open(
    dir: &Path,
    random: &dyn Random,
) -> Result<(EmbeddedStore, Keyring), DataDirError> {
    // The store first: it makes the folder, and refuses one that another gateway has open.
    let store = EmbeddedStore::open(dir.join("sessions.redb"))?;
    let keyring = load_or_create(&dir.join("keyring"), random)?;
    Ok((store, keyring))
}

fn load_or_create(path: &Path, random: &dyn Random) -> Result<Keyring, DataDirError> {
    let io = |source| DataDirError::Io { path: path.to_owned(), source };
    match fs::read_to_string(path) {
        Ok(text) => Keyring::parse(&zeroize::Zeroizing::new(text))
            .map_err(|source| DataDirError::Keyring { path: path.to_owned(), source }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let keyring = Keyring::generate(random);
            write_private(path, keyring.to_text().as_bytes()).map_err(io)?;
            tracing::info!(path = %path.display(), "keyring made: keep it, and keep it secret");
            Ok(keyring)
        }
        Err(error) => Err(io(error)),
    }
}

/// Whole or not at all, also if the power goes: a half-written keyring would log everybody out.
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let unfinished = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    if let Some(dir) = path.parent() {
        fs::File::open(dir)?.sync_all()?;
    }
    Ok(())
}
