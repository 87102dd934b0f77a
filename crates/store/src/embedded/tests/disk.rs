//! Disks with faults: full, unreadable, and one whose power goes.

use std::{
    fs::OpenOptions,
    io,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use proptest::prelude::*;
use redb::{Builder, StorageBackend, backends::FileBackend};

use super::{EmbeddedStore, OpenError, SessionStore, at, id};
use crate::embedded::{file, tables};

/// A file on a disk that can be made to fail.
#[derive(Clone, Debug, Default)]
pub(super) struct FailingDisk {
    /// Nothing can be written.
    pub(super) full: Arc<AtomicBool>,
    /// Nothing can be read.
    pub(super) unreadable: Arc<AtomicBool>,
}

impl FailingDisk {
    pub(super) fn store(&self, path: &Path) -> EmbeddedStore {
        // Makes the folder.
        drop(file::open(path).unwrap());
        let (disk, path) = (self.clone(), path.to_owned());
        EmbeddedStore::start(&path.display().to_string(), Duration::ZERO, move || {
            let file = OpenOptions::new().read(true).write(true).open(&path).unwrap();
            let inner = FileBackend::new(file).unwrap();
            Builder::new()
                // Reads go to the disk.
                .set_cache_size(0)
                .create_with_backend(FailingFile { disk: disk.clone(), inner })
                .map_err(|error| file::judge(&path, error))
        })
        .unwrap()
    }
}

#[derive(Debug)]
struct FailingFile {
    disk: FailingDisk,
    inner: FileBackend,
}

impl FailingFile {
    fn write_allowed(&self) -> io::Result<()> {
        if self.disk.full.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}

impl StorageBackend for FailingFile {
    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        if self.disk.unreadable.load(Ordering::SeqCst) {
            return Err(io::Error::other("input/output error"));
        }
        self.inner.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.write_allowed()?;
        self.inner.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.write_allowed()?;
        self.inner.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.write_allowed()?;
        self.inner.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.inner.close()
    }
}

/// A disk that keeps, when its power goes, what was flushed, and of the rest whatever it likes.
#[derive(Clone, Debug, Default)]
struct Platter(Arc<Mutex<Image>>);

#[derive(Clone, Debug, Default)]
struct Image {
    /// What a reader sees.
    current: Vec<u8>,
    /// What has been flushed.
    durable: Vec<u8>,
    /// Since the last flush.
    pending: Vec<Change>,
}

#[derive(Clone, Debug)]
enum Change {
    Length(usize),
    Bytes(usize, Vec<u8>),
}

impl Change {
    fn apply(&self, image: &mut Vec<u8>) {
        match self {
            Self::Length(length) => image.resize(*length, 0),
            Self::Bytes(offset, bytes) => {
                let end = offset + bytes.len();
                if image.len() < end {
                    image.resize(end, 0);
                }
                image[*offset..end].copy_from_slice(bytes);
            }
        }
    }
}

impl Platter {
    fn change(&self, change: Change) {
        let mut image = self.0.lock().unwrap();
        change.apply(&mut image.current);
        image.pending.push(change);
    }

    /// The disk after a power loss now: of what was not flushed, `kept` decides one by one.
    fn after_power_loss(&self, mut kept: impl FnMut() -> bool) -> Self {
        let Image { mut durable, pending, .. } = self.0.lock().unwrap().clone();
        for change in pending.into_iter().filter(|_| kept()) {
            change.apply(&mut durable);
        }
        Self(Arc::new(Mutex::new(Image { current: durable.clone(), durable, pending: Vec::new() })))
    }

    fn open(&self) -> Result<redb::Database, OpenError> {
        let database = Builder::new()
            .create_with_backend(self.clone())
            .map_err(|error| file::judge(Path::new("platter"), error))?;
        assert!(matches!(tables::prepare(&database), Ok(tables::Layout::Ours)));
        Ok(database)
    }

    fn store(&self) -> EmbeddedStore {
        let disk = self.clone();
        EmbeddedStore::start("platter", Duration::ZERO, move || disk.open()).unwrap()
    }
}

impl StorageBackend for Platter {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().current.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let offset = usize::try_from(offset).unwrap();
        out.copy_from_slice(&self.0.lock().unwrap().current[offset..offset + out.len()]);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.change(Change::Length(usize::try_from(len).unwrap()));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut image = self.0.lock().unwrap();
        image.durable = image.current.clone();
        image.pending.clear();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.change(Change::Bytes(usize::try_from(offset).unwrap(), data.to_vec()));
        Ok(())
    }
}

/// The power goes after each of several acknowledgements, while the next writes are under way.
pub(super) fn survives_power_loss() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let config = ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() };
    proptest!(config, |(whims in prop::collection::vec(any::<bool>(), 64), writes in 1..12_u8)| {
        let disk = Platter::default();
        let store = disk.store();
        let mut whims = whims.into_iter().cycle();
        runtime.block_on(async {
            for number in 0..writes {
                store.create(id([number]), vec![number; 3000].into(), at(10)).await.unwrap();
                let (after, _next) = tokio::join!(
                    async { disk.after_power_loss(|| whims.next().unwrap()) },
                    store.claim(id([number]), at(10), at(1)),
                );
                let survivor = after.store();
                for known in 0..=number {
                    let kept = survivor.load(id([known]), at(1)).await.unwrap().unwrap();
                    assert_eq!(kept.sealed, vec![known; 3000]);
                }
                for known in 0..number {
                    assert!(!survivor.claim(id([known]), at(10), at(1)).await.unwrap());
                }
            }
        });
    });
}
