//! Tokens that were believed before, so that one which comes with every request costs a hash and a
//! look-up instead of a signature.

use std::{
    collections::HashMap,
    fmt, mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use aws_lc_rs::digest;
use serde_json::{Map, Value};

use super::{Expectation, JwtError, KeySet, MAX_TOKEN_BYTES, VerifiedClaims, verify};
use crate::time::Timestamp;

/// What the remembered claims take at most, in bytes of memory, roughly counted: 16 MiB.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// Locks of their own, so that requests seldom wait for each other.
const SHARDS: usize = 16;

/// The good tokens of late, by a hash of the token, the key set and the expectation; the tokens
/// themselves are not kept.
///
/// Nothing is remembered of a token that was refused. A changed key set asks for every signature again.
/// The memory is bounded; what was not asked for of late goes first.
pub struct VerifiedTokens {
    shards: [Mutex<Shard>; SHARDS],
    /// For each of a shard's two generations.
    max_bytes: usize,
}

impl VerifiedTokens {
    /// As [`verify`], with the very same answer, for the times are judged at every call (R57).
    ///
    /// # Errors
    /// As [`verify`].
    pub fn verify(
        &self,
        token: &str,
        keys: &KeySet,
        expect: &Expectation<'_>,
        now: Timestamp,
    ) -> Result<Arc<VerifiedClaims>, JwtError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(JwtError::TooLong);
        }
        let id = identify(token, keys, expect);
        // What makes room is dropped after the lock.
        let (known, _forgotten) = self.shard(&id).find(&id, self.max_bytes);
        if let Some(claims) = known {
            let verdict = claims.times.judge(expect.leeway, now);
            if verdict == Err(JwtError::Expired) {
                self.shard(&id).remove(&id);
            }
            return verdict.map(|()| claims);
        }
        let claims = Arc::new(verify(token, keys, expect, now)?);
        let entry = Entry { bytes: weigh(&claims), claims: Arc::clone(&claims) };
        let _forgotten = self.shard(&id).insert(id, entry, self.max_bytes);
        Ok(claims)
    }

    pub(super) fn bounded(max_bytes: usize) -> Self {
        Self { shards: Default::default(), max_bytes: max_bytes / SHARDS / 2 }
    }

    /// What is kept now, counted one by one.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        let count = |shard: &Mutex<Shard>| -> usize {
            let shard = shard.lock().unwrap();
            let young: usize = shard.young.values().map(|entry| entry.bytes).sum();
            assert_eq!(young, shard.young_bytes);
            young + shard.old.values().map(|entry| entry.bytes).sum::<usize>()
        };
        self.shards.iter().map(count).sum()
    }

    fn shard(&self, id: &Id) -> MutexGuard<'_, Shard> {
        let shard = &self.shards[usize::from(id[0]) % SHARDS];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for VerifiedTokens {
    fn default() -> Self {
        Self::bounded(MAX_BYTES)
    }
}

/// The claims are about people: `Debug` shows none of them.
impl fmt::Debug for VerifiedTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedTokens").finish_non_exhaustive()
    }
}

type Id = [u8; digest::SHA256_OUTPUT_LEN];

type Generation = HashMap<Id, Entry>;

/// Two generations: when the young one is full, it becomes the old one, and the old one goes. What is
/// asked for in the old one moves to the young one, so that it stays.
#[derive(Default)]
struct Shard {
    young: Generation,
    old: Generation,
    young_bytes: usize,
}

struct Entry {
    bytes: usize,
    claims: Arc<VerifiedClaims>,
}

impl Shard {
    /// And what is forgotten for it.
    fn find(&mut self, id: &Id, max_bytes: usize) -> (Option<Arc<VerifiedClaims>>, Generation) {
        if let Some(entry) = self.young.get(id) {
            return (Some(Arc::clone(&entry.claims)), Generation::new());
        }
        let Some(entry) = self.old.remove(id) else { return (None, Generation::new()) };
        let claims = Arc::clone(&entry.claims);
        (Some(claims), self.insert(*id, entry, max_bytes))
    }

    /// Gives back what is forgotten for it.
    fn insert(&mut self, id: Id, entry: Entry, max_bytes: usize) -> Generation {
        if entry.bytes > max_bytes {
            return Generation::new();
        }
        let full = self.young_bytes + entry.bytes > max_bytes;
        let forgotten = if full {
            self.young_bytes = 0;
            mem::replace(&mut self.old, mem::take(&mut self.young))
        } else {
            Generation::new()
        };
        self.young_bytes += entry.bytes;
        if let Some(twin) = self.young.insert(id, entry) {
            self.young_bytes -= twin.bytes;
        }
        forgotten
    }

    fn remove(&mut self, id: &Id) {
        if let Some(entry) = self.young.remove(id) {
            self.young_bytes -= entry.bytes;
        }
        self.old.remove(id);
    }
}

/// The answer depends on these three and on the time, and on nothing else.
fn identify(token: &str, keys: &KeySet, expect: &Expectation<'_>) -> Id {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(&keys.fingerprint());
    expect.identify(&mut |part| {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    });
    context.update(token.as_bytes());
    let mut id = [0; digest::SHA256_OUTPUT_LEN];
    id.copy_from_slice(context.finish().as_ref());
    id
}

/// Bytes of memory, roughly: with what maps and lists keep free.
fn weigh(claims: &VerifiedClaims) -> usize {
    const MEMBER: usize = 3 * size_of::<(usize, String, Value)>() / 2;
    const ENTRY: usize = 2 * (size_of::<(Id, Entry)>() + size_of::<VerifiedClaims>());
    fn members(members: &Map<String, Value>) -> usize {
        let member = |(name, value): (&String, &Value)| MEMBER + name.capacity() + heap(value);
        members.iter().map(member).sum()
    }
    fn heap(value: &Value) -> usize {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
            Value::String(text) => text.capacity(),
            Value::Array(values) => {
                values.capacity() * size_of::<Value>() + values.iter().map(heap).sum::<usize>()
            }
            Value::Object(inner) => members(inner),
        }
    }
    ENTRY + members(&claims.claims)
}
