//! Sealing: authenticated encryption of what leaves the process.
//!
//! A sealed value is `version (1) ‖ key id (4) ‖ salt (32) ‖ ciphertext ‖ tag (16)`. Each message has
//! a key of its own, HKDF-SHA-256 over the keyring's key and, where there is one, the secret half in
//! the cookie, with the salt; so the AES-256-GCM nonce is fixed and can never repeat under one key.
//! Purpose and name are bound as associated data (R28): what was sealed as one thing never opens as
//! another.

#[cfg(test)]
mod tests;

use std::fmt;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    hkdf,
};
use zeroize::Zeroizing;

use crate::{
    key::{Key, KeyId, Keyring},
    random::{self, Random},
};

const VERSION: u8 = 1;
const SALT: usize = 32;
const HEAD: usize = 1 + 4 + SALT;
const TAG: usize = 16;

/// Bytes that sealing adds.
pub const OVERHEAD: usize = HEAD + TAG;

/// What a sealed value is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A session's record in the store.
    SessionRecord,
    /// What a list of sessions shows of one, beside its record in the store.
    SessionCard,
    /// A whole session, in the browser's cookies.
    SessionCookie,
    /// A login under way, in its transaction cookie (R21).
    LoginTransaction,
    /// A logout under way, in the one-time link to the provider (R40, R47).
    LogoutTicket,
}

impl Purpose {
    fn label(self) -> &'static [u8] {
        match self {
            Self::SessionRecord => b"session record",
            Self::SessionCard => b"session card",
            Self::SessionCookie => b"session cookie",
            Self::LoginTransaction => b"login transaction",
            Self::LogoutTicket => b"logout ticket",
        }
    }
}

/// What a sealed value is bound to: it opens only with the same three.
#[derive(Clone, Copy)]
pub struct SealContext<'a> {
    /// What it is for.
    pub purpose: Purpose,
    /// The cookie's name or the record's id.
    pub name: &'a [u8],
    /// The half of the key that the server does not keep; empty where the server alone may open.
    pub secret: &'a [u8],
}

/// It does not open; why is nobody's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the sealed value does not open")]
pub struct OpenError;

impl Keyring {
    /// Seals `plain` under the newest key.
    pub fn seal(&self, random: &dyn Random, context: &SealContext<'_>, plain: &[u8]) -> Vec<u8> {
        let key = self.newest();
        let salt: [u8; SALT] = random::bytes(random);
        let mut out = Vec::with_capacity(plain.len() + OVERHEAD);
        out.push(VERSION);
        out.extend_from_slice(&key.id().0);
        out.extend_from_slice(&salt);
        let aad = associated_data(&out[..5], context);
        out.extend_from_slice(plain);
        let tag = message_key(key, &salt, context)
            .seal_in_place_separate_tag(nonce(), Aad::from(&aad), &mut out[HEAD..])
            .expect("AES-GCM seals any message that fits in memory");
        out.extend_from_slice(tag.as_ref());
        out
    }

    /// Opens `sealed` under whichever key of the keyring sealed it.
    ///
    /// # Errors
    /// [`OpenError`] for everything: unknown key, other context, changed or cut bytes.
    pub fn open(
        &self,
        context: &SealContext<'_>,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let (head, body) = sealed.split_at_checked(HEAD).ok_or(OpenError)?;
        let (version_and_id, salt) = head.split_at(5);
        let [VERSION, id @ ..] = version_and_id else { return Err(OpenError) };
        let key = self.get(KeyId(id.try_into().map_err(|_| OpenError)?)).ok_or(OpenError)?;
        let aad = associated_data(version_and_id, context);
        let mut plain = Zeroizing::new(body.to_vec());
        let length = message_key(key, salt, context)
            .open_in_place(nonce(), Aad::from(&aad), &mut plain)
            .map_err(|_| OpenError)?
            .len();
        plain.truncate(length);
        Ok(plain)
    }
}

/// Fixed: the key is used for one message only.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}

fn message_key(key: &Key, salt: &[u8], context: &SealContext<'_>) -> LessSafeKey {
    let mut material = Zeroizing::new(Vec::with_capacity(64));
    material.extend_from_slice(key.bytes());
    material.extend_from_slice(context.secret);
    let derived: UnboundKey = hkdf::Salt::new(hkdf::HKDF_SHA256, salt)
        .extract(&material)
        .expand(&[b"cloakroom seal v1", context.purpose.label()], &AES_256_GCM)
        .expect("a 32-byte key is within HKDF's limit")
        .into();
    LessSafeKey::new(derived)
}

/// Each part with its length before it, so that no two contexts give the same bytes.
fn associated_data(version_and_id: &[u8], context: &SealContext<'_>) -> Vec<u8> {
    let parts = [version_and_id, context.purpose.label(), context.name];
    let mut out = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
    for part in parts {
        out.extend_from_slice(&(part.len() as u64).to_be_bytes());
        out.extend_from_slice(part);
    }
    out
}

impl fmt::Debug for SealContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealContext").field("purpose", &self.purpose).finish_non_exhaustive()
    }
}
