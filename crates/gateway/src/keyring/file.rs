//! The keyring's file: the owner's alone, there whole or not at all.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use cloakroom_core::key::Keyring;
use zeroize::Zeroizing;

/// The text in `path`; speaks of it where others may read it too.
pub(super) fn read(path: &Path) -> io::Result<Zeroizing<String>> {
    let mut file = File::open(path)?;
    warn_of_readers(path, &file)?;
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text)?;
    Ok(text)
}

/// Writes a keyring where there is none yet.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] where there is one: it is never overwritten.
pub(crate) fn create(path: &Path, keyring: &Keyring) -> io::Result<()> {
    // Where folders cannot be locked (NFS), without.
    let _lock = Lock::of_folder(folder(path)).ok();
    if path.symlink_metadata().is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    fs::rename(draft(path, keyring, None)?, path)?;
    sync_folder(path)
}

/// Puts `keyring` in the place of the one in `path`, for the same owner.
///
/// # Errors
/// [`io::ErrorKind::PermissionDenied`] also where the file would get another owner, who may be the only
/// one to read it: the gateway.
pub(crate) fn replace(path: &Path, keyring: &Keyring, _: &Lock) -> io::Result<()> {
    // The file itself, where a link leads to it.
    let path = path.canonicalize()?;
    fs::rename(draft(&path, keyring, Some(&fs::metadata(&path)?))?, &path)?;
    sync_folder(&path)
}

/// Held by whoever makes or replaces a keyring, so that of two rotations at once none is lost, and of two
/// new keyrings one is kept.
pub(crate) struct Lock(
    #[cfg(unix)]
    #[expect(dead_code, reason = "held, not read")]
    File,
);

impl Lock {
    /// Waits until nobody else replaces the keyring in `path`.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        // The folder: the file itself is another one after each rotation.
        Self::of_folder(folder(&path.canonicalize()?))
    }

    #[cfg(unix)]
    fn of_folder(folder: &Path) -> io::Result<Self> {
        let folder = File::open(folder)?;
        folder.lock()?;
        Ok(Self(folder))
    }

    #[cfg(not(unix))]
    fn of_folder(_: &Path) -> io::Result<Self> {
        Ok(Self())
    }
}

/// A whole file beside `path`, with the owner and the mode of `like`; without, the writer's alone.
fn draft(path: &Path, keyring: &Keyring, like: Option<&fs::Metadata>) -> io::Result<PathBuf> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    let draft = PathBuf::from(draft);
    // What an earlier start left, or somebody laid there, is neither written to nor followed.
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    let written = like
        .map_or(Ok(()), |like| give_to_owner_of(&file, like))
        .and_then(|()| file.write_all(keyring.to_text().as_bytes()))
        .and_then(|()| file.sync_all());
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    written.map(|()| draft)
}

/// Root may rotate the keyring of the gateway's own user. A group that could read it still can.
#[cfg(unix)]
fn give_to_owner_of(file: &File, like: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
    let own = file.metadata()?;
    if (own.uid(), own.gid()) != (like.uid(), like.gid()) {
        fchown(file, Some(like.uid()), Some(like.gid()))?;
    }
    let mode = 0o600 | like.mode() & 0o040;
    file.set_permissions(fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn give_to_owner_of(_: &File, _: &fs::Metadata) -> io::Result<()> {
    Ok(())
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// So that the new name survives a loss of power.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder(path))?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
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
