#![cfg(unix)]

use std::{
    fs,
    io::Write,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink},
    sync::{Arc, Mutex},
};

use cloakroom_core::random::OsRandom;

use super::*;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Loads the folder's keyring as a gateway does that has been here before; what was logged.
fn start(dir: &Path) -> String {
    let log = Log::default();
    let target = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_ansi(false).with_writer(move || target.clone()).finish();
    tracing::subscriber::with_default(subscriber, || {
        let (path, used_before) = (data_dir::keyring(dir), data_dir::was_used(dir));
        fs::write(dir.join("sessions.redb"), "").expect("a store");
        load_or_create(&path, used_before, &OsRandom::default()).expect("a usable keyring");
    });
    let bytes = log.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_keyring_is_the_owners_whatever_lies_in_its_way() {
    let dir = tempfile::tempdir().unwrap();
    let (elsewhere, stale) = (dir.path().join("elsewhere"), dir.path().join("keyring.new"));
    fs::write(&elsewhere, "precious").unwrap();
    for link in [true, false] {
        if link {
            symlink(&elsewhere, &stale).unwrap();
        } else {
            fs::write(&stale, "half").unwrap();
            set_mode(&stale, 0o666);
        }
        start(dir.path());
        let keyring = dir.path().join("keyring");
        let found = fs::symlink_metadata(&keyring).unwrap();
        assert!(found.is_file() && found.mode() & 0o777 == 0o600, "{found:?}");
        assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "precious");
        assert!(!stale.exists());
        fs::remove_file(keyring).unwrap();
    }
}

#[test]
fn a_keyring_that_others_can_read_is_spoken_of() {
    let dir = tempfile::tempdir().unwrap();
    let keyring = dir.path().join("keyring");
    assert!(!start(dir.path()).contains("WARN"), "one of our own");
    for (mode, warns) in [(0o600, false), (0o400, false), (0o640, true), (0o604, true)] {
        set_mode(&keyring, mode);
        let log = start(dir.path());
        let fix = format!("chmod 600 {}", keyring.display());
        assert_eq!(log.contains("WARN") && log.contains(&fix), warns, "{mode:o}: {log}");
    }
}

#[test]
fn a_lost_keyring_is_no_quiet_matter() {
    let dir = tempfile::tempdir().unwrap();
    let first = start(dir.path());
    assert!(first.contains("keyring made") && !first.contains("WARN"), "{first}");
    fs::remove_file(dir.path().join("keyring")).unwrap();
    let second = start(dir.path());
    assert!(second.contains("WARN") && second.contains("everybody is logged out"), "{second}");
    assert!(!start(dir.path()).contains("WARN"), "once");
}

/// In modes without a store nothing else keeps two gateways from starting at once on one folder.
#[test]
fn gateways_that_start_at_once_have_one_keyring() {
    for _ in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keyring");
        let all_ready = std::sync::Barrier::new(8);
        let start = || {
            all_ready.wait();
            load_or_create(&path, false, &OsRandom::default()).unwrap().to_text()
        };
        let texts: Vec<_> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        });
        let kept = std::fs::read_to_string(&path).unwrap();
        assert!(texts.iter().all(|text| **text == kept), "every gateway has what the file has");
    }
}
