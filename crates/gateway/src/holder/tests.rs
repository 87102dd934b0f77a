use std::{fs, os::unix::fs::PermissionsExt};

use cloakroom_core::random::OsRandom;

use super::{Held, Holder, take};

fn start(dir: &tempfile::TempDir) -> Held {
    take(dir.path(), &OsRandom::default())
}

#[test]
fn r15_each_process_is_somebody_else_and_knows_who_was_before() {
    let dir = tempfile::tempdir().unwrap();
    let first = start(&dir);
    assert_eq!(first.predecessor, None);
    let holder = first.holder;
    // As the end of a process does, a crash too.
    drop(first);
    let second = start(&dir);
    assert_eq!(second.predecessor, Some(holder));
    assert_ne!(second.holder, holder);
    let mode = fs::metadata(dir.path().join("holder")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn r15_nobody_is_declared_dead_whose_process_still_has_the_folder() {
    let dir = tempfile::tempdir().unwrap();
    let first = start(&dir);
    let second = start(&dir);
    assert_eq!(second.predecessor, None);
    assert_ne!(second.holder, first.holder);
    let holder = first.holder;
    drop((first, second));
    assert_eq!(start(&dir).predecessor, Some(holder), "the second noted nothing");
}

/// A copy is another file, on which the one who runs has no lock.
#[test]
fn r15_a_copy_of_the_folder_of_a_gateway_that_runs_proves_nothing() {
    let (dir, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let _running = start(&dir);
    fs::copy(dir.path().join("holder"), copy.path().join("holder")).unwrap();
    assert_eq!(start(&copy).predecessor, None);
}

#[test]
fn r15_what_was_noted_under_another_start_of_the_system_proves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    drop(start(&dir));
    let path = dir.path().join("holder");
    let note = fs::read_to_string(&path).unwrap();
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    // In place, as the note is written.
    fs::write(&path, note.replace(boot.trim(), "another-boot")).unwrap();
    assert_eq!(start(&dir).predecessor, None);
}

#[test]
fn a_note_that_is_half_written_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("holder");
    drop(start(&dir));
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        assert_eq!(start(&dir).predecessor, None, "{length}");
    }
    fs::write(&path, [0xff; 4096]).unwrap();
    assert_eq!(start(&dir).predecessor, None);
}

#[test]
fn a_folder_that_cannot_be_written_stops_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let missing: Holder = take(&dir.path().join("missing"), &OsRandom::default()).holder;
    assert_ne!(missing, start(&dir).holder);
}
