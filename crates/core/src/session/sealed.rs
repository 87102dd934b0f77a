//! A whole session in the browser's cookies, sealed.

#[cfg(test)]
mod tests;

use std::fmt;

use base64::{Engine, encoded_len, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Record, RecordId, Ticket};
use crate::{
    cookie::{
        CookieName,
        chunks::{self, Joined},
    },
    key::Keyring,
    random::Random,
    seal::{self, Purpose, SealContext},
    secret::Token,
    time::Timestamp,
};

/// A session that no store keeps: the cookies hold all of it.
///
/// It is one sealed message, bound to the cookie's name and to the number of its chunks; the generation
/// is inside (R28, R29). It opens under the keyring alone: whoever has keyring and cookie has the tokens.
#[derive(Clone)]
pub struct SealedSession {
    /// The session's id; its secret half seals nothing here.
    pub ticket: Ticket,
    /// The session.
    pub record: Record,
    /// Counts the token sets of the session from 1.
    pub generation: u64,
    /// When it ends if no request comes (R32).
    pub expires_at: Timestamp,
    /// The access token's cookie, where it has one of its own: the record's token is empty then.
    pub beside: Option<Beside>,
}

/// What a sealed session knows of the cookie that its access token is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beside {
    /// The hash of that token ([`access_token_id`]).
    pub token: RecordId,
    /// The name that the session has by that token ([`crate::jwt::peek_session_name`]).
    pub name: RecordId,
}

/// The hash by which an access token is remembered; it opens nothing.
pub fn access_token_id(token: &str) -> RecordId {
    RecordId::hash(b"cloakroom access token v1", token.as_bytes())
}

/// It takes more than the cookies hold (R23).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the sealed session has {needed} bytes and {room} fit into its cookies")]
pub struct TooLarge {
    /// Bytes of the cookies' values.
    pub needed: usize,
    /// Bytes that fit.
    pub room: usize,
}

#[derive(Serialize, Deserialize)]
struct Plain<R> {
    id: Token,
    generation: u64,
    expires_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    beside: Option<Beside>,
    record: R,
}

impl SealedSession {
    /// The value for the cookies of `name`, to be set with [`chunks::set_chunked`].
    ///
    /// # Errors
    /// When it does not fit.
    pub fn seal(
        &self,
        name: &CookieName,
        keyring: &Keyring,
        random: &dyn Random,
    ) -> Result<Token, TooLarge> {
        let plain = Plain {
            id: Token::new(self.ticket.encode().as_str()),
            generation: self.generation,
            expires_at: self.expires_at,
            beside: self.beside,
            record: &self.record,
        };
        let plain = Zeroizing::new(
            serde_json::to_vec(&plain).expect("a record has only text keys and finite numbers"),
        );
        let needed = encoded_len(plain.len() + seal::OVERHEAD, false).unwrap_or(usize::MAX);
        let count = chunks::count(name, needed)
            .ok_or_else(|| TooLarge { needed, room: chunks::longest(name) })?;
        let sealed = keyring.seal(random, &context(&bound(name, count)), &plain);
        Ok(Token::new(URL_SAFE_NO_PAD.encode(sealed)))
    }

    /// The session in a request's cookies; `Ok(None)` where there is no chunk of one.
    ///
    /// # Errors
    /// When the chunks make none: the whole session is invalid then. The text says why, for the log.
    pub fn open(
        joined: &Joined,
        name: &CookieName,
        keyring: &Keyring,
    ) -> Result<Option<Self>, OpenFault> {
        let value = match joined {
            Joined::Absent => return Ok(None),
            Joined::Broken(fault) => return Err(OpenFault::Chunks(*fault)),
            Joined::Whole(value) => value,
        };
        let count = chunks::count(name, value.expose().len()).ok_or(OpenFault::Sealed)?;
        let sealed = URL_SAFE_NO_PAD.decode(value.expose()).map_err(|_| OpenFault::Sealed)?;
        let plain =
            keyring.open(&context(&bound(name, count)), &sealed).map_err(|_| OpenFault::Sealed)?;
        let plain: Plain<Record> =
            serde_json::from_slice(&plain).map_err(|_| OpenFault::Version)?;
        let ticket = Ticket::decode(plain.id.expose().as_bytes()).ok_or(OpenFault::Version)?;
        let Plain { generation, expires_at, beside, record, .. } = plain;
        Ok(Some(Self { ticket, record, generation, expires_at, beside }))
    }
}

/// Why cookies make no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenFault {
    /// The chunks are not those of one value.
    #[error(transparent)]
    Chunks(chunks::ChunkFault),
    /// It does not open: changed, put together from several, another cookie's, or sealed under a key
    /// no longer in the keyring.
    #[error("the cookies do not open with this keyring")]
    Sealed,
    /// It opens but is not a session of this version.
    #[error("the session is of another version")]
    Version,
}

impl fmt::Debug for SealedSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedSession")
            .field("ticket", &self.ticket)
            .field("record", &self.record)
            .field("generation", &self.generation)
            .field("expires_at", &self.expires_at)
            .field("beside", &self.beside)
            .finish()
    }
}

/// What the seal is bound to: a name has no slash, so that no two bindings are one.
fn bound(name: &CookieName, count: usize) -> String {
    format!("{name}/{count}")
}

fn context(bound: &str) -> SealContext<'_> {
    SealContext { purpose: Purpose::SessionCookie, name: bound.as_bytes(), secret: &[] }
}
