//! Records: who can open them, and what a dump or a log shows of them.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::{
    key::Keyring,
    random::Counted,
    seal::{Purpose, SealContext},
    secret::Token,
    session::{Device, Record, RecordError, Ticket, TokenSet, UserKey},
    time::Timestamp,
};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

fn record(access: &str, refresh: &str, id: &str, sub: &str) -> Record {
    let Value::Object(claims) = json!({ "name": sub, "groups": ["staff"], "age": 7 }) else {
        unreachable!("an object")
    };
    Record {
        provider: "default".to_owned(),
        user: UserKey { iss: "https://login.example.org".to_owned(), sub: sub.to_owned() },
        sid: Some("provider-session-1".to_owned()),
        claims,
        tokens: TokenSet {
            access_token: Token::new(access),
            refresh_token: Some(Token::new(refresh)),
            id_token: Some(Token::new(id)),
            obtained_at: NOW,
            expires_at: Some(Timestamp::from_unix_seconds(1_800_000_300)),
        },
        created_at: NOW,
        absolute_end: Timestamp::from_unix_seconds(1_800_600_000),
        device: Device::default(),
    }
}

fn alice() -> Record {
    record("alice's access token", "alice's refresh token", "alice's ID token", "alice")
}

/// The id of one ticket with the secret half of another.
fn crossed(id: &Ticket, secret: &Ticket) -> Ticket {
    let bytes = |ticket: &Ticket| URL_SAFE_NO_PAD.decode(ticket.encode().as_bytes()).unwrap();
    let both = [&bytes(id)[..16], &bytes(secret)[16..]].concat();
    Ticket::decode(URL_SAFE_NO_PAD.encode(both).as_bytes()).unwrap()
}

#[test]
fn r28_it_opens_with_its_ticket_and_keyring_only() {
    let random = Counted::from(1);
    let (keyring, other_keyring) = (Keyring::generate(&random), Keyring::generate(&random));
    let (ticket, other) = (Ticket::generate(&random), Ticket::generate(&random));
    let sealed = alice().seal(&keyring, &ticket, &random);
    assert_eq!(Record::open(&keyring, &ticket, &sealed), Ok(alice()));

    let refused = Err(RecordError::Sealed);
    assert_eq!(Record::open(&keyring, &other, &sealed), refused);
    // Of a stolen cookie either half alone is worth nothing; nor is a record moved to another id.
    assert_eq!(Record::open(&keyring, &crossed(&ticket, &other), &sealed), refused);
    assert_eq!(Record::open(&keyring, &crossed(&other, &ticket), &sealed), refused);
    assert_eq!(Record::open(&other_keyring, &ticket, &sealed), refused);
}

#[test]
fn r28_a_rotated_keyring_opens_old_records() {
    let random = Counted::from(1);
    let (old, new) = (Keyring::generate(&random), Keyring::generate(&random));
    let ticket = Ticket::generate(&random);
    let rotated = Keyring::parse(&format!("{}\n{}", *new.to_text(), *old.to_text())).unwrap();
    let sealed = alice().seal(&old, &ticket, &random);
    assert_eq!(Record::open(&rotated, &ticket, &sealed), Ok(alice()));
    assert_eq!(Record::open(&new, &ticket, &sealed), Err(RecordError::Sealed));
    let sealed = alice().seal(&rotated, &ticket, &random);
    assert_eq!(Record::open(&new, &ticket, &sealed), Ok(alice()));
}

#[test]
fn r28_no_flipped_byte_opens() {
    let random = Counted::from(1);
    let keyring = Keyring::generate(&random);
    let ticket = Ticket::generate(&random);
    let sealed = alice().seal(&keyring, &ticket, &random);
    for at in 0..sealed.len() {
        let mut flipped = sealed.clone();
        flipped[at] ^= 0x40;
        assert_eq!(Record::open(&keyring, &ticket, &flipped), Err(RecordError::Sealed), "{at}");
    }
    assert_eq!(Record::open(&keyring, &ticket, b""), Err(RecordError::Sealed));
}

