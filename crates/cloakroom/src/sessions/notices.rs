//! What the store tells of its records, to the flights.
//!
//! A store tells all that share it, the one who did it too: in mode `server` there is one way to hear of
//! something, wherever it happened.

use cloakroom_store::{Notice, Notices};

use super::flights::Flights;

/// Passes on what is heard, for as long as it is polled.
pub(super) async fn hear(mut notices: Notices, flights: Flights) {
    loop {
        match notices.next().await {
            Notice::Replaced { id, .. } => flights.tell(id, |_| {}),
            Notice::Released { id } => flights.tell(id, |word| word.releases += 1),
            Notice::Ended { id, end } => flights.note_end(id, end),
            Notice::Missed => flights.tell_all(),
        }
    }
}
