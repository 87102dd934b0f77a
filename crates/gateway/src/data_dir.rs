//! The gateway's folder: the embedded store and the keyring that seals what is in it.

#[cfg(test)]
mod tests;

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
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
    let path = dir.join("sessions.redb");
    let used_before = path.exists();
    // The store first: it makes the folder, and refuses one that another gateway has open.
    let store = EmbeddedStore::open(path)?;
    let keyring = load_or_create(&keyring(dir), used_before, random)?;
    Ok((store, keyring))
}

/// The folder's keyring where there is no store: both are made if they are missing.
pub(crate) fn open_keyring(dir: &Path, random: &dyn Random) -> Result<Keyring, DataDirError> {
    let mut options = fs::DirBuilder::new();
    options.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut options, 0o700);
    options.create(dir).map_err(|source| DataDirError::Io { path: dir.to_owned(), source })?;
    load_or_create(&keyring(dir), false, random)
}

/// Where the folder's keyring is.
pub(crate) fn keyring(dir: &Path) -> PathBuf {
    dir.join("keyring")
}

/// Reads a keyring that must be there.
pub(crate) fn read_keyring(path: &Path) -> Result<Keyring, DataDirError> {
    let io = |source| DataDirError::Io { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(io)?;
    warn_of_readers(path, &file).map_err(io)?;
    let mut text = zeroize::Zeroizing::new(String::new());
    file.read_to_string(&mut text).map_err(io)?;
    Keyring::parse(&text).map_err(|source| DataDirError::Keyring { path: path.to_owned(), source })
}

/// `used_before`: there is a store whose sessions were sealed with a keyring.
fn load_or_create(
    path: &Path,
    used_before: bool,
    random: &dyn Random,
) -> Result<Keyring, DataDirError> {
    let io = |source| DataDirError::Io { path: path.to_owned(), source };
    match read_keyring(path) {
        Err(DataDirError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            let keyring = Keyring::generate(random);
            write_private(path, keyring.to_text().as_bytes()).map_err(io)?;
            let path = path.display();
            tracing::info!(%path, "keyring made: keep it, and keep it secret");
            if used_before {
                tracing::warn!(
                    %path,
                    "there were sessions but no keyring, and a new one opens none of them: everybody is logged out. If you have the old file, stop the gateway and put it back"
                );
            }
            Ok(keyring)
        }
        read => read,
    }
}

/// A file that we made is the owner's alone; one that was copied or mounted may not be.
#[cfg(unix)]
fn warn_of_readers(path: &Path, file: &File) -> io::Result<()> {
    let mode = std::os::unix::fs::MetadataExt::mode(&file.metadata()?) & 0o777;
    if mode & 0o077 != 0 {
        let path = path.display();
        tracing::warn!(
            mode = format!("{mode:03o}"),
            "the keyring is open to other users of this machine: chmod 600 {path}"
        );
    }
    Ok(())
}

#[cfg(not(unix))]
fn warn_of_readers(_: &Path, _: &File) -> io::Result<()> {
    Ok(())
}

/// Whole or not at all, also if the power goes: a half-written keyring would log everybody out.
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let unfinished = path.with_extension("new");
    // What an earlier start left, or somebody laid there, is neither written to nor followed.
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    if let Some(dir) = path.parent() {
        File::open(dir)?.sync_all()?;
    }
    Ok(())
}
