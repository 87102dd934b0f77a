//! The keyring: the server's half of every seal.

#[cfg(test)]
mod tests;

use std::fmt;

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use crate::random::{self, Random};

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
}

impl Key {
    fn new(bytes: Zeroizing<[u8; KEY_BYTES]>) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(b"cloakroom key id v1\0");
        context.update(bytes.as_slice());
        let mut id = [0; 4];
        id.copy_from_slice(&context.finish().as_ref()[..4]);
        Self { id: KeyId(id), bytes }
    }

    /// The key's public name.
    pub fn id(&self) -> KeyId {
        self.id
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.as_slice()
    }
}

/// Keys in order, the newest first: it seals, all of them open (R28).
#[derive(Clone)]
pub struct Keyring {
    newest: Key,
    older: Vec<Key>,
}

/// Why a keyring's text cannot be used. Lines count from 1; the key itself is never named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// There is no key in it.
    #[error("the keyring holds no key")]
    Empty,
    /// The line is not 32 bytes in unpadded base64url (43 characters).
    #[error("line {0} of the keyring is not a 32-byte key in base64url (43 characters)")]
    BadKey(usize),
    /// The line repeats one byte or few: not a random key.
    #[error("the key in line {0} of the keyring is not random")]
    Weak(usize),
    /// The line repeats an earlier key.
    #[error("line {0} of the keyring repeats an earlier key")]
    Repeated(usize),
}

impl Keyring {
    /// A keyring of one fresh key.
    pub fn generate(random: &dyn Random) -> Self {
        Self { newest: Key::new(Zeroizing::new(random::bytes(random))), older: Vec::new() }
    }

    /// Reads one key a line, the newest first; empty lines and lines that begin with `#` are skipped.
    ///
    /// # Errors
    /// Names the first line that is not a key.
    pub fn parse(text: &str) -> Result<Self, KeyringError> {
        let mut keys: Vec<Key> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let mut bytes = Zeroizing::new([0; KEY_BYTES]);
            match URL_SAFE_NO_PAD.decode_slice(line, bytes.as_mut_slice()) {
                Ok(KEY_BYTES) => {}
                _ => return Err(KeyringError::BadKey(index + 1)),
            }
            if is_weak(&bytes) {
                return Err(KeyringError::Weak(index + 1));
            }
            let key = Key::new(bytes);
            if keys.iter().any(|known| known.id == key.id) {
                return Err(KeyringError::Repeated(index + 1));
            }
            keys.push(key);
        }
        let mut keys = keys.into_iter();
        let newest = keys.next().ok_or(KeyringError::Empty)?;
        Ok(Self { newest, older: keys.collect() })
    }

    /// The text that [`Keyring::parse`] reads.
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::from(
            "# Cloakroom's keyring: one key a line, the newest first. Keep it secret.\n",
        ));
        for key in std::iter::once(&self.newest).chain(&self.older) {
            text.push_str(&Zeroizing::new(URL_SAFE_NO_PAD.encode(key.bytes())));
            text.push('\n');
        }
        text
    }

    pub(crate) fn newest(&self) -> &Key {
        &self.newest
    }

    pub(crate) fn get(&self, id: KeyId) -> Option<&Key> {
        std::iter::once(&self.newest).chain(&self.older).find(|key| key.id == id)
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyring({} keys)", 1 + self.older.len())
    }
}

/// A random key of 32 bytes has fewer than 9 distinct values with a chance below 2⁻¹¹¹.
fn is_weak(bytes: &[u8; KEY_BYTES]) -> bool {
    let mut seen = [false; 256];
    for byte in bytes {
        seen[usize::from(*byte)] = true;
    }
    seen.iter().filter(|seen| **seen).count() < 9
}
