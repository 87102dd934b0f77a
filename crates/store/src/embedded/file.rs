//! Opening the file: who may read it, who else has it, who wrote it.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use redb::{Builder, Database, DatabaseError, StorageError, backends::FileBackend};

use super::{
    database::Fault,
    tables::{self, FORMAT, Layout},
};

/// Memory for pages of the file, in bytes: enough for the sessions in use at a time; the operating
/// system caches the rest.
const CACHE: usize = 64 << 20;

/// Why the embedded store does not open. Each says what the operator can do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The folder cannot be made.
    #[error("cannot make the folder {}: let the gateway's user write to the folder above, or set another data_dir", .folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file cannot be made, read or written.
    #[error("cannot open the store {}: let the gateway's user own its folder, and see that the disk works and has room", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process has it open.
    #[error("the store {} is in use by another process: stop that gateway, or give each its own data_dir", .path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// A newer version wrote it.
    #[error("a newer Cloakroom wrote the store {}: its format is {found}, this version reads up to {supported}; run the newer version, or move the file away, and everybody logs in again", .path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u64,
        /// The newest format that this version reads.
        supported: u64,
    },
    /// It is some other file.
    #[error("{} is not a Cloakroom store: set another data_dir, or move the file away", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// What is in it cannot be read.
    #[error("the store {} is damaged: restore it from a backup, or move it away, and everybody logs in again", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The writer's thread does not start.
    #[error("cannot start the store's writer: see the limit of threads for the gateway's user")]
    Thread(#[source] io::Error),
}

/// Opens or makes the file, and checks what is in it.
pub(super) fn open(path: &Path) -> Result<Database, OpenError> {
    make_folder(path)?;
    let refused = |source| OpenError::File { path: path.to_owned(), source };
    let file = open_private(path).map_err(refused)?;
    let backend = FileBackend::new(file).map_err(|error| judge(path, error))?;
    let shown = path.display().to_string();
    let database = Builder::new()
        .set_cache_size(CACHE)
        .set_repair_callback(move |check| {
            let done = check.progress();
            tracing::info!(store = shown, done, "checking the store after a crash");
        })
        .create_with_backend(backend)
        .map_err(|error| judge(path, error))?;
    match tables::prepare(&database).map_err(|fault| damaged(path, fault))? {
        Layout::Ours => {}
        Layout::Newer(found) => {
            return Err(OpenError::Newer { path: path.to_owned(), found, supported: FORMAT });
        }
        Layout::Foreign => return Err(OpenError::Foreign { path: path.to_owned() }),
    }
    // The file's name in its folder must survive a power loss as its content does.
    sync_folder(folder_of(path)).map_err(refused)?;
    Ok(database)
}

fn make_folder(path: &Path) -> Result<(), OpenError> {
    let folder = folder_of(path);
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(folder)
        .and_then(|()| folder.parent().map_or(Ok(()), |above| sync_folder(or_here(above))))
        .map_err(|source| OpenError::Folder { folder: folder.to_owned(), source })
}

/// Opens the file for its owner alone.
fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = file.metadata()?.permissions().mode();
        if mode & 0o077 != 0 {
            tracing::warn!(store = %path.display(), "others could read the store; taken back");
            file.set_permissions(fs::Permissions::from_mode(0o600))?;
        }
    }
    Ok(file)
}

pub(super) fn judge(path: &Path, error: DatabaseError) -> OpenError {
    let path = path.to_owned();
    match error {
        DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => {
            OpenError::InUse { path }
        }
        DatabaseError::Storage(StorageError::Io(error))
            if error.kind() == io::ErrorKind::InvalidData =>
        {
            OpenError::Foreign { path }
        }
        DatabaseError::Storage(StorageError::Io(source)) => OpenError::File { path, source },
        error => damaged(&path, error.into()),
    }
}

fn damaged(path: &Path, fault: Fault) -> OpenError {
    OpenError::Damaged { path: path.to_owned(), source: Box::new(fault) }
}

fn folder_of(path: &Path) -> &Path {
    or_here(path.parent().unwrap_or(Path::new("")))
}

fn or_here(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() { Path::new(".") } else { folder }
}

/// Makes the names in the folder durable, where the system knows such a thing.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
