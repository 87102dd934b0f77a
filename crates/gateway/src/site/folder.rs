//! The site's folder as `ServeDir` sees it: nothing outside of it, nothing hidden, nothing odd.
//!
//! A name is resolved, links and all, before it is opened, and what it resolves to must lie in the
//! folder. So a link within the site works, one that leads out of it names nothing, and so does one to
//! a hidden file. The folder itself may be a link. Who may write to the folder could swap a link
//! between the check and the opening; who may write to the folder decides what the site is anyway.

use std::{
    fs, io,
    path::{Component, Path, PathBuf},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::SystemTime,
};

use tokio::io::{AsyncRead, AsyncSeek, ReadBuf};
use tower_http::services::fs::{Backend, File, Metadata};

type FileFuture<T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send>>;

/// A folder whose files are public.
#[derive(Clone, Debug)]
pub(super) struct Folder(Arc<Path>);

impl Folder {
    pub(super) fn new(root: PathBuf) -> Self {
        Self(root.into())
    }

    pub(super) fn root(&self) -> &Path {
        &self.0
    }

    /// Opens the file that `path`, relative to the folder, names.
    pub(super) fn open_file(&self, path: &Path) -> io::Result<(fs::File, Facts)> {
        let (path, facts) = self.resolve(path)?;
        if facts.is_dir {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok((fs::File::open(path)?, facts))
    }

    fn resolve(&self, path: &Path) -> io::Result<(PathBuf, Facts)> {
        let root = self.0.canonicalize()?;
        let real = root.join(path).canonicalize()?;
        let inside = real.strip_prefix(&root).map_err(|_| io::ErrorKind::NotFound)?;
        if is_hidden(inside) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let metadata = real.metadata()?;
        // Opening a pipe would wait for its other end, and a device is no part of any site.
        if !metadata.is_dir() && !metadata.is_file() {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok((real, Facts::of(&metadata)))
    }
}

fn is_hidden(inside: &Path) -> bool {
    let inside = inside.strip_prefix(".well-known").unwrap_or(inside);
    inside.components().any(|part| match part {
        Component::Normal(name) => name.as_encoded_bytes().starts_with(b"."),
        _ => true,
    })
}

impl Backend for Folder {
    type File = SiteFile;
    type Metadata = Facts;
    type OpenFuture = FileFuture<SiteFile>;
    type MetadataFuture = FileFuture<Facts>;

    fn open(&self, path: PathBuf) -> Self::OpenFuture {
        let folder = self.clone();
        in_background(move || {
            let (file, facts) = folder.open_file(&path)?;
            Ok(SiteFile { content: tokio::fs::File::from_std(file), facts })
        })
    }

    fn metadata(&self, path: PathBuf) -> Self::MetadataFuture {
        let folder = self.clone();
        in_background(move || folder.resolve(&path).map(|(_, facts)| facts))
    }
}

fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> FileFuture<T> {
    Box::pin(async move { tokio::task::spawn_blocking(work).await.map_err(io::Error::other)? })
}

/// What `ServeDir` asks about a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    is_dir: bool,
    length: u64,
    changed_at: SystemTime,
}

impl Facts {
    /// A file's time is the later of when its content and when its inode changed.
    ///
    /// Reproducible builds give every file the same time and often the same length: by these alone
    /// the `index.html` of a new build could pass for the old one and never be fetched again. The
    /// inode's time is when this very file was put here.
    fn of(metadata: &fs::Metadata) -> Self {
        let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        Self {
            is_dir: metadata.is_dir(),
            length: metadata.len(),
            changed_at: modified.max(inode_changed(metadata)),
        }
    }
}

#[cfg(unix)]
fn inode_changed(metadata: &fs::Metadata) -> SystemTime {
    use std::os::unix::fs::MetadataExt;

    let seconds = u64::try_from(metadata.ctime()).unwrap_or(0);
    let nanos = u32::try_from(metadata.ctime_nsec()).unwrap_or(0);
    SystemTime::UNIX_EPOCH + std::time::Duration::new(seconds, nanos)
}

#[cfg(not(unix))]
fn inode_changed(metadata: &fs::Metadata) -> SystemTime {
    metadata.created().unwrap_or(SystemTime::UNIX_EPOCH)
}

impl Metadata for Facts {
    fn is_dir(&self) -> bool {
        self.is_dir
    }

    fn modified(&self) -> io::Result<SystemTime> {
        Ok(self.changed_at)
    }

    fn len(&self) -> u64 {
        self.length
    }
}

/// An open file; it is read as it is sent.
#[derive(Debug)]
pub(super) struct SiteFile {
    content: tokio::fs::File,
    facts: Facts,
}

impl File for SiteFile {
    type Metadata = Facts;
    type MetadataFuture<'a> = std::future::Ready<io::Result<Facts>>;

    fn metadata(&self) -> Self::MetadataFuture<'_> {
        std::future::ready(Ok(self.facts))
    }
}

impl AsyncRead for SiteFile {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.content).poll_read(context, into)
    }
}

impl AsyncSeek for SiteFile {
    fn start_seek(mut self: Pin<&mut Self>, position: io::SeekFrom) -> io::Result<()> {
        Pin::new(&mut self.content).start_seek(position)
    }

    fn poll_complete(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Pin::new(&mut self.content).poll_complete(context)
    }
}
