//! Random operations at random times, against the plainest model.

use std::collections::{HashMap, hash_map::Entry};

use cloakroom_core::session::End;
use cloakroom_store::{Content, Filed, Replaced, SessionStore, StoreErrorKind, StoredRecord};
use proptest::{prelude::*, test_runner::TestRunner};

use super::{at, id, key};

#[derive(Clone, Debug)]
enum Operation {
    Load {
        id: u8,
        now: u64,
    },
    Create {
        id: u8,
        sealed: Vec<u8>,
        filed: Vec<u8>,
        end: u64,
    },
    /// Names the current version moved by `stale`.
    Replace {
        id: u8,
        stale: u64,
        sealed: Vec<u8>,
        filed: Vec<u8>,
        end: u64,
    },
    Touch {
        id: u8,
        end: u64,
    },
    Remove {
        id: u8,
    },
    Filed {
        key: u8,
        now: u64,
    },
    Claim {
        key: u8,
        until: u64,
        now: u64,
    },
    Sweep {
        now: u64,
    },
}

fn operation() -> impl Strategy<Value = Operation> {
    // Few ids and few moments, so that they meet.
    let id = 0..4_u8;
    let time = 0..12_u64;
    let sealed = prop::collection::vec(any::<u8>(), 0..40);
    let filed = prop::collection::vec(0..3_u8, 0..3);
    prop_oneof![
        3 => (id.clone(), time.clone()).prop_map(|(id, now)| Operation::Load { id, now }),
        3 => (id.clone(), sealed.clone(), filed.clone(), time.clone())
            .prop_map(|(id, sealed, filed, end)| Operation::Create { id, sealed, filed, end }),
        3 => (id.clone(), prop_oneof![3 => Just(0), 1 => 1..3_u64], sealed, filed, time.clone())
            .prop_map(|(id, stale, sealed, filed, end)| {
                Operation::Replace { id, stale, sealed, filed, end }
            }),
        2 => (0..3_u8, time.clone()).prop_map(|(key, now)| Operation::Filed { key, now }),
        2 => (id.clone(), time.clone()).prop_map(|(id, end)| Operation::Touch { id, end }),
        1 => id.clone().prop_map(|id| Operation::Remove { id }),
        2 => (id, time.clone(), time.clone())
            .prop_map(|(key, until, now)| Operation::Claim { key, until, now }),
        1 => time.prop_map(|now| Operation::Sweep { now }),
    ]
}

#[derive(Default)]
struct Model {
    records: HashMap<u8, (u64, Vec<u8>, u64)>,
    filed: HashMap<u8, Vec<u8>>,
    claims: HashMap<u8, u64>,
}

impl Model {
    /// Does the operation on both and compares what they say.
    async fn follow(&mut self, store: &dyn SessionStore, operation: Operation) {
        match operation {
            Operation::Load { id: name, now } => {
                let found = self.records.get(&name).filter(|record| record.2 > now);
                let expected = found.cloned().map(stored);
                assert_eq!(store.load(id([name]), at(now)).await.unwrap(), expected);
            }
            Operation::Create { id: name, sealed, filed, end } => {
                let content = content(&sealed, &filed);
                let created = store.create(id([name]), content, at(end)).await;
                match self.records.entry(name) {
                    Entry::Occupied(_) => {
                        assert_eq!(created.unwrap_err().kind(), StoreErrorKind::IdInUse);
                    }
                    Entry::Vacant(free) => {
                        created.unwrap();
                        free.insert((1, sealed, end));
                        self.filed.insert(name, filed);
                    }
                }
            }
            Operation::Replace { id: name, stale, sealed, filed, end } => {
                let written = content(&sealed, &filed);
                let version = self.records.get(&name).map_or(1, |record| record.0) + stale;
                let expected = match self.records.get_mut(&name) {
                    None => Replaced::Gone,
                    Some(record) if record.0 != version => Replaced::Conflict,
                    Some(record) => {
                        *record = (version + 1, sealed, end.max(record.2));
                        self.filed.insert(name, filed);
                        Replaced::Done { version: version + 1 }
                    }
                };
                let replaced = store.replace(id([name]), version, written, at(end)).await;
                assert_eq!(replaced.unwrap(), expected);
            }
            Operation::Touch { id: name, end } => {
                store.touch(id([name]), at(end)).await.unwrap();
                if let Some(record) = self.records.get_mut(&name) {
                    record.2 = record.2.max(end);
                }
            }
            Operation::Remove { id: name } => {
                let expected = self.records.remove(&name).map(stored);
                assert_eq!(store.remove(id([name]), End::Logout).await.unwrap(), expected);
            }
            Operation::Filed { key: number, now } => {
                let is_found = |name: &u8, record: &(u64, Vec<u8>, u64)| {
                    record.2 > now && self.filed[name].contains(&number)
                };
                let expected = self.records.iter().filter(|(name, record)| is_found(name, record));
                let filed = |(name, record): (&u8, &(u64, Vec<u8>, u64))| Filed {
                    id: id([*name]),
                    card: record.1.clone(),
                    expires_at: at(record.2),
                };
                let mut expected: Vec<_> = expected.map(filed).collect();
                let mut found = store.filed(key(number), at(now)).await.unwrap();
                expected.sort_by_key(|it| it.id);
                found.sort_by_key(|it| it.id);
                assert_eq!(found, expected);
            }
            Operation::Claim { key, until, now } => {
                let held = self.claims.get(&key).is_some_and(|held| *held > now);
                let expected = !held && until > now;
                if expected {
                    self.claims.insert(key, until);
                }
                assert_eq!(store.claim(id([key]), at(until), at(now)).await.unwrap(), expected);
            }
            Operation::Sweep { now } => {
                let before = self.records.len() + self.claims.len();
                self.records.retain(|_, record| record.2 > now);
                self.claims.retain(|_, until| *until > now);
                let expected = before - self.records.len() - self.claims.len();
                assert_eq!(store.sweep(at(now)).await.unwrap(), expected);
            }
        }
    }
}

fn content(sealed: &[u8], filed: &[u8]) -> Content {
    let filed = filed.iter().copied().map(key).collect();
    Content { sealed: sealed.to_vec(), filed, card: sealed.to_vec() }
}

fn stored((version, sealed, end): (u64, Vec<u8>, u64)) -> StoredRecord {
    StoredRecord { version, sealed, expires_at: at(end) }
}

/// `cases` times, a new store and up to 80 operations.
pub(crate) fn behaves_as_the_model<S: SessionStore>(cases: u32, fresh: impl Fn() -> S) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut runner = TestRunner::new(ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let operations = prop::collection::vec(operation(), 1..80);
    runner
        .run(&operations, |operations| {
            let store = fresh();
            runtime.block_on(async {
                let mut model = Model::default();
                for operation in operations {
                    model.follow(&store, operation).await;
                }
            });
            Ok(())
        })
        .unwrap();
}
