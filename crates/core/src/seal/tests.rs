//! Sealed values: swapped, cut, flipped, and opened with the wrong keys.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::{HEAD, OpenError, Purpose, SealContext};
use crate::{
    key::Keyring,
    random::{Counted, Random},
};

const PURPOSES: [Purpose; 4] = [
    Purpose::SessionRecord,
    Purpose::SessionCard,
    Purpose::LoginTransaction,
    Purpose::LogoutTicket,
];

fn key(seed: u8) -> String {
    let bytes: [u8; 32] =
        std::array::from_fn(|at| u8::try_from(at * at * 7 % 256).unwrap().wrapping_add(seed));
    URL_SAFE_NO_PAD.encode(bytes)
}

fn keyring(seeds: &[u8]) -> Keyring {
    Keyring::parse(&seeds.iter().map(|seed| key(*seed)).collect::<Vec<_>>().join("\n")).unwrap()
}

fn context<'a>(name: &'a [u8], secret: &'a [u8]) -> SealContext<'a> {
    SealContext { purpose: Purpose::SessionRecord, name, secret }
}

/// 100, 101, 102, …
struct Rising;

impl Random for Rising {
    fn fill(&self, into: &mut [u8]) {
        for (byte, value) in into.iter_mut().zip(100..) {
            *byte = value;
        }
    }
}

/// The format is what records in stores are in: it may change with its version byte only.
///
/// Expected bytes by another implementation (Python's `cryptography`: HKDF, AESGCM, hashlib).
#[test]
fn r28_the_format_is_fixed() {
    let expected = "010d178d306465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f80818283\
                    da8904e70ab7274f327fbdbd42212dfed157c7f8";
    let context = context(b"record id", b"the browser's half");
    let sealed = keyring(&[1]).seal(&Rising, &context, b"coat");
    let hex: String = sealed.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, expected);
    assert_eq!(keyring(&[1]).open(&context, &sealed).unwrap().as_slice(), b"coat");
}

#[test]
fn r28_no_flipped_cut_or_added_byte_opens() {
    let keyring = keyring(&[1, 2]);
    let context = context(b"name", b"secret");
    for plain in [&b""[..], b"x", b"a plain text of some length"] {
        let sealed = keyring.seal(&Counted::from(1), &context, plain);
        assert_eq!(sealed.len(), HEAD + plain.len() + 16);
        assert_eq!(keyring.open(&context, &sealed).unwrap().as_slice(), plain);
        for at in 0..sealed.len() {
            for bit in 0..8 {
                let mut flipped = sealed.clone();
                flipped[at] ^= 1 << bit;
                assert_eq!(keyring.open(&context, &flipped), Err(OpenError), "{at} {bit}");
            }
            assert_eq!(keyring.open(&context, &sealed[..at]), Err(OpenError), "cut at {at}");
            assert_eq!(keyring.open(&context, &sealed[at + 1..]), Err(OpenError), "cut to {at}");
        }
        for byte in [0, sealed[sealed.len() - 1]] {
            let longer = [&sealed[..], &[byte]].concat();
            assert_eq!(keyring.open(&context, &longer), Err(OpenError));
        }
    }
}

/// A tag of one message is of no use under another's head, nor its key's name on another key.
#[test]
fn r28_parts_of_two_values_do_not_mix() {
    let keyring = keyring(&[1, 2]);
    let (context, random) = (context(b"name", b""), Counted::from(1));
    let first = keyring.seal(&random, &context, b"first");
    let second = keyring.seal(&random, &context, b"other");
    for cut in 1..first.len() {
        let mixed = [&first[..cut], &second[cut..]].concat();
        // Up to the salt both are alike.
        let whole = mixed == first || mixed == second;
        assert_eq!(keyring.open(&context, &mixed).is_ok(), whole, "cut at {cut}");
    }
    let other_key = self::keyring(&[2]).seal(&random, &context, b"first");
    let renamed = [&first[..1], &other_key[1..5], &first[5..]].concat();
    assert_eq!(keyring.open(&context, &renamed), Err(OpenError));
}

