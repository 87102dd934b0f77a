//! What a cookie may hold, and what it shows.

use proptest::prelude::*;

use crate::{
    random::Counted,
    session::{RecordId, Ticket},
};

/// The bytes 0 to 47; hash by Python's hashlib.
const KNOWN: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v";
const KNOWN_ID: &str = "559fc23bbd98174668b3a2357200ca201e3110f9b30e0623c4fc0488ae5b54da";
const KNOWN_HANDLE: &str = "VZ_CO72YF0Zos6I1";

#[test]
fn r30_the_store_knows_the_hash_of_the_id_alone() {
    let ticket = Ticket::decode(KNOWN.as_bytes()).unwrap();
    let hex: String = ticket.record_id().as_bytes().iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(hex, KNOWN_ID);
    assert_eq!(ticket.record_id().handle(), KNOWN_HANDLE);
    assert_eq!(ticket.secret(), (16..48).collect::<Vec<u8>>());

    // The secret half names no other record; the id does.
    let other_secret = Ticket::decode(format!("{}A", &KNOWN[..63]).as_bytes()).unwrap();
    assert_eq!(other_secret.record_id(), ticket.record_id());
    assert_ne!(other_secret.secret(), ticket.secret());
    let other_id = Ticket::decode(format!("B{}", &KNOWN[1..]).as_bytes()).unwrap();
    assert_ne!(other_id.record_id(), ticket.record_id());
    assert_eq!(other_id.secret(), ticket.secret());
}

#[test]
fn r30_tickets_are_long_and_never_the_same() {
    let random = Counted::from(1);
    let (first, second) = (Ticket::generate(&random), Ticket::generate(&random));
    assert_eq!(first.encode().len(), 64);
    assert_ne!(*first.encode(), *second.encode());
    assert_ne!(first.record_id(), second.record_id());
    assert_ne!(first.secret(), second.secret());
    assert_ne!(RecordId::hash(b"a", b"x"), RecordId::hash(b"b", b"x"));
    assert_ne!(RecordId::hash(b"a", b"x"), RecordId::hash(b"a", b"y"));
}

#[test]
fn r26_nothing_but_64_characters_of_base64url() {
    let replaced = |at: usize, with: &str| format!("{}{with}{}", &KNOWN[..at], &KNOWN[at + 1..]);
    for value in [
        String::new(),
        KNOWN[..63].to_owned(),
        KNOWN[..62].to_owned(),
        KNOWN[..60].to_owned(),
        format!("{KNOWN}A"),
        format!("{KNOWN}AA"),
        format!("{KNOWN}AAAA"),
        format!("{KNOWN}{KNOWN}"),
        format!("{KNOWN}="),
        format!("{KNOWN}===="),
        format!("{}==", &KNOWN[..62]),
        format!("\"{KNOWN}\""),
        format!(" {KNOWN}"),
        format!("{KNOWN} "),
        format!("{}\n", &KNOWN[..63]),
        replaced(0, "%41"),
        replaced(10, "+"),
        replaced(10, "/"),
        replaced(10, "."),
        replaced(10, "\0"),
        replaced(10, "é"),
        format!("{}é", &KNOWN[..62]),
    ] {
        assert!(Ticket::decode(value.as_bytes()).is_none(), "{value:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_is_encoded_is_decoded(seed in any::<u64>()) {
        let ticket = Ticket::generate(&Counted::from(seed));
        let value = ticket.encode();
        prop_assert!(value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
        let again = Ticket::decode(value.as_bytes()).unwrap();
        prop_assert_eq!(again.record_id(), ticket.record_id());
        prop_assert_eq!(again.secret(), ticket.secret());
    }

    /// One ticket has one spelling: two cookies that differ are two tickets.
    #[test]
    fn r26_a_ticket_has_one_spelling(
        value in prop_oneof![
            "[A-Za-z0-9_-]{64}",
            "[A-Za-z0-9_=+/-]{60,68}",
            any::<String>(),
        ],
    ) {
        if let Some(ticket) = Ticket::decode(value.as_bytes()) {
            prop_assert_eq!(&*ticket.encode(), &value);
        } else {
            let legal = value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
            prop_assert!(!(legal && value.len() == 64));
        }
    }

    #[test]
    fn arbitrary_bytes_are_judged_without_panic(
        value in proptest::collection::vec(any::<u8>(), 0..80),
    ) {
        if let Some(ticket) = Ticket::decode(&value) {
            let encoded = ticket.encode();
            prop_assert_eq!(encoded.as_bytes(), value);
        }
    }

    /// R72: a handle in a log opens nothing.
    #[test]
    fn r72_debug_shows_no_part_of_the_ticket(seed in any::<u64>()) {
        let ticket = Ticket::generate(&Counted::from(seed));
        let value = ticket.encode();
        let shown = format!("{ticket:?} {ticket:#?} {:?}", ticket.record_id());
        for part in value.as_bytes().windows(6).map(|part| std::str::from_utf8(part).unwrap()) {
            prop_assert!(!shown.contains(part), "{}", shown);
        }
        prop_assert!(shown.contains(&ticket.record_id().handle()));
    }
}
