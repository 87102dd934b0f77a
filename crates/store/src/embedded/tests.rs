//! What only the embedded store has: its file, its writer, a disk that fails.

mod disk;

use std::{
    error::Error,
    fs,
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
};

use redb::{ReadableDatabase, TableDefinition, TableHandle};
use tempfile::TempDir;

use super::*;
use disk::FailingDisk;

fn id(name: impl AsRef<[u8]>) -> RecordId {
    RecordId::hash(b"test", name.as_ref())
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_unix_seconds(seconds)
}

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made/by/us/sessions.redb");
    (folder, path)
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_reopening() {
    let (_folder, path) = place();
    let store = EmbeddedStore::open(&path).unwrap();
    store.create(id("a"), b"1".to_vec().into(), at(10)).await.unwrap();
    store.replace(id("a"), 1, b"2".to_vec().into(), at(20)).await.unwrap();
    assert!(store.claim(id("state"), at(10), at(1)).await.unwrap());
    drop(store);
    let store = EmbeddedStore::open(&path).unwrap();
    let kept = store.load(id("a"), at(1)).await.unwrap().unwrap();
    assert_eq!(kept, StoredRecord { version: 2, sealed: b"2".to_vec(), expires_at: at(20) });
    assert!(!store.claim(id("state"), at(10), at(1)).await.unwrap());
    assert_eq!(store.sweep(at(20)).await.unwrap(), 2);
}

#[tokio::test]
async fn dropping_the_store_finishes_what_has_queued() {
    let (_folder, path) = place();
    let store = EmbeddedStore::open(&path).unwrap();
    for number in 0..100_u8 {
        // Polled once: handed over. Whoever asked does not wait for the answer.
        let mut written = store.create(id([number]), vec![number].into(), at(10));
        assert!(poll_once(&mut written).await.is_none_or(|done| done.is_ok()));
    }
    drop(store);
    let store = EmbeddedStore::open(&path).unwrap();
    for number in 0..100_u8 {
        assert!(store.load(id([number]), at(1)).await.unwrap().is_some(), "{number}");
    }
}

