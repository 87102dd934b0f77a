//! What the cookie holds and what the store knows of it.

use std::fmt;

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::random::{self, Random};

const ID_BYTES: usize = 16;
const SECRET_BYTES: usize = 32;

/// The session cookie's content in mode `server`: 128 random bits of id and 256 of key (R30).
#[derive(Clone)]
pub struct Ticket(Zeroizing<[u8; ID_BYTES + SECRET_BYTES]>);

impl Ticket {
    /// A new ticket; an id that a client brings is never adopted (R31).
    pub fn generate(random: &dyn Random) -> Self {
        Self(Zeroizing::new(random::bytes(random)))
    }

    /// Reads a cookie's value: unpadded canonical base64url of 48 bytes, nothing else (R26).
    pub fn decode(value: &[u8]) -> Option<Self> {
        let mut bytes = Zeroizing::new([0; ID_BYTES + SECRET_BYTES]);
        let length = URL_SAFE_NO_PAD.decode_slice(value, bytes.as_mut_slice()).ok()?;
        (length == bytes.len()).then_some(Self(bytes))
    }

    /// The cookie's value: 64 characters of base64url.
    pub fn encode(&self) -> Zeroizing<String> {
        Zeroizing::new(URL_SAFE_NO_PAD.encode(self.0.as_slice()))
    }

    /// The name under which the store keeps the record: the hash of the id alone.
    pub fn record_id(&self) -> RecordId {
        RecordId::hash(b"cloakroom session v1", &self.0[..ID_BYTES])
    }

    /// The half of the record's key that only the browser keeps.
    pub fn secret(&self) -> &[u8] {
        &self.0[ID_BYTES..]
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ticket({})", self.record_id().handle())
    }
}

/// The hash under which a store keeps something; it opens nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecordId([u8; 32]);

impl RecordId {
    /// As a store keeps it.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// SHA-256 over `label`, a zero byte and `id`.
    pub fn hash(label: &[u8], id: &[u8]) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(label);
        context.update(&[0]);
        context.update(id);
        let mut out = [0; 32];
        out.copy_from_slice(context.finish().as_ref());
        Self(out)
    }

    /// The hash as a store's key.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// A short name of the session for logs and for the page (`sid`): 96 bits of the hash (R72).
    pub fn handle(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.0[..12])
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordId({})", self.handle())
    }
}
