//! Keyrings as operators write them, spoil them and leak them.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::{Keyring, KeyringError};
use crate::random::Counted;

/// 43 characters: 32 bytes, the first of which is `seed`.
fn line(seed: u8) -> String {
    URL_SAFE_NO_PAD.encode(bytes(seed))
}

fn bytes(seed: u8) -> [u8; 32] {
    std::array::from_fn(|at| u8::try_from(at * 7).unwrap().wrapping_add(seed))
}

fn ids(keyring: &Keyring) -> Vec<[u8; 4]> {
    std::iter::once(&keyring.newest).chain(&keyring.older).map(|key| key.id().0).collect()
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
    for keyring in [generated, two] {
        let text = keyring.to_text();
        let again = Keyring::parse(&text).unwrap();
        assert_eq!(ids(&again), ids(&keyring));
        assert_eq!(again.newest.bytes(), keyring.newest.bytes());
        assert_eq!(*again.to_text(), *text);
    }
}

#[test]
fn a_spoiled_keyring_names_its_line() {
    let good = line(1);
    let (head, last) = good.split_at(42);
    // 43 characters carry 258 bits; the two beyond 256 must be zero.
    assert_eq!(last, "o");
    let spoiled_end = format!("{head}p");
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
        (format!("\u{feff}{good}"), KeyringError::BadKey(1)),
        (format!("{good} # today's"), KeyringError::BadKey(1)),
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
            | KeyringError::Repeated(line) => line,
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
