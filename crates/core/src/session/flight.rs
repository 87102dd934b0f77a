//! One flight of a session's refresh, as decisions: what a step came to, and which step is next.
//!
//! A flight reads the session, takes its lease in the store, spends the refresh token at the provider and
//! keeps what comes back. Many flights of one session may be under way, one on each gateway; the lease lets
//! one of them spend. Here is no I/O and no clock: who drives a flight takes each [`Step`] and answers it
//! with an [`Event`]. So the same decisions are driven by the gateway and searched through by the model in
//! `tests/refresh_model`, all interleavings of them.
//!
//! What makes it safe:
//!
//! 1. Taking a lease raises the record's version, so that whoever held it before can no longer write.
//! 2. A token is spent only within [`MARK_AGE`] of the moment at which [`Step::Mark`] was begun, and that
//!    holds the lease for [`MARK`]. Who was paused before the mark finds at the mark that it has lost.
//! 3. The lease of another is ended early only where its holder is known to be dead.
//! 4. What the provider says against a token counts only from who still holds the lease.
//! 5. A new token in hand is not let go while the record has the one that was spent for it.

#[cfg(test)]
mod tests;

use std::time::Duration;

use super::{End, Holder};

/// How long a lease lasts that is only just taken: enough to come to the mark.
pub const LEASE: Duration = Duration::from_secs(10);
/// How long it lasts from a mark on: nobody else spends the token within this.
pub const MARK: Duration = Duration::from_secs(60);
/// How old a mark may be, counted from before it was sent to the store, when the token is spent.
pub const MARK_AGE: Duration = Duration::from_secs(5);
/// How often the holder renews the mark while the provider is slow.
pub const RENEW_EVERY: Duration = Duration::from_secs(15);
/// The longest that who waits for another's flight goes without asking the store.
pub const POLL: Duration = Duration::from_secs(1);

/// What is known of a flight between two steps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flight {
    /// The lease is ours, as far as we know.
    leased: bool,
    /// Who held it before us vanished: what it spent may be lost.
    interrupted: bool,
    /// A lease of our own that an earlier flight left behind was ended already.
    retaken: bool,
    /// The provider gave new tokens, and they are not kept yet.
    in_hand: bool,
    /// The flight that we waited for gave up.
    given_up: bool,
    /// The session is to end, once it is sure that the lease is ours.
    verdict: Option<End>,
}

/// What to do next, and what answers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Read the session: [`Event::Found`].
    Read,
    /// Take the lease for [`LEASE`]: [`Event::Taken`], [`Event::Held`], [`Event::Found`] where it is gone.
    Lease {
        /// Whose lease counts as ended.
        over: Option<Holder>,
    },
    /// Ask whether that process is known to be dead: [`Event::Dead`], [`Event::Alive`].
    LookUp(Holder),
    /// Wait for word of the session, for [`POLL`] at most: [`Event::Woken`].
    Wait,
    /// Renew the lease for [`MARK`]: [`Event::Marked`].
    Mark,
    /// Spend the refresh token unless the mark is older than [`MARK_AGE`]; renew it every [`RENEW_EVERY`]
    /// beside: [`Event::Stale`], [`Event::Renewed`], [`Event::Refused`], [`Event::OtherUser`].
    Spend,
    /// Keep the new tokens: [`Event::Kept`], [`Event::Overtaken`], [`Event::Found`] where it is gone.
    Keep,
    /// Leave the store alone for a moment: [`Event::Rested`].
    Rest,
    /// End the session: [`Event::Ended`].
    End(End),
    /// The flight is over.
    Land {
        /// Whether a lease is to be released.
        release: bool,
        /// What came of it.
        landing: Landing,
    },
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// This is how the session stands.
    Found(Found),
    /// The lease is ours.
    Taken {
        /// How the session stands now.
        found: Found,
        /// Its last holder neither kept anything nor released it.
        interrupted: bool,
    },
    /// The lease is another's.
    Held {
        /// Whose.
        by: Holder,
        /// It is this very process's: an earlier flight's, or one that was taken without our hearing.
        by_us: bool,
    },
    /// That process is known to be dead.
    Dead(Holder),
    /// Nothing is known against it.
    Alive,
    /// Something became of the session, or the wait was long enough.
    Woken {
        /// The lease that was waited for ended without a successor.
        released: bool,
    },
    /// Whether the lease was still ours, and now is for [`MARK`].
    Marked(bool),
    /// The mark is too old to spend by; nothing was sent.
    Stale,
    /// The provider gave new tokens.
    Renewed,
    /// The provider no longer takes the refresh token.
    Refused,
    /// The provider answered with another user.
    OtherUser,
    /// They are kept.
    Kept,
    /// The lease was another's meanwhile; nothing was written.
    Overtaken,
    /// The moment is over.
    Rested,
    /// The session is removed.
    Ended,
    /// The store or the provider did not answer, or with a fault: what was asked may have happened.
    Failed,
    /// The driver's patience is at its end.
    OutOfPatience,
}

