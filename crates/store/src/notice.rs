//! What a store tells everybody who shares it.

use cloakroom_core::session::{End, RecordId};
use tokio::sync::broadcast;

/// A listener that is this many notices behind has missed some.
const BACKLOG: usize = 4096;

/// Something that happened to a record, by whichever process: who did it is told as well.
///
/// Not told: what expires, and what is swept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// It was replaced.
    Replaced {
        /// The record.
        id: RecordId,
        /// The version that was written.
        version: u64,
    },
    /// A lease ended without a new record.
    Released {
        /// The record.
        id: RecordId,
    },
    /// It was removed.
    Ended {
        /// The record.
        id: RecordId,
        /// Why.
        end: End,
    },
    /// Some were not heard: the store was out of reach, or the listener too slow. Anything may have
    /// happened.
    Missed,
}

/// Where a store's notices come from; the store keeps one and gives out [`Notices`].
#[derive(Clone, Debug)]
pub struct NoticeSender(broadcast::Sender<Notice>);

/// The notices of one store from the moment on at which it was asked for them.
#[derive(Debug)]
pub struct Notices(Option<broadcast::Receiver<Notice>>);

impl Default for NoticeSender {
    fn default() -> Self {
        Self(broadcast::Sender::new(BACKLOG))
    }
}

impl NoticeSender {
    /// Tells everybody who listens.
    pub fn send(&self, notice: Notice) {
        // Nobody may be listening.
        let _ = self.0.send(notice);
    }

    /// A new listener.
    pub fn listen(&self) -> Notices {
        Notices(Some(self.0.subscribe()))
    }
}

impl Notices {
    /// Waits for the next one; for ever once the store is gone.
    ///
    /// Nothing is lost where the future is dropped.
    pub async fn next(&mut self) -> Notice {
        if let Some(receiver) = &mut self.0 {
            match receiver.recv().await {
                Ok(notice) => return notice,
                Err(broadcast::error::RecvError::Lagged(_)) => return Notice::Missed,
                Err(broadcast::error::RecvError::Closed) => self.0 = None,
            }
        }
        std::future::pending().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(number: usize) -> Notice {
        let id = RecordId::hash(b"test", &number.to_be_bytes());
        Notice::Released { id }
    }

    #[tokio::test]
    async fn who_is_too_slow_is_told_that_something_is_missing() {
        let sender = NoticeSender::default();
        let mut notices = sender.listen();
        sender.send(notice(0));
        assert_eq!(notices.next().await, notice(0));
        for number in 0..=BACKLOG {
            sender.send(notice(number));
        }
        assert_eq!(notices.next().await, Notice::Missed);
        assert_eq!(notices.next().await, notice(1));
    }
}
