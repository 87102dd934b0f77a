//! What is kept of a session, and how it is sealed.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Device, Ticket};
use crate::{
    key::Keyring,
    random::Random,
    seal::{Purpose, SealContext},
    secret::Token,
    time::Timestamp,
};

/// The tokens of one session at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenSet {
    /// Goes upstream as the bearer.
    pub access_token: Token,
    /// Spent at the provider for the next set; absent where the provider gives none.
    pub refresh_token: Option<Token>,
    /// The last ID Token, kept for the hint at logout (R47).
    pub id_token: Option<Token>,
    /// When the set was received.
    pub obtained_at: Timestamp,
    /// When the access token dies; unknown where neither `expires_in` nor `exp` said.
    pub expires_at: Option<Timestamp>,
}

/// Who the user is to the provider: `iss` and `sub` together, never `sub` alone (R10).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct UserKey {
    /// The issuer.
    pub iss: String,
    /// The subject within the issuer.
    pub sub: String,
}

/// A session as the store keeps it, sealed. Its `Debug` shows neither tokens nor who the user is.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The name of the provider that the tokens came from.
    pub provider: String,
    /// The user.
    pub user: UserKey,
    /// The provider's name for its own session (`sid`), where its ID Tokens have one: what it ends ours
    /// by (R49).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// The ID Token's claims about the user, without those of the protocol.
    pub claims: Map<String, Value>,
    /// The current tokens.
    pub tokens: TokenSet,
    /// When the session began.
    pub created_at: Timestamp,
    /// When it ends at the latest (R32).
    pub absolute_end: Timestamp,
    /// Where its login came from, where sessions are listed.
    #[serde(default, skip_serializing_if = "Device::is_unknown")]
    pub device: Device,
}

/// Why a stored record is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// It does not open: another cookie's, changed, or sealed under a key no longer in the keyring.
    #[error("the record does not open with this cookie and keyring")]
    Sealed,
    /// It opens but is not a record of this version.
    #[error("the record is of another version")]
    Version,
}

impl Record {
    /// Seals the record for the store under the keyring and the ticket's secret half.
    pub fn seal(&self, keyring: &Keyring, ticket: &Ticket, random: &dyn Random) -> Vec<u8> {
        let plain = zeroize::Zeroizing::new(
            serde_json::to_vec(self).expect("a record has only text keys and finite numbers"),
        );
        keyring.seal(random, &context(ticket, ticket.record_id().as_bytes()), &plain)
    }

    /// Opens what [`Record::seal`] made.
    ///
    /// # Errors
    /// Says only that it does not open, never why in detail.
    pub fn open(keyring: &Keyring, ticket: &Ticket, sealed: &[u8]) -> Result<Self, RecordError> {
        let plain = keyring
            .open(&context(ticket, ticket.record_id().as_bytes()), sealed)
            .map_err(|_| RecordError::Sealed)?;
        serde_json::from_slice(&plain).map_err(|_| RecordError::Version)
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("provider", &self.provider)
            .field("tokens", &self.tokens)
            .field("created_at", &self.created_at)
            .field("absolute_end", &self.absolute_end)
            .finish_non_exhaustive()
    }
}

fn context<'a>(ticket: &'a Ticket, id: &'a [u8]) -> SealContext<'a> {
    SealContext { purpose: Purpose::SessionRecord, name: id, secret: ticket.secret() }
}
