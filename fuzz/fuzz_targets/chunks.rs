//! R29: a session in chunks is the one that was sealed, whole, or none. The input is a program that
//! takes chunks of several sealed sessions, spoils some, and sends them in any order.

#![no_main]

use std::sync::{
    OnceLock,
    atomic::{AtomicU64, Ordering},
};

use cloakroom_core::{
    cookie::{
        Attributes, CookieName, Lifetime, SameSite,
        chunks::{Joined, MAX_CHUNKS, join, set_chunked},
    },
    key::Keyring,
    random::Random,
    secret::Token,
    session::{Device, Record, SealedSession, Ticket, TokenSet, UserKey},
    time::Timestamp,
};
use http::{HeaderMap, HeaderValue, header::COOKIE};
use libfuzzer_sys::fuzz_target;

const NAME: &str = "__Host-session";
/// Bytes of name and value (R23), counted here once more.
const COOKIE_BYTES: usize = 4096;

fuzz_target!(|program: &[u8]| {
    let name = CookieName::host("session").unwrap();
    let mut request: Vec<(String, Vec<u8>)> = Vec::new();
    for operation in program.chunks_exact(4).take(8) {
        request.extend(place(operation));
    }
    let mut headers = HeaderMap::new();
    for (name, value) in &request {
        let pair = [name.as_bytes(), b"=", value].concat();
        headers.append(COOKIE, HeaderValue::from_bytes(&pair).unwrap());
    }

    let joined = join(&headers, &name);
    let expected = slow_join(&request);
    match (&joined, &expected) {
        (Joined::Absent, Slow::Absent) | (Joined::Broken(_), Slow::Broken) => {}
        (Joined::Whole(value), Slow::Whole(slow)) => assert_eq!(value.expose().as_bytes(), slow),
        _ => {
            panic!("{joined:?} for {:?}", request.iter().map(|(name, _)| name).collect::<Vec<_>>())
        }
    }
    let world = world();
    match SealedSession::open(&joined, &name, &world.keyring) {
        Ok(None) => assert_eq!(joined, Joined::Absent),
        Err(_) => {
            let Slow::Whole(value) = expected else { return };
            let genuine = |session: &Sealed| session.value.as_bytes() == value;
            assert!(!world.sessions.iter().any(genuine), "a genuine session was refused");
        }
        Ok(Some(opened)) => {
            let Slow::Whole(value) = expected else { panic!("opened although it is not whole") };
            let genuine = |session: &&Sealed| session.value.as_bytes() == value;
            let sealed = world.sessions.iter().find(genuine).expect("nobody but us can seal");
            assert_eq!((opened.generation, opened.record.user.sub.as_str()), sealed.is);
        }
    }
});

/// One cookie of the request: which session's chunk, under which name, spoiled how.
fn place(operation: &[u8]) -> Option<(String, Vec<u8>)> {
    let [which, under, spoil, at] = *operation else { return None };
    let session = &world().sessions[usize::from(which) % world().sessions.len()];
    let chunk = &session.chunks[usize::from(which >> 4) % session.chunks.len()];
    let name = match under % 10 {
        0 => NAME.to_owned(),
        index @ 1..=4 => format!("{NAME}-{index}"),
        5 => format!("{NAME}-0"),
        6 => format!("{NAME}-01"),
        7 => format!("{NAME}-"),
        8 => format!("{NAME}-1x"),
        _ => "__host-session".to_owned(),
    };
    let mut value = chunk.clone().into_bytes();
    let spot = usize::from(at) * value.len() / 256;
    match spoil % 8 {
        0 => value[spot] = if value[spot] == b'A' { b'B' } else { b'A' },
        1 => value.truncate(spot),
        2 => value.push(b'A'),
        3 => value[spot] = 0xe4,
        4 => value = vec![b'A'; usize::from(at)],
        _ => {}
    }
    Some((name, value))
}

enum Slow {
    Absent,
    Broken,
    Whole(Vec<u8>),
}

