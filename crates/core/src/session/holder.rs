//! Who holds a lease.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::random::{self, Random};

/// One running process, among those that share a store: random, another one at each start.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Holder([u8; 16]);

impl Holder {
    /// A new one.
    pub fn generate(random: &dyn Random) -> Self {
        Self(random::bytes(random))
    }

    /// As a store keeps it.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// As a store keeps it.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Holder({})", URL_SAFE_NO_PAD.encode(&self.0[..6]))
    }
}