async fn poll_once<T>(future: &mut StoreFuture<'_, T>) -> Option<Result<T, StoreError>> {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(match future.as_mut().poll(context) {
            std::task::Poll::Ready(done) => Some(done),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read() {
    use std::os::unix::fs::PermissionsExt;

    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let (folder, path) = place();
    drop(EmbeddedStore::open(&path).unwrap());
    assert_eq!(mode(&path), 0o600);
    for made in ["made", "made/by", "made/by/us"] {
        assert_eq!(mode(&folder.path().join(made)), 0o700, "{made}");
    }
    // A file that was opened to others since is taken back.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    drop(EmbeddedStore::open(&path).unwrap());
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn a_second_opening_is_refused() {
    let (_folder, path) = place();
    let store = EmbeddedStore::open(&path).unwrap();
    let error = EmbeddedStore::open(&path).unwrap_err();
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    assert!(error.to_string().contains("stop that gateway"), "{error}");
    drop(store);
    EmbeddedStore::open(&path).unwrap();
}

#[test]
fn a_newer_format_is_refused_and_left_alone() {
    let (_folder, path) = place();
    drop(EmbeddedStore::open(&path).unwrap());
    let meta = TableDefinition::<&str, u64>::new("cloakroom");
    let records = TableDefinition::<&str, &str>::new("records of format 7");
    {
        let database = redb::Database::create(&path).unwrap();
        let write = database.begin_write().unwrap();
        write.open_table(meta).unwrap().insert("format", 7).unwrap();
        write.open_table(records).unwrap().insert("a", "kept").unwrap();
        write.commit().unwrap();
    }
    let error = EmbeddedStore::open(&path).unwrap_err();
    assert!(matches!(error, OpenError::Newer { found: 7, supported: 1, .. }), "{error}");
    assert!(error.to_string().contains("format is 7, this version reads up to 1"), "{error}");

    let database = redb::Database::open(&path).unwrap();
    let read = database.begin_read().unwrap();
    assert_eq!(read.open_table(meta).unwrap().get("format").unwrap().unwrap().value(), 7);
    assert_eq!(read.open_table(records).unwrap().get("a").unwrap().unwrap().value(), "kept");
}

fn filed(sealed: &[u8]) -> Content {
    let filed = vec![IndexKey::from_bytes([1; 32])];
    Content { sealed: sealed.to_vec(), filed, card: Vec::new() }
}

/// R33: a file from before there was an index keeps its sessions; each is filed at its next write.
#[tokio::test]
async fn a_file_without_an_index_gets_one() {
    let (_folder, path) = place();
    let key = IndexKey::from_bytes([1; 32]);
    let store = EmbeddedStore::open(&path).unwrap();
    for name in ["a", "b"] {
        store.create(id(name), filed(b"1"), at(10)).await.unwrap();
    }
    drop(store);
    {
        let database = redb::Database::open(&path).unwrap();
        let write = database.begin_write().unwrap();
        let names: Vec<_> = write.list_tables().unwrap().collect();
        let later = ["filed", "files", "cards", "leases"];
        let (later, first): (Vec<_>, Vec<_>) =
            names.into_iter().partition(|table| later.contains(&table.name()));
        assert_eq!((first.len(), later.len()), (5, 4));
        for table in later {
            assert!(write.delete_table(table).unwrap());
        }
        write.commit().unwrap();
    }
    let store = EmbeddedStore::open(&path).unwrap();
    assert_eq!(store.filed(key, at(1)).await.unwrap(), []);
    assert_eq!(store.load(id("a"), at(1)).await.unwrap().unwrap().sealed, b"1");
    store.replace(id("a"), 1, filed(b"2"), at(10)).await.unwrap();
    assert_eq!(store.filed(key, at(1)).await.unwrap()[0].id, id("a"));
    assert!(store.remove(id("b"), End::Logout).await.unwrap().is_some());
}

/// An older version that wrote meanwhile knows no index, and leaves in it what it removed.
#[tokio::test]
async fn a_record_that_an_older_version_removed_is_not_found() {
    let (_folder, path) = place();
    let store = EmbeddedStore::open(&path).unwrap();
    store.create(id("a"), filed(b"1"), at(10)).await.unwrap();
    drop(store);
    {
        let database = redb::Database::open(&path).unwrap();
        let write = database.begin_write().unwrap();
        let records = TableDefinition::<&[u8; 32], (u64, u64, &[u8])>::new("records");
        write.open_table(records).unwrap().remove(id("a").as_bytes()).unwrap();
        write.commit().unwrap();
    }
    let store = EmbeddedStore::open(&path).unwrap();
    assert_eq!(store.filed(IndexKey::from_bytes([1; 32]), at(1)).await.unwrap(), []);
}

#[test]
fn other_files_are_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.txt");
    fs::write(&text, "my notes ".repeat(1000)).unwrap();
    let error = EmbeddedStore::open(&text).unwrap_err();
    assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
    assert_eq!(fs::read_to_string(&text).unwrap(), "my notes ".repeat(1000));

    let other = folder.path().join("other.redb");
    {
        let database = redb::Database::create(&other).unwrap();
        let write = database.begin_write().unwrap();
        write.open_table(TableDefinition::<&str, u64>::new("theirs")).unwrap();
        write.commit().unwrap();
    }
    let error = EmbeddedStore::open(&other).unwrap_err();
    assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
    assert!(error.to_string().contains("is not a Cloakroom store"), "{error}");
}

#[test]
fn a_place_that_cannot_be_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = EmbeddedStore::open(file.join("below/sessions.redb")).unwrap_err();
    assert!(matches!(error, OpenError::Folder { .. }), "{error}");
    let error = EmbeddedStore::open(folder.path()).unwrap_err();
    assert!(matches!(error, OpenError::File { .. }), "{error}");
    // An empty file is a new one: a crash between making it and its first write leaves that.
    EmbeddedStore::open(&file).unwrap();
}