/// How a session stands, to a flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Found {
    /// Its tokens are good as they are; to who has spent its tokens: they are others by now.
    Fresh,
    /// Its tokens are to be replaced.
    Due,
    /// Its tokens are dead, and nothing is there to replace them by.
    Hopeless,
    /// There is none.
    Gone,
}

/// What came of a flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Landing {
    /// The tokens as last found are good.
    Fresh,
    /// The new tokens are kept.
    Renewed,
    /// The session was found to be over; new tokens in hand have no session any more.
    Gone,
    /// The flight ended the session.
    Ended(End),
    /// Nothing came of it, and the session lives on.
    Outage,
}

impl Flight {
    /// A flight and its first step.
    pub fn begin() -> (Self, Step) {
        (Self::default(), Step::Read)
    }

    /// The step after `event`, which answers the step before.
    pub fn on(&mut self, event: Event) -> Step {
        match event {
            Event::Found(found) => self.found(found),
            Event::Taken { found, interrupted } => {
                (self.leased, self.interrupted) = (true, interrupted);
                self.found(found)
            }
            Event::Held { by, by_us: true } if !self.retaken => {
                self.retaken = true;
                Step::Lease { over: Some(by) }
            }
            Event::Held { by, .. } => Step::LookUp(by),
            Event::Dead(holder) => Step::Lease { over: Some(holder) },
            Event::Alive => Step::Wait,
            Event::Woken { released } => {
                self.given_up = released;
                Step::Read
            }
            Event::Marked(true) => self.verdict.map_or(Step::Spend, Step::End),
            // Whoever has it now also judges: what the provider said was about a token that is not ours.
            Event::Marked(false) => {
                self.verdict = None;
                self.lost_lease()
            }
            Event::Stale => Step::Mark,
            Event::Renewed => {
                self.in_hand = true;
                Step::Keep
            }
            Event::Refused => {
                self.verdict = Some(if self.interrupted { End::Lost } else { End::Expired });
                Step::Mark
            }
            Event::OtherUser => {
                self.verdict = Some(End::Expired);
                Step::Mark
            }
            Event::Kept => {
                self.leased = false;
                self.land(Landing::Renewed)
            }
            Event::Overtaken => self.lost_lease(),
            Event::Rested if self.leased => Step::Keep,
            Event::Rested => Step::Read,
            Event::Ended => {
                self.leased = false;
                self.land(Landing::Ended(self.verdict.unwrap_or(End::Expired)))
            }
            Event::Failed if self.in_hand => Step::Rest,
            Event::Failed | Event::OutOfPatience => self.land(Landing::Outage),
        }
    }

    fn found(&self, found: Found) -> Step {
        match found {
            Found::Fresh => self.land(Landing::Fresh),
            Found::Gone => self.land(Landing::Gone),
            Found::Hopeless => Step::End(End::Expired),
            Found::Due if self.leased && self.in_hand => Step::Keep,
            Found::Due if self.leased => Step::Mark,
            // Its provider was asked a moment ago: to ask again at once would help nobody.
            Found::Due if self.given_up && !self.in_hand => self.land(Landing::Outage),
            Found::Due => Step::Lease { over: None },
        }
    }

    fn lost_lease(&mut self) -> Step {
        self.leased = false;
        Step::Read
    }

    fn land(&self, landing: Landing) -> Step {
        Step::Land { release: self.leased, landing }
    }
}