#[test]
fn r28_old_keys_open_and_the_newest_seals() {
    let (context, random) = (context(b"name", b"secret"), Counted::from(1));
    let (before, rotated, after) = (keyring(&[1]), keyring(&[2, 1]), keyring(&[2]));
    let old = before.seal(&random, &context, b"coat");
    assert_eq!(rotated.open(&context, &old).unwrap().as_slice(), b"coat");
    assert_eq!(after.open(&context, &old), Err(OpenError));

    let new = rotated.seal(&random, &context, b"coat");
    assert_eq!(new[1..5], rotated.newest().id().0);
    assert_eq!(after.open(&context, &new).unwrap().as_slice(), b"coat");
    assert_eq!(before.open(&context, &new), Err(OpenError));
}

#[test]
fn no_two_seals_are_alike() {
    let (keyring, random) = (keyring(&[1]), Counted::from(1));
    let context = context(b"name", b"secret");
    let first = keyring.seal(&random, &context, &[0; 64]);
    let second = keyring.seal(&random, &context, &[0; 64]);
    assert_ne!(first[5..37], second[5..37]);
    // The same key stream would show the same ciphertext here.
    assert!(first[37..].iter().zip(&second[37..]).filter(|(a, b)| a == b).count() < 8);
}

#[test]
fn debug_shows_neither_name_nor_secret() {
    let shown = format!("{:?}", context(b"NAME", b"SECRET"));
    assert!(!shown.contains("NAME") && !shown.contains("SECRET") && !shown.contains("83, 69, 67"));
}

type Owned = (usize, Vec<u8>, Vec<u8>);

fn borrowed((purpose, name, secret): &Owned) -> SealContext<'_> {
    SealContext { purpose: PURPOSES[*purpose], name, secret }
}

fn short() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// R28: purpose, name and secret half, each exactly; also where bytes move from one to the next.
    #[test]
    fn r28_it_opens_with_its_context_only(
        plain in proptest::collection::vec(any::<u8>(), 0..64),
        sealed_as in (0_usize..4, short(), short()),
        other in (0_usize..4, short(), short()),
        shift in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let other = if shift {
            let (purpose, mut name, mut secret) = sealed_as.clone();
            if let Some(byte) = name.pop() {
                secret.insert(0, byte);
            } else if !secret.is_empty() {
                name.push(secret.remove(0));
            }
            (purpose, name, secret)
        } else {
            other
        };
        let keyring = keyring(&[1, 2, 3]);
        let sealed =
            keyring.seal(&Counted::from(seed), &borrowed(&sealed_as), &plain);
        prop_assert_eq!(keyring.open(&borrowed(&sealed_as), &sealed).unwrap().to_vec(), plain);
        if other != sealed_as {
            prop_assert_eq!(keyring.open(&borrowed(&other), &sealed), Err(OpenError));
        }
    }

    #[test]
    fn arbitrary_bytes_do_not_open(
        known_head in any::<bool>(),
        mut bytes in proptest::collection::vec(any::<u8>(), 0..120),
    ) {
        let keyring = keyring(&[1]);
        if known_head && bytes.len() > 5 {
            bytes[0] = 1;
            bytes[1..5].copy_from_slice(&keyring.newest().id().0);
        }
        prop_assert_eq!(keyring.open(&context(b"", b""), &bytes), Err(OpenError));
    }

    /// A dump of what is sealed shows nothing of the text, the secret half or the key.
    #[test]
    fn r28_a_dump_shows_nothing(plain in "[a-zA-Z0-9._-]{24,200}", secret in any::<[u8; 32]>()) {
        let keyring = keyring(&[1]);
        let sealed =
            keyring.seal(&Counted::from(7), &context(b"record name", &secret), plain.as_bytes());
        let hidden = [plain.as_bytes(), &secret, keyring.newest().bytes(), b"record name"];
        for part in hidden.iter().flat_map(|hidden| hidden.windows(6)) {
            prop_assert!(!sealed.windows(6).any(|window| window == part));
        }
    }
}
