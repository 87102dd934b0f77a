//! Whose cookies open as a session, and that all others do not.

use http::{HeaderMap, HeaderValue, header::COOKIE};
use proptest::prelude::*;
use serde_json::Map;

use super::*;
use crate::{
    cookie::{Attributes, Lifetime, SameSite},
    random::Counted,
    session::{Device, TokenSet, UserKey},
};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

fn name() -> CookieName {
    CookieName::host("session").unwrap()
}

/// A session of one to three chunks, by the size of its token.
fn session(user: &str, generation: u64, size: usize, random: &Counted) -> SealedSession {
    let token = format!("{user}{generation}").repeat(size / (user.len() + 1));
    SealedSession {
        ticket: Ticket::generate(random),
        record: Record {
            provider: "default".to_owned(),
            user: UserKey { iss: "https://login.example.org".to_owned(), sub: user.to_owned() },
            sid: None,
            claims: Map::new(),
            tokens: TokenSet {
                access_token: Token::new(token),
                refresh_token: Some(Token::new("refresh")),
                id_token: None,
                obtained_at: NOW,
                expires_at: None,
            },
            created_at: NOW,
            absolute_end: NOW,
            device: Device::default(),
        },
        generation,
        expires_at: NOW,
        beside: None,
    }
}

/// The cookies that a browser keeps of it.
fn cookies(session: &SealedSession, keyring: &Keyring, random: &Counted) -> Vec<String> {
    let value = session.seal(&name(), keyring, random).unwrap();
    let attributes = Attributes::host(SameSite::Lax, Lifetime::BrowserSession);
    let cookies = chunks::set_chunked(&name(), value.expose(), &attributes).unwrap();
    let pair =
        |cookie: &HeaderValue| cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
    cookies.iter().map(pair).filter(|pair| !pair.ends_with('=')).collect()
}

fn open(cookies: &[String], keyring: &Keyring) -> Result<Option<SealedSession>, OpenFault> {
    open_as(cookies, &name(), keyring)
}

fn open_as(
    cookies: &[String],
    name: &CookieName,
    keyring: &Keyring,
) -> Result<Option<SealedSession>, OpenFault> {
    let mut headers = HeaderMap::new();
    for cookie in cookies {
        headers.append(COOKIE, HeaderValue::try_from(cookie.as_str()).unwrap());
    }
    SealedSession::open(&chunks::join(&headers, name), name, keyring)
}

#[test]
fn it_opens_as_it_was_sealed() {
    let random = Counted::from(1);
    let keyring = Keyring::generate(&random);
    for size in [10, 4000, 8000] {
        let sealed = session("anna", 7, size, &random);
        let opened = open(&cookies(&sealed, &keyring, &random), &keyring).unwrap().unwrap();
        assert_eq!(opened.ticket.encode(), sealed.ticket.encode());
        assert_eq!(opened.record, sealed.record);
        assert_eq!((opened.generation, opened.expires_at), (7, NOW));
    }
    assert!(open(&[], &keyring).unwrap().is_none());
}

#[test]
fn r29_chunks_of_two_users_or_two_generations_never_open_together() {
    let random = Counted::from(1);
    let keyring = Keyring::generate(&random);
    let anna = session("anna", 1, 8000, &random);
    let mut refreshed = anna.clone();
    refreshed.generation = 2;
    let again = anna.clone();
    let ben = session("benn", 1, 8000, &random);
    let first = cookies(&anna, &keyring, &random);
    assert_eq!(first.len(), 3);
    for other in [refreshed, again, ben] {
        let second = cookies(&other, &keyring, &random);
        for mask in 1..7 {
            let mixed: Vec<_> = (0..3)
                .map(
                    |at| if mask & (1 << at) == 0 { first[at].clone() } else { second[at].clone() },
                )
                .collect();
            assert_eq!(open(&mixed, &keyring).unwrap_err(), OpenFault::Sealed, "{mask}");
        }
        assert!(open(&second, &keyring).unwrap().is_some());
    }
    // In another order than they were made: swapped names.
    let swapped =
        [first[0].clone(), first[1].replacen("-1=", "-2=", 1), first[2].replacen("-2=", "-1=", 1)];
    assert!(open(&swapped, &keyring).is_err());
}

#[test]
fn r29_a_chunk_too_few_or_too_many_never_opens() {
    let random = Counted::from(1);
    let keyring = Keyring::generate(&random);
    let three = cookies(&session("anna", 1, 8000, &random), &keyring, &random);
    let two = cookies(&session("anna", 2, 4000, &random), &keyring, &random);
    for cut in [&three[..2], &three[..1], &three[1..], &two[..1], &two[1..]] {
        assert!(open(cut, &keyring).is_err(), "{}", cut.len());
    }
    // The stale third chunk of a larger generation.
    let mixed = [&two[..], &three[2..]].concat();
    assert!(open(&mixed, &keyring).is_err());
    let doubled = [&two[..], &two[1..]].concat();
    let fault = open(&doubled, &keyring).unwrap_err();
    assert_eq!(fault, OpenFault::Chunks(chunks::ChunkFault::Duplicate));
}

#[test]
fn r28_it_opens_under_its_name_and_keyring_alone() {
    let random = Counted::from(1);
    let (keyring, other) = (Keyring::generate(&random), Keyring::generate(&random));
    let made = cookies(&session("anna", 1, 10, &random), &keyring, &random);
    assert_eq!(open(&made, &other).unwrap_err(), OpenFault::Sealed);
    let renamed = [made[0].replacen("__Host-session", "__Host-other", 1)];
    let name = CookieName::host("other").unwrap();
    assert_eq!(open_as(&renamed, &name, &keyring).unwrap_err(), OpenFault::Sealed);
    let rotated = Keyring::parse(&format!("{}\n{}", *other.to_text(), *keyring.to_text())).unwrap();
    assert!(open(&made, &rotated).unwrap().is_some(), "an old key opens");
}

#[test]
fn r23_what_does_not_fit_is_refused_with_its_size() {
    let random = Counted::from(1);
    let keyring = Keyring::generate(&random);
    let error = session("anna", 1, 10_000, &random).seal(&name(), &keyring, &random).unwrap_err();
    assert!(error.needed > error.room && error.room < 12_300, "{error}");
}

#[test]
fn no_token_shows() {
    let random = Counted::from(1);
    let session = session("anna", 1, 100, &random);
    let shown = format!("{session:?}");
    assert!(!shown.contains("anna1") && !shown.contains("refresh\""), "{shown}");
}

proptest! {
    /// One byte changed anywhere in any chunk.
    #[test]
    fn a_changed_chunk_never_opens(size in 10_usize..8000, place in any::<prop::sample::Index>()) {
        let random = Counted::from(1);
        let keyring = Keyring::generate(&random);
        let mut made = cookies(&session("anna", 1, size, &random), &keyring, &random);
        let chunk = place.index(made.len());
        let start = made[chunk].find('=').unwrap() + 1;
        let at = start + place.index(made[chunk].len() - start);
        let changed = if made[chunk].as_bytes()[at] == b'A' { "B" } else { "A" };
        made[chunk].replace_range(at..=at, changed);
        prop_assert!(open(&made, &keyring).is_err());
    }
}
