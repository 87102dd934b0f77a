//! What is remembered, for how long, and what goes first.

use std::time::Duration;

use cloakroom_core::{
    secret::Token,
    session::{Device, TokenSet, UserKey},
};

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_unix_seconds(1_800_000_000 + seconds)
}

fn id(name: &str) -> RecordId {
    RecordId::hash(b"test", name.as_bytes())
}

fn successor(generation: u64, expires_at: Timestamp) -> Successor {
    let record = Record {
        provider: "default".to_owned(),
        user: UserKey { iss: "i".to_owned(), sub: "s".to_owned() },
        sid: None,
        claims: serde_json::Map::new(),
        tokens: TokenSet {
            access_token: Token::new(generation.to_string()),
            refresh_token: None,
            id_token: None,
            obtained_at: at(0),
            expires_at: None,
        },
        created_at: at(0),
        absolute_end: at(10_000),
        device: Device::default(),
    };
    Successor { record: Arc::new(record), generation, expires_at }
}

/// The generation that a request of `generation` is given.
fn newest(memory: &Memory, name: &str, generation: u64, now: Timestamp) -> Option<u64> {
    match memory.look(id(name), generation, now) {
        Known::Nothing => Some(generation),
        Known::Ended => None,
        Known::Successor(successor) => Some(successor.generation),
    }
}

#[test]
fn a_successor_waits_for_its_browser_and_then_for_late_requests() {
    let memory = Memory::new();
    assert_eq!(memory.replace(id("a"), 1, successor(2, at(600))), Replaced::Done { version: 2 });
    // Long past the grace: nobody has brought it yet.
    memory.sweep(at(599));
    assert_eq!(newest(&memory, "a", 1, at(599)), Some(2));
    assert_eq!(newest(&memory, "a", 2, at(100)), Some(2));
    memory.sweep(at(109));
    assert_eq!(newest(&memory, "a", 1, at(109)), Some(2), "a request that was under way");
    // Seeing it again prolongs nothing.
    assert_eq!(newest(&memory, "a", 2, at(109)), Some(2));
    assert_eq!(memory.sweep(at(110)), 1);
    assert_eq!(newest(&memory, "a", 1, at(110)), Some(1));
}

#[test]
fn that_a_successor_has_arrived_is_remembered_for_slow_answers() {
    let memory = Memory::bounded(2, 2);
    for (name, arrived) in [("a", 100), ("b", 200), ("c", 300)] {
        memory.replace(id(name), 1, successor(2, at(9000)));
        newest(&memory, name, 2, at(arrived));
        assert!(!memory.is_replaced(id(name), 1), "the successor itself is known");
        memory.sweep(at(arrived + 10));
    }
    let replaced = ["a", "b", "c"].map(|name| memory.is_replaced(id(name), 1));
    assert_eq!(replaced, [false, true, true], "bounded: the oldest goes first");
    assert!(!memory.is_replaced(id("c"), 2));
    memory.sweep(at(310 + 3600));
    assert!(!memory.is_replaced(id("c"), 1));
}

#[test]
fn a_second_flight_of_the_same_generation_is_a_conflict_and_of_an_ended_session_nothing() {
    let memory = Memory::new();
    memory.replace(id("a"), 1, successor(2, at(600)));
    assert_eq!(memory.replace(id("a"), 1, successor(2, at(600))), Replaced::Conflict);
    assert_eq!(memory.replace(id("a"), 2, successor(3, at(600))), Replaced::Done { version: 3 });
    assert_eq!(newest(&memory, "a", 1, at(0)), Some(3), "over two generations");
    let last = memory.end(id("a"), at(600)).unwrap();
    assert_eq!(last.tokens.access_token.expose(), "3", "what a logout revokes");
    assert_eq!(memory.replace(id("a"), 3, successor(4, at(600))), Replaced::Gone);
}

#[test]
fn r48_an_ended_session_stays_ended_as_long_as_its_cookies_could_open() {
    let memory = Memory::new();
    memory.end(id("a"), at(600));
    assert_eq!(newest(&memory, "a", 7, at(599)), None);
    assert_eq!(newest(&memory, "b", 7, at(599)), Some(7));
    assert_eq!(memory.sweep(at(600)), 1);
}

#[test]
fn use_keeps_a_successor_that_waits_and_no_other() {
    let memory = Memory::new();
    memory.replace(id("a"), 1, successor(2, at(600)));
    memory.touch(id("a"), at(900));
    memory.touch(id("a"), at(700));
    memory.sweep(at(899));
    assert_eq!(newest(&memory, "a", 1, at(899)), Some(2));
    newest(&memory, "a", 2, at(100));
    memory.touch(id("a"), at(1200));
    memory.sweep(at(100).plus(10 * SECOND));
    assert_eq!(newest(&memory, "a", 1, at(111)), Some(1), "arrived: the grace is not prolonged");
}

#[test]
fn r71_both_are_bounded_and_what_ends_first_goes_first() {
    let memory = Memory::bounded(2, 2);
    for (name, end) in [("a", 300), ("b", 100), ("c", 200)] {
        memory.replace(id(name), 1, successor(2, at(end)));
        memory.end(id(&format!("ended {name}")), at(end));
    }
    let kept = ["a", "b", "c"].map(|name| newest(&memory, name, 1, at(0)));
    assert_eq!(kept, [Some(2), Some(1), Some(2)]);
    let ended = ["a", "b", "c"].map(|name| newest(&memory, &format!("ended {name}"), 1, at(0)));
    assert_eq!(ended, [None, Some(1), None]);
    assert_eq!(memory.sweep(at(300)), 4, "nothing is left behind");
}
