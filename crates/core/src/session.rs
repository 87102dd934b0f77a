//! Sessions: ids, tickets, records, timeouts, freshness.
//!
//! The cookie holds a [`Ticket`]: a random id and the secret half of the key. The store holds, under
//! the id's hash, a [`Record`] sealed with a key that needs both the keyring and that secret half, so
//! that a stolen store, a stolen keyring or both open nothing without the cookie (R28, R30).
//!
//! Where there is no store, the cookies hold a [`SealedSession`], for which the keyring alone is the key.

mod card;
mod device;
mod end;
pub mod flight;
mod freshness;
mod holder;
mod index;
mod record;
mod sealed;
mod ticket;
mod timeouts;

#[cfg(test)]
mod tests;

pub use card::Card;
pub use device::Device;
pub use end::End;
pub use freshness::{Freshness, refresh_margin};
pub use holder::Holder;
pub use index::{IndexKey, ProviderSession};
pub use record::{Record, RecordError, TokenSet, UserKey};
pub use sealed::{Beside, OpenFault, SealedSession, TooLarge, access_token_id};
pub use ticket::{RecordId, Ticket};
pub use timeouts::Timeouts;
