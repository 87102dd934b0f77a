//! Keyrings as operators write them, spoil them and leak them.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::{Keyring, KeyringError};
use crate::random::{self, Counted};

mod rotating;
mod weak;

/// 43 characters, another key for each seed.
fn line(seed: u8) -> String {
    let bytes: [u8; 32] = random::bytes(&Counted::from(seed.into()));
    URL_SAFE_NO_PAD.encode(bytes)
}

fn ids(keyring: &Keyring) -> Vec<[u8; 4]> {
    keyring.keys().map(|key| key.id().0).collect()
}

#[test]
fn r28_keys_are_read_in_their_order() {
    let (first, second) = (line(1), line(2));
    let read = |text: &str| ids(&Keyring::parse(text).unwrap());
    let expected = read(&format!("{first}\n{second}\n"));
    assert_eq!(expected.len(), 2);
    assert_eq!(read(&format!("{second}\n{first}")), [expected[1], expected[0]]);
    for text in [
        format!("# ours\n{first}\n\n# the old one\n{second}"),
        format!("{first}\r\n{second}\r\n"),
        format!("  {first}\t\n\t{second}  \n\n"),
    ] {
        assert_eq!(read(&text), expected, "{text:?}");
    }
}

#[test]
fn what_is_written_is_read() {
    let generated = Keyring::generate(&Counted::from(1));
    assert_eq!(generated.newest.bytes().len(), 32);
    let two = Keyring::parse(&format!("{}\n{}", line(1), line(2))).unwrap();
    let waiting = format!("{} since 2026-11-23T22:35:08Z\n{} next\n{}", line(1), line(2), line(3));
    for keyring in [generated, two, Keyring::parse(&waiting).unwrap()] {
        let text = keyring.to_text();
        let again = Keyring::parse(&text).unwrap();
        assert_eq!(ids(&again), ids(&keyring));
        assert_eq!(again.newest.bytes(), keyring.newest.bytes());
        assert_eq!(*again.to_text(), *text);
        assert!(keyring.is_same(&again));
        let line = keyring.to_line();
        assert!(!line.contains('\n'));
        assert_eq!(*Keyring::parse(&line).unwrap().to_text(), *text);
    }
}

#[test]
fn a_spoiled_keyring_names_its_line() {
    let good = line(1);
    let head = &good[..42];
    // 43 characters carry 258 bits; the two beyond 256 must be zero.
    let last = good.as_bytes()[42];
    assert!(b"AEIMQUYcgkosw048".contains(&last));
    let spoiled_end = format!("{head}{}", char::from(last + 1));
    let zeros = URL_SAFE_NO_PAD.encode([0; 32]);
    let few = URL_SAFE_NO_PAD.encode([1, 2, 3, 4, 5, 6, 7, 8].repeat(4));
    for (text, error) in [
        (String::new(), KeyringError::Empty),
        ("\n# nothing here\n  \n".to_owned(), KeyringError::Empty),
        (format!("{good}="), KeyringError::BadKey(1)),
        (format!("# key\n\n{head}"), KeyringError::BadKey(3)),
        (format!("{good}\n{good}A"), KeyringError::BadKey(2)),
        (format!("{good}\n{}", &good[..40]), KeyringError::BadKey(2)),
        (spoiled_end, KeyringError::BadKey(1)),
        (format!("+{}", &good[1..]), KeyringError::BadKey(1)),
        (format!("/{}", &good[1..]), KeyringError::BadKey(1)),
        (format!("é{}", &good[2..]), KeyringError::BadKey(1)),
        (format!("{} {}", &good[..20], &good[21..]), KeyringError::BadKey(1)),
        (format!("{good},"), KeyringError::BadKey(1)),
        (format!("{good} next"), KeyringError::Empty),
        (format!("{good}\n{} next\n{} next", line(2), line(3)), KeyringError::SecondNext(3)),
        (format!("\u{feff}{good}"), KeyringError::BadKey(1)),
        (format!("{good} # today's"), KeyringError::BadNote(1)),
        (format!("{good} next next"), KeyringError::BadNote(1)),
        (format!("{good}\n{} since", line(2)), KeyringError::BadNote(2)),
        (format!("{good} since yesterday"), KeyringError::BadNote(1)),
        (format!("{good} since 2026-02-29T00:00:00Z"), KeyringError::BadNote(1)),
        (format!("{good} since 2026-11-23T24:00:00Z"), KeyringError::BadNote(1)),
        (format!("{good} since 2026-11-23T22:35:08+01:00"), KeyringError::BadNote(1)),
        (format!("{good}{}", line(2)), KeyringError::BadKey(1)),
        (format!("{good}\n{zeros}"), KeyringError::Weak(2)),
        (few, KeyringError::Weak(1)),
        (format!("{good}\n{}\n{good}", line(2)), KeyringError::Repeated(3)),
    ] {
        let found = Keyring::parse(&text).unwrap_err();
        assert_eq!(found, error, "{text:?}");
        let line = match error {
            KeyringError::Empty => continue,
            KeyringError::BadKey(line)
            | KeyringError::Weak(line)
            | KeyringError::Repeated(line)
            | KeyringError::BadNote(line)
            | KeyringError::SecondNext(line) => line,
        };
        assert!(found.to_string().contains(&format!("line {line}")), "{found}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// R72: whatever is wrong with a key, the error does not repeat it; nor does `Debug`.
    #[test]
    fn r72_no_key_is_shown(
        key in any::<[u8; 32]>(),
        at in 0_usize..43,
        to in "[ -~éß\u{2000}]{0,3}",
    ) {
        let text = URL_SAFE_NO_PAD.encode(key);
        let spoiled = format!("{}{to}{}", &text[..at], &text[at + 1..]);
        let both = format!("{text}\n{spoiled}");
        let shown = match Keyring::parse(&both) {
            Ok(keyring) => format!("{keyring:?} {keyring:#?}"),
            Err(error) => format!("{error} {error:?} {error:#?}"),
        };
        for part in text.as_bytes().windows(6).map(|part| std::str::from_utf8(part).unwrap()) {
            prop_assert!(!shown.contains(part), "{}", shown);
        }
        let decimal = format!("{}, {}, {}", key[0], key[1], key[2]);
        prop_assert!(!shown.contains(&decimal), "{}", shown);
    }

    #[test]
    fn arbitrary_text_is_judged_without_panic(text in "\\PC{0,60}(\n\\PC{0,60}){0,3}") {
        if let Ok(keyring) = Keyring::parse(&text) {
            prop_assert_eq!(ids(&Keyring::parse(&keyring.to_text()).unwrap()), ids(&keyring));
        }
    }
}
