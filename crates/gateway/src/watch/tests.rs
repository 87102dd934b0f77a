use std::fs;

use super::*;

#[tokio::test]
async fn a_stamp_changes_with_every_way_to_replace_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("keyring");
    let missing = stamp(&file).await;
    assert!(missing.is_none());
    fs::write(&file, "one").unwrap();
    let first = stamp(&file).await;
    assert!(first.is_some());
    assert_eq!(stamp(&file).await, first, "a look changes nothing");

    fs::write(dir.path().join("new"), "two").unwrap();
    fs::rename(dir.path().join("new"), &file).unwrap();
    let renamed = stamp(&file).await;
    assert_ne!(renamed, first, "another file took its place");

    fs::write(&file, "three and more").unwrap();
    assert_ne!(stamp(&file).await, renamed, "written in place");
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_that_is_moved_is_a_change() {
    use std::os::unix::fs::symlink;
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    for version in ["v1", "v2"] {
        fs::create_dir(at(version)).unwrap();
        fs::write(at(version).join("keyring"), "same text").unwrap();
    }
    // As Kubernetes mounts a secret: keyring → current/keyring, current → v1.
    symlink("v1", at("current")).unwrap();
    symlink("current/keyring", at("keyring")).unwrap();
    let before = stamp(&at("keyring")).await;
    symlink("v2", at("next")).unwrap();
    fs::rename(at("next"), at("current")).unwrap();
    assert_ne!(stamp(&at("keyring")).await, before);
}

#[test]
fn a_change_is_told_once_when_it_has_settled() {
    let look = |number| vec![Some(vec![number])];
    let mut watched = Watched::default();
    assert!(!watched.changed(look(1)));
    assert!(watched.changed(look(1)), "once after the start");
    assert!(!watched.changed(look(1)));
    assert!(!watched.changed(look(2)), "it may be half-written");
    assert!(!watched.changed(look(3)), "still being written");
    assert!(watched.changed(look(3)));
    assert!(!watched.changed(look(3)), "told once");
    assert!(!watched.changed(vec![None]), "it may be about to come back");
    assert!(!watched.changed(look(3)), "and it did, unchanged");
}