/// The rules of the module, once more.
fn slow_join(request: &[(String, Vec<u8>)]) -> Slow {
    let digits = |name: &str| {
        let number = name.strip_prefix("__Host-session-")?;
        (!number.is_empty() && number.chars().all(|c| c.is_ascii_digit()))
            .then(|| number.to_owned())
    };
    let mut numbers: Vec<String> = request
        .iter()
        .filter_map(|(name, _)| if name == NAME { Some(String::new()) } else { digits(name) })
        .collect();
    numbers.sort();
    let wanted = ["", "1", "2", "3"];
    assert_eq!(MAX_CHUNKS, 3);
    match numbers.len() {
        0 => return Slow::Absent,
        1..=3 if numbers == wanted[..numbers.len()] => {}
        _ => return Slow::Broken,
    }
    let mut whole = Vec::new();
    for (index, number) in numbers.iter().enumerate() {
        let name = if index == 0 { NAME.to_owned() } else { format!("{NAME}-{number}") };
        let (_, value) = request.iter().find(|(sent, _)| *sent == name).unwrap();
        let full = COOKIE_BYTES - name.len();
        let is_last = index + 1 == numbers.len();
        let fits = value.len() == full || (is_last && !value.is_empty() && value.len() < full);
        if !fits || !value.is_ascii() {
            return Slow::Broken;
        }
        whole.extend_from_slice(value);
    }
    Slow::Whole(whole)
}

struct World {
    keyring: Keyring,
    sessions: Vec<Sealed>,
}

struct Sealed {
    value: String,
    chunks: Vec<String>,
    is: (u64, &'static str),
}

/// Two users, several generations of different and of equal sizes.
fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let random = Fixed(AtomicU64::new(1));
        let keyring = Keyring::generate(&random);
        let sessions = [(1, "anna", 8000), (2, "anna", 8000), (3, "anna", 4000), (4, "anna", 50)];
        let others = [(1, "ben", 8000), (2, "ben", 4000), (3, "ben", 50), (4, "ben", 2000)];
        let sessions = sessions.into_iter().chain(others);
        let sessions = sessions
            .map(|(generation, sub, bytes)| seal(generation, sub, bytes, &keyring, &random));
        World { sessions: sessions.collect(), keyring }
    })
}

fn seal(
    generation: u64,
    sub: &'static str,
    bytes: usize,
    keyring: &Keyring,
    random: &Fixed,
) -> Sealed {
    let now = Timestamp::from_unix_seconds(1_800_000_000);
    let tokens = TokenSet {
        access_token: Token::new("t".repeat(bytes)),
        refresh_token: None,
        id_token: None,
        obtained_at: now,
        expires_at: None,
    };
    let session = SealedSession {
        ticket: Ticket::generate(random),
        record: Record {
            provider: "default".to_owned(),
            user: UserKey { iss: "https://login.example.org".to_owned(), sub: sub.to_owned() },
            sid: None,
            claims: serde_json::Map::new(),
            tokens,
            created_at: now,
            absolute_end: now,
            device: Device::default(),
        },
        generation,
        beside: None,
        expires_at: now,
    };
    let name = CookieName::host("session").unwrap();
    let value = session.seal(&name, keyring, random).unwrap().expose().to_owned();
    let attributes = Attributes::host(SameSite::Lax, Lifetime::BrowserSession);
    let written = set_chunked(&name, &value, &attributes).unwrap();
    let chunks = written.iter().filter_map(|header| {
        let pair = header.to_str().unwrap().split(';').next().unwrap();
        pair.split_once('=').map(|(_, value)| value.to_owned()).filter(|value| !value.is_empty())
    });
    Sealed { chunks: chunks.collect(), value, is: (generation, sub) }
}

/// The same bytes in every run, so that a finding can be run again.
struct Fixed(AtomicU64);

impl Random for Fixed {
    fn fill(&self, into: &mut [u8]) {
        for byte in into {
            // splitmix64
            let mut mixed =
                self.0.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            *byte = (mixed >> 56) as u8;
        }
    }
}