#[test]
fn r28_what_was_sealed_as_something_else_is_no_record() {
    let random = Counted::from(1);
    let keyring = Keyring::generate(&random);
    let ticket = Ticket::generate(&random);
    let plain = serde_json::to_vec(&alice()).unwrap();
    let (id, cookie) = (ticket.record_id(), b"__Host-session".as_slice());
    let seal = |purpose, name: &[u8], secret: &[u8], plain: &[u8]| {
        let sealed = keyring.seal(&random, &SealContext { purpose, name, secret }, plain);
        Record::open(&keyring, &ticket, &sealed)
    };
    let (record, name) = (Purpose::SessionRecord, id.as_bytes().as_slice());
    assert_eq!(seal(record, name, ticket.secret(), &plain), Ok(alice()));
    assert_eq!(
        seal(Purpose::LoginTransaction, name, ticket.secret(), &plain),
        Err(RecordError::Sealed)
    );
    assert_eq!(
        seal(Purpose::LogoutTicket, name, ticket.secret(), &plain),
        Err(RecordError::Sealed)
    );
    assert_eq!(seal(record, cookie, ticket.secret(), &plain), Err(RecordError::Sealed));
    assert_eq!(seal(record, name, &[], &plain), Err(RecordError::Sealed));
    for odd in [&b""[..], b"{}", b"null", b"[]", &plain[..plain.len() - 1], b"\xff"] {
        assert_eq!(seal(record, name, ticket.secret(), odd), Err(RecordError::Version));
    }
}

#[test]
fn a_record_without_the_optional_tokens_survives() {
    let random = Counted::from(1);
    let (keyring, ticket) = (Keyring::generate(&random), Ticket::generate(&random));
    let mut bare = alice();
    bare.claims = Map::new();
    bare.tokens.refresh_token = None;
    bare.tokens.id_token = None;
    bare.tokens.expires_at = None;
    let sealed = bare.seal(&keyring, &ticket, &random);
    assert_eq!(Record::open(&keyring, &ticket, &sealed), Ok(bare));
}

/// What was sealed before records knew of the provider's session.
#[test]
fn a_record_without_the_providers_session_opens() {
    let random = Counted::from(1);
    let (keyring, ticket) = (Keyring::generate(&random), Ticket::generate(&random));
    let mut older = serde_json::to_value(alice()).unwrap();
    assert!(older.as_object_mut().unwrap().remove("sid").is_some());
    let (name, plain) = (ticket.record_id(), older.to_string());
    let context = SealContext {
        purpose: Purpose::SessionRecord,
        name: name.as_bytes(),
        secret: ticket.secret(),
    };
    let sealed = keyring.seal(&random, &context, plain.as_bytes());
    let opened = Record::open(&keyring, &ticket, &sealed).unwrap();
    assert_eq!(opened, Record { sid: None, ..alice() });
    assert_eq!(opened.index_keys(&keyring).len(), 1, "filed under its user alone");
    assert_eq!(alice().index_keys(&keyring).len(), 2);
    assert_eq!(
        Record::open(&keyring, &ticket, &opened.seal(&keyring, &ticket, &random)),
        Ok(opened)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// R28, R72: neither a dump of the store nor a log shows a token, or who the user is.
    #[test]
    fn r28_r72_neither_dump_nor_log_shows_a_secret(
        access in "[A-Za-z0-9._~+/-]{16,300}",
        refresh in "[ -~]{16,100}",
        id in "\\PC{16,60}",
        sub in "[A-Za-z0-9@.-]{16,40}",
        seed in any::<u64>(),
    ) {
        let random = Counted::from(seed);
        let keyring = Keyring::generate(&random);
        let ticket = Ticket::generate(&random);
        let record = record(&access, &refresh, &id, &sub);
        let sealed = record.seal(&keyring, &ticket, &random);
        prop_assert_eq!(&Record::open(&keyring, &ticket, &sealed).unwrap(), &record);

        let shown = format!(
            "{record:?} {record:#?} {:?} {:?} {keyring:?} {ticket:?} {:?}",
            record.tokens,
            record.tokens.access_token,
            Record::open(&keyring, &Ticket::generate(&random), &sealed),
        );
        let cookie = ticket.encode();
        let keys = keyring.to_text();
        let key = keys.lines().last().unwrap();
        for secret in [&access, &refresh, &id, &sub, &*cookie, key] {
            for part in secret.as_bytes().windows(8) {
                prop_assert!(!sealed.windows(8).any(|window| window == part));
                prop_assert!(!shown.as_bytes().windows(8).any(|window| window == part), "{}", shown);
            }
        }
        for secret in [ticket.secret(), record.user.iss.as_bytes()] {
            prop_assert!(!sealed.windows(8).any(|window| window == &secret[..8]));
        }
    }
}
