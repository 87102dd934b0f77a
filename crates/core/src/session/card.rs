//! What a list of a user's sessions shows of each, without opening it.
//!
//! A record opens with its own cookie alone, and a list shows the sessions of other browsers. So each has
//! a card beside its record: sealed under the keyring alone, and bound to the record's id and its user. A
//! stolen store shows nothing of it; who has the keyring as well, and knows the user, reads devices and
//! addresses, and still no token. Who can write to the store shows nobody's card to somebody else.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use super::{Device, Record, RecordError, RecordId, UserKey};
use crate::{
    key::Keyring,
    random::Random,
    seal::{Purpose, SealContext},
    time::Timestamp,
};

/// What a list shows of a session, written whenever its record is.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// The name of the provider that the session came from.
    pub provider: String,
    /// When the session began.
    pub created_at: Timestamp,
    /// When its token set was received: its browser was there then.
    pub obtained_at: Timestamp,
    /// Where the login came from.
    #[serde(default, skip_serializing_if = "Device::is_unknown")]
    pub device: Device,
}

impl Card {
    /// What a list shows of `record`.
    pub fn of(record: &Record) -> Self {
        Self {
            provider: record.provider.clone(),
            created_at: record.created_at,
            obtained_at: record.tokens.obtained_at,
            device: record.device.clone(),
        }
    }

    /// Seals the card of the record `id`, a session of `user`.
    pub fn seal(
        &self,
        keyring: &Keyring,
        id: RecordId,
        user: &UserKey,
        random: &dyn Random,
    ) -> Vec<u8> {
        let plain = serde_json::to_vec(self).expect("a card has only text and numbers");
        keyring.seal(random, &context(&name(id, user)), &plain)
    }

    /// Opens what [`Card::seal`] made for the same record and user.
    ///
    /// # Errors
    /// Says only that it does not open, never why in detail.
    pub fn open(
        keyring: &Keyring,
        id: RecordId,
        user: &UserKey,
        sealed: &[u8],
    ) -> Result<Self, RecordError> {
        let plain =
            keyring.open(&context(&name(id, user)), sealed).map_err(|_| RecordError::Sealed)?;
        serde_json::from_slice(&plain).map_err(|_| RecordError::Version)
    }

    /// When the session was last seen, as far as its expiry tells: to a twentieth of the idle timeout
    /// ([`super::Timeouts::touch`]). In the last `idle` before its absolute end, the time of its last
    /// refresh, or the beginning of that span: it was seen then or later.
    ///
    /// `idle` is the idle timeout that is in force; where that was changed since the last use, the figure
    /// is off by the difference until the next use, and never in the future.
    pub fn last_seen(&self, expires_at: Timestamp, idle: Duration, now: Timestamp) -> Timestamp {
        expires_at.minus(idle).max(self.obtained_at).min(now)
    }
}

impl fmt::Debug for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Card")
            .field("provider", &self.provider)
            .field("created_at", &self.created_at)
            .field("obtained_at", &self.obtained_at)
            .finish_non_exhaustive()
    }
}

/// What the seal is bound to: the id has one length, and so has the issuer's before it.
fn name(id: RecordId, user: &UserKey) -> Vec<u8> {
    let issuer = (user.iss.len() as u64).to_be_bytes();
    [id.as_bytes(), &issuer[..], user.iss.as_bytes(), user.sub.as_bytes()].concat()
}

fn context(name: &[u8]) -> SealContext<'_> {
    SealContext { purpose: Purpose::SessionCard, name, secret: &[] }
}
