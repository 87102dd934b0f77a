//! The keyring: loaded at the start, followed while the gateway runs, replaced by `cloakroom keys`.

mod file;

#[cfg(test)]
mod tests;

use std::{
    io,
    path::{Path, PathBuf},
};

use cloakroom::Cloakroom;
use cloakroom_core::{
    key::{Keyring, KeyringError},
    random::Random,
};

use crate::{
    config::{Config, KeysConfig},
    data_dir, watch,
};

pub(crate) use file::{Lock, create, replace};

/// Why a keyring cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyringProblem {
    #[error("{path}: {source}. The keyring is a file that the gateway's user may read", path = path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{path}: {source}. Put the right file back; with a new one everybody is logged out", path = path.display())]
    Content { path: PathBuf, source: KeyringError },
}

/// Where the keyring's file is; `None` where it comes from the environment.
pub(crate) fn path(config: &Config) -> Option<PathBuf> {
    match &config.keys {
        KeysConfig::DataDir => Some(data_dir::keyring(&config.session.data_dir)),
        KeysConfig::File(path) => Some(path.clone()),
        KeysConfig::Environment { .. } => None,
    }
}

/// The keyring to start with; that of the data folder is made where it is missing.
///
/// `used_before`: there are sessions already, which were sealed with a keyring.
pub(crate) fn load(
    config: &Config,
    used_before: bool,
    random: &dyn Random,
) -> Result<Keyring, KeyringProblem> {
    match &config.keys {
        KeysConfig::DataDir => {
            let dir = &config.session.data_dir;
            data_dir::make(dir)
                .map_err(|source| KeyringProblem::Io { path: dir.clone(), source })?;
            load_or_create(&data_dir::keyring(dir), used_before, random)
        }
        KeysConfig::File(path) => read(path),
        KeysConfig::Environment { keyring, .. } => Ok(keyring.clone()),
    }
}

/// Reads a keyring that must be there.
pub(crate) fn read(path: &Path) -> Result<Keyring, KeyringProblem> {
    let text =
        file::read(path).map_err(|source| KeyringProblem::Io { path: path.to_owned(), source })?;
    Keyring::parse(&text)
        .map_err(|source| KeyringProblem::Content { path: path.to_owned(), source })
}

/// Takes over every keyring that is put into the file's place, and on SIGHUP, for as long as the runtime
/// lives. One that cannot be used changes nothing.
///
/// # Errors
/// When the system gives no signals.
pub(crate) fn follow(cloakroom: Cloakroom, config: &Config) -> io::Result<()> {
    let Some(path) = path(config) else {
        return watch::on_change(Vec::new(), || {
            tracing::debug!("the keyring comes from the environment: only a restart changes it");
        });
    };
    watch::on_change(vec![path.clone()], move || match read(&path) {
        Ok(keyring) => {
            let keys = keyring.count();
            if cloakroom.replace_keyring(keyring) {
                tracing::info!(path = %path.display(), keys, "keyring replaced");
            }
        }
        Err(error) => tracing::error!(%error, "the keyring before stays in use"),
    })
}

fn load_or_create(
    path: &Path,
    used_before: bool,
    random: &dyn Random,
) -> Result<Keyring, KeyringProblem> {
    match read(path) {
        Err(KeyringProblem::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            let keyring = Keyring::generate(random);
            match create(path, &keyring) {
                // Another gateway that started just now was faster.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return read(path),
                created => created
                    .map_err(|source| KeyringProblem::Io { path: path.to_owned(), source })?,
            }
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
