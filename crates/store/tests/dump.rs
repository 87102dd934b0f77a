//! Who steals the file reads nothing: neither tokens nor who is logged in, nor what opens it.

#![expect(clippy::unwrap_used, reason = "an unwrap is a test's assertion")]

use std::{fs, path::Path};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use cloakroom_core::{
    key::Keyring,
    random::OsRandom,
    secret::Token,
    session::{Device, Record, Ticket, TokenSet, UserKey},
    time::Timestamp,
};
use cloakroom_store::{Content, EmbeddedStore, SessionStore};

const ACCESS: &str = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.access-signature";
const REFRESH: &str = "refresh-token-0123456789abcdef";
const SECOND_REFRESH: &str = "second-refresh-token-0123456789";
const ID_TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.eyJub25jZSI6Im4ifQ.id-signature";
const SUBJECT: &str = "alice-subject-4711";
const SID: &str = "provider-session-4711";
const ISSUER: &str = "https://login.example.org/realms/shop";
const MAIL: &str = "alice@example.org";

const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

fn record(refresh_token: &str) -> Record {
    let mut claims = serde_json::Map::new();
    claims.insert("email".to_owned(), MAIL.into());
    Record {
        provider: "default".to_owned(),
        user: UserKey { iss: ISSUER.to_owned(), sub: SUBJECT.to_owned() },
        sid: Some(SID.to_owned()),
        claims,
        tokens: TokenSet {
            access_token: Token::new(ACCESS),
            refresh_token: Some(Token::new(refresh_token)),
            id_token: Some(Token::new(ID_TOKEN)),
            obtained_at: NOW,
            expires_at: None,
        },
        created_at: NOW,
        absolute_end: Timestamp::from_unix_seconds(1_900_000_000),
        device: Device::default(),
    }
}

#[tokio::test]
async fn the_file_tells_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.redb");
    let (random, end) = (OsRandom::default(), Timestamp::from_unix_seconds(1_810_000_000));
    let keyring = Keyring::generate(&random);
    let ticket = Ticket::generate(&random);
    let id = ticket.record_id();

    let store = EmbeddedStore::open(&path).unwrap();
    let sealed = record(REFRESH).seal(&keyring, &ticket, &random);
    let filed = record(REFRESH).index_keys(&keyring);
    store
        .create(id, Content { sealed, filed: filed.clone(), card: Vec::new() }, end)
        .await
        .unwrap();
    let second = record(SECOND_REFRESH).seal(&keyring, &ticket, &random);
    let content = Content { sealed: second.clone(), filed: filed.clone(), card: Vec::new() };
    store.replace(id, 1, content, end).await.unwrap();

    let cookie = ticket.encode();
    let cookie_bytes = URL_SAFE_NO_PAD.decode(cookie.as_bytes()).unwrap();
    let key_line = keyring.to_text().lines().last().unwrap().to_owned();
    let key = URL_SAFE_NO_PAD.decode(&key_line).unwrap();
    let hidden: [(&str, &[u8]); 13] = [
        ("access token", ACCESS.as_bytes()),
        ("its signature", b"access-signature"),
        ("first refresh token", REFRESH.as_bytes()),
        ("refresh token", SECOND_REFRESH.as_bytes()),
        ("id token", ID_TOKEN.as_bytes()),
        ("subject", SUBJECT.as_bytes()),
        ("provider's session", SID.as_bytes()),
        ("issuer", ISSUER.as_bytes()),
        ("mail", MAIL.as_bytes()),
        ("cookie", cookie.as_bytes()),
        ("cookie's id", &cookie_bytes[..16]),
        ("cookie's secret half", &cookie_bytes[16..]),
        ("keyring's key", &key),
    ];
    let nothing_shows = |when: &str| {
        let bytes = all_bytes(folder.path());
        for (name, secret) in hidden {
            assert!(!contains(&bytes, secret), "the {name} is in the file {when}");
        }
        // The search finds what is there.
        assert!(contains(&bytes, id.as_bytes()) && contains(&bytes, &second[..64]), "{when}");
        for key in &filed {
            assert!(contains(&bytes, key.as_bytes()), "{when}");
        }
    };
    nothing_shows("while it is open");
    drop(store);
    nothing_shows("after it was closed");

    let store = EmbeddedStore::open(&path).unwrap();
    let kept = store.load(id, NOW).await.unwrap().unwrap();
    assert_eq!(Record::open(&keyring, &ticket, &kept.sealed), Ok(record(SECOND_REFRESH)));
    let other = Ticket::generate(&random);
    assert!(Record::open(&keyring, &other, &kept.sealed).is_err());
}

fn all_bytes(folder: &Path) -> Vec<u8> {
    fs::read_dir(folder)
        .unwrap()
        .flat_map(|entry| fs::read(entry.unwrap().path()).unwrap())
        .collect()
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
