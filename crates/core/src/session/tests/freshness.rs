//! R15: when a token is used, refreshed beside, refreshed first.

use std::time::Duration;

use proptest::prelude::*;

use crate::{
    secret::Token,
    session::{Freshness, RecordId, TokenSet, refresh_margin},
    time::Timestamp,
};

const OBTAINED: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);
const MILLI: Duration = Duration::from_millis(1);

fn tokens(lifetime: Option<Duration>) -> TokenSet {
    TokenSet {
        access_token: Token::new("access"),
        refresh_token: None,
        id_token: None,
        obtained_at: OBTAINED,
        expires_at: lifetime.map(|lifetime| OBTAINED.plus(lifetime)),
    }
}

/// Some id whose hash ends in `last`, which is what spreads the due points.
fn id_ending_in(last: u8) -> RecordId {
    (0_u32..)
        .map(|number| RecordId::hash(b"test", &number.to_be_bytes()))
        .find(|id| id.as_bytes()[31] == last)
        .unwrap()
}

#[test]
fn the_margin_is_a_tenth_and_at_most_a_minute() {
    for (lifetime, margin) in [
        (0, 0),
        (10, 1_000),
        (300, 30_000),
        (599, 59_900),
        (600, 60_000),
        (601, 60_000),
        (3600, 60_000),
        (u64::MAX / 1000, 60_000),
    ] {
        let found = refresh_margin(Duration::from_secs(lifetime));
        assert_eq!(found, Duration::from_millis(margin), "{lifetime}");
    }
}

/// (lifetime, last byte of the id, due this long before expiry, expired this long before it), in ms.
#[test]
fn r15_the_edges_are_exact() {
    for (lifetime, last, due, expired) in [
        (3_600_000, 0, 60_000, 15_000),
        (3_600_000, 128, 45_000, 15_000),
        (3_600_000, 64, 52_500, 15_000),
        (300_000, 0, 30_000, 7_500),
        (300_000, 128, 22_500, 7_500),
        (10_000, 0, 1_000, 250),
        (10_000, 128, 750, 250),
    ] {
        let id = id_ending_in(last);
        let tokens = tokens(Some(Duration::from_millis(lifetime)));
        let expires_at = tokens.expires_at.unwrap();
        let before = |millis| expires_at.minus(Duration::from_millis(millis));
        for (now, expected) in [
            (OBTAINED, Freshness::Fresh),
            (before(due).minus(MILLI), Freshness::Fresh),
            (before(due), Freshness::Due),
            (before(expired).minus(MILLI), Freshness::Due),
            (before(expired), Freshness::Expired),
            (expires_at.minus(MILLI), Freshness::Expired),
            (expires_at, Freshness::Expired),
            (expires_at.plus(Duration::from_secs(1_000_000)), Freshness::Expired),
        ] {
            assert_eq!(Freshness::of(&tokens, &id, now), expected, "{lifetime} {last} {now:?}");
        }
    }
}

#[test]
fn a_token_of_unknown_lifetime_is_fresh() {
    let never = tokens(None);
    for now in [OBTAINED, OBTAINED.plus(Duration::from_secs(u64::MAX / 2000))] {
        assert_eq!(Freshness::of(&never, &id_ending_in(0), now), Freshness::Fresh);
    }
}

#[test]
fn a_token_born_dead_is_expired() {
    let dead = TokenSet { expires_at: Some(OBTAINED.minus(MILLI)), ..tokens(None) };
    for tokens in [dead, tokens(Some(Duration::ZERO))] {
        assert_eq!(Freshness::of(&tokens, &id_ending_in(255), OBTAINED), Freshness::Expired);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Fresh, then due, then expired, each once; never expired without having been due, so that a
    /// session in use waits for no refresh.
    #[test]
    fn r15_states_follow_each_other(
        lifetime in 1_000_u64..100_000_000,
        seed in any::<u64>(),
        at in proptest::collection::vec(0.0_f64..1.2, 20),
    ) {
        let id = RecordId::hash(b"test", &seed.to_be_bytes());
        let lifetime = Duration::from_millis(lifetime);
        let tokens = tokens(Some(lifetime));
        let margin = refresh_margin(lifetime);
        let expires_at = tokens.expires_at.unwrap();
        let mut times: Vec<_> = at.iter().map(|at| OBTAINED.plus(lifetime.mul_f64(*at))).collect();
        times.extend([margin, margin / 2, margin / 4].map(|before| expires_at.minus(before)));
        times.sort();
        let order = |state| match state {
            Freshness::Fresh => 0,
            Freshness::Due => 1,
            Freshness::Expired => 2,
        };
        let states: Vec<_> = times.iter().map(|now| order(Freshness::of(&tokens, &id, *now))).collect();
        prop_assert!(states.is_sorted(), "{:?}", states);

        let state = |now| Freshness::of(&tokens, &id, now);
        prop_assert_eq!(state(expires_at.minus(margin + MILLI)), Freshness::Fresh);
        // The jitter leaves half of the margin, of which the last quarter counts as expired.
        prop_assert_eq!(state(expires_at.minus(margin / 2)), Freshness::Due);
        prop_assert_eq!(state(expires_at.minus(margin / 4)), Freshness::Expired);
    }
}
