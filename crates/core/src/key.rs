//! The keyring: the server's half of every seal.
//!
//! One key seals, all of them open (R28). A rotation puts a fresh key in the place of the one that
//! seals, which goes on opening what it sealed; so nobody is logged out. Where several gateways share
//! a keyring, a key that seals on one must open on all: it is added as [`Keyring::prepared`] first,
//! which every gateway learns before any of them seals with it.

mod rotation;
mod text;
mod weak;

#[cfg(test)]
mod tests;

use std::fmt;

use aws_lc_rs::digest;
use zeroize::Zeroizing;

use crate::{
    random::{self, Random},
    time::Timestamp,
};

pub use rotation::Rotated;
pub use text::KeyringError;

/// Bytes of one key.
pub const KEY_BYTES: usize = 32;

/// Which key sealed something: the first four bytes of the key's hash; opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyId(pub(crate) [u8; 4]);

/// One 256-bit key.
#[derive(Clone)]
pub struct Key {
    id: KeyId,
    bytes: Zeroizing<[u8; KEY_BYTES]>,
    /// When it began to seal, where that was noted.
    since: Option<Timestamp>,
}

impl Key {
    fn new(bytes: Zeroizing<[u8; KEY_BYTES]>) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(b"cloakroom key id v1\0");
        context.update(bytes.as_slice());
        let mut id = [0; 4];
        id.copy_from_slice(&context.finish().as_ref()[..4]);
        Self { id: KeyId(id), bytes, since: None }
    }

    /// A random one that [`Keyring::parse`] takes, and whose id none of `others` has.
    fn fresh<'k>(random: &dyn Random, others: impl Iterator<Item = &'k Self> + Clone) -> Self {
        loop {
            let key = Self::new(Zeroizing::new(random::bytes(random)));
            // Both by a chance that nobody lives to see, but a keyring that cannot be read is a loss.
            if !weak::is_weak(&key.bytes) && others.clone().all(|other| other.id != key.id) {
                return key;
            }
        }
    }

    /// The key's public name.
    pub fn id(&self) -> KeyId {
        self.id
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.as_slice()
    }
}

/// Keys in order: the newest seals, all of them open (R28).
#[derive(Clone)]
pub struct Keyring {
    newest: Key,
    /// Waits for its turn to seal.
    next: Option<Key>,
    /// From the younger to the older.
    older: Vec<Key>,
}

impl Keyring {
    /// A keyring of one fresh key.
    pub fn generate(random: &dyn Random) -> Self {
        let newest = Key::fresh(random, std::iter::empty());
        Self { newest, next: None, older: Vec::new() }
    }

    /// How many keys open: one at least.
    pub fn count(&self) -> usize {
        self.keys().count()
    }

    /// Whether `other` holds the same keys in the same order, so that to replace one by the other
    /// would change nothing.
    pub fn is_same(&self, other: &Self) -> bool {
        let next = |keyring: &Self| keyring.next.as_ref().map(Key::id);
        next(self) == next(other) && self.keys().map(Key::bytes).eq(other.keys().map(Key::bytes))
    }

    pub(crate) fn newest(&self) -> &Key {
        &self.newest
    }

    pub(crate) fn get(&self, id: KeyId) -> Option<&Key> {
        self.keys().find(|key| key.id == id)
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &Key> + Clone {
        std::iter::once(&self.newest).chain(&self.next).chain(&self.older)
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyring({} keys)", self.count())
    }
}
