//! `kill -9` loses nothing that was acknowledged.
//!
//! The child is this very test binary, started for its ignored test alone: it writes from many tasks
//! and prints a line for each acknowledgement; the parent kills it in the middle of that.

#![expect(clippy::unwrap_used, reason = "an unwrap is a test's assertion")]

use std::{
    collections::HashMap,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    sync::Arc,
};

use cloakroom_core::{
    session::{End, RecordId},
    time::Timestamp,
};
use cloakroom_store::{EmbeddedStore, Replaced, SWEEP_LIMIT, SessionStore};

const FILE: &str = "CLOAKROOM_KILL_TEST_FILE";
const ROUND: &str = "CLOAKROOM_KILL_TEST_ROUND";
const END: Timestamp = Timestamp::from_unix_seconds(1_000_000);
const NOW: Timestamp = Timestamp::from_unix_seconds(1);

fn id(name: &str) -> RecordId {
    RecordId::hash(b"kill", name.as_bytes())
}

/// Long enough for pages of its own, and different for each version.
fn content(name: &str, version: u64) -> Vec<u8> {
    format!("{name} at {version};").into_bytes().repeat(150)
}

#[derive(Default)]
struct Acknowledged {
    versions: HashMap<String, u64>,
    removed: Vec<String>,
    claimed: Vec<String>,
}

impl Acknowledged {
    fn note(&mut self, line: &str) {
        let words: Vec<_> = line.split(' ').collect();
        match words.as_slice() {
            ["ack", "written", name, version] => {
                self.versions.insert((*name).to_owned(), version.parse().unwrap());
            }
            ["ack", "removed", name] => self.removed.push((*name).to_owned()),
            ["ack", "claimed", name] => self.claimed.push((*name).to_owned()),
            // The test harness of the child prints too.
            _ => {}
        }
    }

    fn count(&self) -> usize {
        self.versions.len() + self.removed.len() + self.claimed.len()
    }

    async fn is_all_there(&self, store: &EmbeddedStore) {
        for name in &self.removed {
            assert!(store.load(id(name), NOW).await.unwrap().is_none(), "{name} is back");
        }
        for (name, version) in &self.versions {
            if self.removed.contains(name) {
                continue;
            }
            let Some(kept) = store.load(id(name), NOW).await.unwrap() else {
                // Its removal may have been durable and not yet acknowledged.
                assert!(*version == 2 && name.ends_with('3'), "{name} is lost");
                continue;
            };
            assert!(kept.version >= *version, "{name} is {} of {version}", kept.version);
            assert_eq!(kept.sealed, content(name, kept.version), "{name} is whole");
        }
        for name in &self.claimed {
            assert!(!store.claim(id(name), END, NOW).await.unwrap(), "{name} counts again");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sessions.redb");
    let mut all = Acknowledged::default();
    for (round, kill_after) in [1, 700, 40, 1500, 300, 5, 900, 120].into_iter().enumerate() {
        let before = all.count();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_writes_until_killed", "--ignored", "--nocapture"])
            .env(FILE, &file)
            .env(ROUND, round.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            all.note(&line.unwrap());
            if all.count() - before >= kill_after {
                // Does nothing the second time: the rest of the pipe still counts.
                child.kill().unwrap();
            }
        }
        assert!(!child.wait().unwrap().success(), "it was killed, it did not end by itself");
        assert!(all.count() - before >= kill_after);
        let store = EmbeddedStore::open(&file).unwrap();
        all.is_all_there(&store).await;
    }
    // The index still names exactly what is there.
    let store = EmbeddedStore::open(&file).unwrap();
    while store.sweep(END).await.unwrap() == SWEEP_LIMIT {}
    for name in all.versions.keys() {
        assert!(store.load(id(name), NOW).await.unwrap().is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the child of what_was_acknowledged_survives_kill_9"]
async fn child_writes_until_killed() {
    let (Ok(file), Ok(round)) = (std::env::var(FILE), std::env::var(ROUND)) else { return };
    let store = Arc::new(EmbeddedStore::open(file).unwrap());
    let tasks: Vec<_> = (0..32)
        .map(|task| {
            let (store, round) = (Arc::clone(&store), round.clone());
            tokio::spawn(async move {
                for number in 0_u64.. {
                    write(&store, &format!("r{round}t{task}n{number}")).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

/// Creates, claims, replaces, and removes those whose name ends with 3.
async fn write(store: &EmbeddedStore, name: &str) {
    store.create(id(name), content(name, 1).into(), END).await.unwrap();
    println!("ack written {name} 1");
    assert!(store.claim(id(name), END, NOW).await.unwrap());
    println!("ack claimed {name}");
    let replaced = store.replace(id(name), 1, content(name, 2).into(), END).await.unwrap();
    assert_eq!(replaced, Replaced::Done { version: 2 });
    println!("ack written {name} 2");
    if name.ends_with('3') {
        assert_eq!(store.remove(id(name), End::Logout).await.unwrap().unwrap().version, 2);
        println!("ack removed {name}");
    }
}
