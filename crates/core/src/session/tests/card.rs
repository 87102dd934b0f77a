//! Cards: whom they open for, and what a dump or a log shows of them.

use std::time::Duration;

use crate::{
    key::Keyring,
    random::Counted,
    session::{Card, Device, RecordError, RecordId, UserKey},
    time::Timestamp,
};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);
const HOUR: Duration = Duration::from_secs(3600);

fn card() -> Card {
    Card {
        provider: "default".to_owned(),
        created_at: NOW,
        obtained_at: NOW.plus(HOUR),
        device: Device {
            name: Some("Firefox on Windows".to_owned()),
            address: Some("203.0.113.7".to_owned()),
        },
    }
}

fn id(name: &[u8]) -> RecordId {
    RecordId::hash(b"test", name)
}

fn user(iss: &str, sub: &str) -> UserKey {
    UserKey { iss: iss.to_owned(), sub: sub.to_owned() }
}

#[test]
fn r28_it_opens_for_its_record_its_user_and_keyring_only() {
    let random = Counted::from(1);
    let (keyring, other_keyring) = (Keyring::generate(&random), Keyring::generate(&random));
    let anna = user("https://login.example.org", "anna");
    let sealed = card().seal(&keyring, id(b"1"), &anna, &random);
    assert_eq!(Card::open(&keyring, id(b"1"), &anna, &sealed), Ok(card()));

    let refused = Err(RecordError::Sealed);
    assert_eq!(Card::open(&keyring, id(b"2"), &anna, &sealed), refused);
    assert_eq!(Card::open(&other_keyring, id(b"1"), &anna, &sealed), refused);
    assert_eq!(Card::open(&keyring, id(b"1"), &anna, b""), refused, "an older record has none");
    for other in [
        user("https://login.example.org", "ben"),
        user("https://login.example.com", "anna"),
        // The same letters, cut elsewhere.
        user("https://login.example.orga", "nna"),
        user("https://login.example.or", "ganna"),
        user("", "https://login.example.organna"),
    ] {
        assert_eq!(Card::open(&keyring, id(b"1"), &other, &sealed), refused, "{other:?}");
    }
}

/// Whatever an issuer calls its users.
#[test]
fn r33_subjects_of_any_kind_have_cards() {
    let random = Counted::from(1);
    let keyring = Keyring::generate(&random);
    for sub in ["ä", "a\0b", "a\nb", "\u{202e}anna", "\"', {}", "😀", &"x".repeat(10_000)] {
        let user = user("https://login.example.org", sub);
        let sealed = card().seal(&keyring, id(b"1"), &user, &random);
        assert_eq!(Card::open(&keyring, id(b"1"), &user, &sealed), Ok(card()), "{sub:?}");
    }
}

#[test]
fn r28_a_rotated_keyring_opens_old_cards() {
    let random = Counted::from(1);
    let (old, new) = (Keyring::generate(&random), Keyring::generate(&random));
    let rotated = Keyring::parse(&format!("{}\n{}", *new.to_text(), *old.to_text())).unwrap();
    let anna = user("https://login.example.org", "anna");
    let sealed = card().seal(&old, id(b"1"), &anna, &random);
    assert_eq!(Card::open(&rotated, id(b"1"), &anna, &sealed), Ok(card()));
    assert_eq!(Card::open(&new, id(b"1"), &anna, &sealed), Err(RecordError::Sealed));
    let sealed = card().seal(&rotated, id(b"1"), &anna, &random);
    assert_eq!(Card::open(&new, id(b"1"), &anna, &sealed), Ok(card()));
}

#[test]
fn r28_neither_dump_nor_debug_shows_device_or_address() {
    let random = Counted::from(1);
    let keyring = Keyring::generate(&random);
    let anna = user("https://login.example.org", "anna");
    let sealed = card().seal(&keyring, id(b"1"), &anna, &random);
    let shown = format!("{:?}", card());
    for secret in ["203.0.113.7", "Firefox", "Windows", "anna", "login.example.org"] {
        assert!(!sealed.windows(secret.len()).any(|window| window == secret.as_bytes()));
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(sealed.len() < 256, "kept with every session: {}", sealed.len());
}

/// R32: the expiry lags the use by less than a twentieth of the idle timeout.
#[test]
fn r33_when_it_was_last_seen_is_read_off_its_expiry() {
    let seen = |expires_at: Timestamp, now: Timestamp| card().last_seen(expires_at, 24 * HOUR, now);
    let later = NOW.plus(10 * HOUR);
    assert_eq!(seen(NOW.plus(29 * HOUR), later), NOW.plus(5 * HOUR));
    // Not used since its refresh, or in the last span before the absolute end, where the expiry stands still.
    assert_eq!(seen(NOW.plus(24 * HOUR), later), NOW.plus(HOUR), "the refresh");
    // The idle timeout was shortened: never in the future.
    assert_eq!(seen(NOW.plus(100 * HOUR), later), later);
    // Another gateway's clock is ahead.
    assert_eq!(seen(NOW.plus(24 * HOUR), NOW), NOW);
}