#[tokio::test]
async fn a_dead_writer_is_an_error_not_a_hang() {
    let (_folder, path) = place();
    let store = EmbeddedStore::open(&path).unwrap();
    store.create(id("a"), b"1".to_vec().into(), at(10)).await.unwrap();
    let killer =
        store.write(|_| -> Result<(), Fault> { panic!("a panic in the writer, on purpose") });
    let queued = store.remove(id("a"), End::Logout);
    let (killed, queued) = tokio::join!(killer, queued);
    assert_eq!(killed.unwrap_err().kind(), StoreErrorKind::Unavailable);
    let error = queued.unwrap_err();
    assert!(error.to_string().contains("restart the gateway"), "{error}");
    let error = store.touch(id("a"), at(20)).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    // What is durable can still be read, and the file is whole.
    assert!(store.load(id("a"), at(1)).await.unwrap().is_some());
    drop(store);
    let store = EmbeddedStore::open(&path).unwrap();
    assert!(store.load(id("a"), at(1)).await.unwrap().is_some());
}

#[tokio::test]
async fn a_full_queue_makes_callers_wait() {
    let (_folder, path) = place();
    let store = EmbeddedStore::open(&path).unwrap();
    let (release, hold) = std::sync::mpsc::channel::<()>();
    let mut held = store.write(move |_| {
        let _ = hold.recv();
        Ok(())
    });
    assert!(poll_once(&mut held).await.is_none());
    let mut waiting: Vec<_> = (0..QUEUE + BEYOND)
        .map(|number| store.claim(id(number.to_be_bytes()), at(9), at(1)))
        .collect();
    for claim in &mut waiting {
        assert!(poll_once(claim).await.is_none());
    }
    // The writer has at most one batch in hand, so of those beyond some have found no room.
    assert_eq!(store.queue.as_ref().unwrap().capacity(), 0);
    release.send(()).unwrap();
    held.await.unwrap();
    for claim in waiting {
        assert!(claim.await.unwrap());
    }
}

/// More than the writer can have taken out of the queue already.
const BEYOND: usize = 300;

#[tokio::test]
async fn it_comes_back_when_the_disk_does() {
    let (_folder, path) = place();
    let disk = FailingDisk::default();
    let store = disk.store(&path);
    store.create(id("a"), b"1".to_vec().into(), at(10)).await.unwrap();

    disk.full.store(true, Ordering::SeqCst);
    let error = store.create(id("b"), b"1".to_vec().into(), at(10)).await.unwrap_err();
    assert!(error.source().unwrap().to_string().contains("no storage space"), "{error:?}");
    for _ in 0..3 {
        let error = store.create(id("b"), b"1".to_vec().into(), at(10)).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
        let shown = error.to_string();
        assert!(shown.contains("sessions.redb") && shown.contains("has room"), "{shown}");
    }
    // Nobody is told that a session does not exist.
    if let Ok(found) = store.load(id("a"), at(1)).await {
        assert!(found.is_some());
    }

    disk.full.store(false, Ordering::SeqCst);
    until_it_works(|| store.touch(id("a"), at(20))).await;
    assert_eq!(store.load(id("a"), at(1)).await.unwrap().unwrap().expires_at, at(20));
    // The failed one may have been written or not, as it says; it is whole either way.
    let _ = store.remove(id("b"), End::Logout).await.unwrap();
    store.create(id("b"), b"2".to_vec().into(), at(10)).await.unwrap();
}

#[tokio::test]
async fn readers_alone_bring_it_back() {
    let (_folder, path) = place();
    let disk = FailingDisk::default();
    let store = disk.store(&path);
    store.create(id("a"), vec![1; 9000].into(), at(10)).await.unwrap();
    drop(store);

    let store = disk.store(&path);
    disk.unreadable.store(true, Ordering::SeqCst);
    let error = store.load(id("a"), at(1)).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    disk.unreadable.store(false, Ordering::SeqCst);
    let found = until_it_works(|| store.load(id("a"), at(1))).await;
    assert!(found.is_some());
}

/// The writer opens the file anew on its own thread; each try tells it to.
async fn until_it_works<'a, T>(attempt: impl Fn() -> StoreFuture<'a, T>) -> T {
    let patience = std::time::Instant::now() + Duration::from_secs(60);
    loop {
        match attempt().await {
            Ok(done) => return done,
            Err(error) if std::time::Instant::now() > patience => {
                panic!("the store does not come back: {error:?}")
            }
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

#[test]
fn power_loss_takes_nothing_that_was_acknowledged() {
    disk::survives_power_loss();
}

#[test]
fn stores_and_their_errors_cross_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<StoreError>();
    shared::<OpenError>();
    shared::<Arc<dyn SessionStore>>();
}
