//! Under what a store files a session, so that all of one user's, and of one provider's session, are found.

use std::fmt;

use aws_lc_rs::{
    hkdf,
    hmac::{self, HMAC_SHA256},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{Record, UserKey};
use crate::key::{Key, Keyring};

/// What sessions are filed under: a MAC under a key that is derived from the keyring.
///
/// A store alone tells by it which sessions belong together, not to whom. With the keyring as well, a
/// guess of a user can be tried; it still opens nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IndexKey([u8; 32]);

impl IndexKey {
    /// As a store keeps it.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// As a store keeps it.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// HMAC-SHA-256 over the parts, each with its length before it, so that no two lists of parts give
    /// the same bytes. `label` says what is indexed.
    fn new(key: &Key, label: &[u8], parts: [&str; 2]) -> Self {
        let key: hmac::Key = hkdf::Salt::new(hkdf::HKDF_SHA256, b"")
            .extract(key.bytes())
            .expand(&[label], HMAC_SHA256)
            .expect("a 32-byte key is within HKDF's limit")
            .into();
        let mut context = hmac::Context::with_key(&key);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        let mut out = [0; 32];
        out.copy_from_slice(context.sign().as_ref());
        Self(out)
    }
}

impl UserKey {
    /// What a session of this user is filed under when it is sealed now; `None` where nobody said whose
    /// it is.
    ///
    /// File it anew whenever the record is sealed anew: so what it is filed under and what opens it are
    /// of one key, and leave the keyring together.
    pub fn index_key(&self, keyring: &Keyring) -> Option<IndexKey> {
        (!self.sub.is_empty()).then(|| self.index_key_under(keyring.newest()))
    }

    /// Everything that sessions of this user may be filed under: one for each key of the keyring, that of
    /// the newest last.
    ///
    /// Look in this order: a session that is filed anew meanwhile, from an older key to the newest, is in
    /// one of two looks at least.
    pub fn index_keys(&self, keyring: &Keyring) -> Vec<IndexKey> {
        match self.sub.is_empty() {
            true => Vec::new(),
            false => oldest_first(keyring, |key| self.index_key_under(key)),
        }
    }

    fn index_key_under(&self, key: &Key) -> IndexKey {
        IndexKey::new(key, b"cloakroom user index v1", [&self.iss, &self.sub])
    }
}

/// A session at the provider, `iss` and `sid` together (OpenID Connect Back-Channel Logout §2.1): what a
/// browser, and with some providers several clients, have there. Several sessions of ours may be of one.
#[derive(Clone, PartialEq, Eq)]
pub struct ProviderSession {
    /// The issuer.
    pub iss: String,
    /// The issuer's name for the session.
    pub sid: String,
}

impl ProviderSession {
    /// As [`UserKey::index_key`].
    pub fn index_key(&self, keyring: &Keyring) -> IndexKey {
        self.index_key_under(keyring.newest())
    }

    /// As [`UserKey::index_keys`].
    pub fn index_keys(&self, keyring: &Keyring) -> Vec<IndexKey> {
        oldest_first(keyring, |key| self.index_key_under(key))
    }

    fn index_key_under(&self, key: &Key) -> IndexKey {
        IndexKey::new(key, b"cloakroom provider session index v1", [&self.iss, &self.sid])
    }
}

impl Record {
    /// The provider's session that it came of, where the provider named one.
    pub fn provider_session(&self) -> Option<ProviderSession> {
        let sid = self.sid.clone()?;
        Some(ProviderSession { iss: self.user.iss.clone(), sid })
    }

    /// All that the session is filed under when it is sealed now: its user and its provider's session.
    pub fn index_keys(&self, keyring: &Keyring) -> Vec<IndexKey> {
        let user = self.user.index_key(keyring);
        let at_provider = self.provider_session().map(|session| session.index_key(keyring));
        user.into_iter().chain(at_provider).collect()
    }
}

fn oldest_first(keyring: &Keyring, index: impl Fn(&Key) -> IndexKey) -> Vec<IndexKey> {
    let mut keys: Vec<_> = keyring.keys().map(index).collect();
    keys.reverse();
    keys
}

/// A name of somebody's session: it opens nothing, and still belongs in no log.
impl fmt::Debug for ProviderSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderSession").field("iss", &self.iss).finish_non_exhaustive()
    }
}

impl fmt::Debug for IndexKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IndexKey({})", URL_SAFE_NO_PAD.encode(&self.0[..12]))
    }
}
