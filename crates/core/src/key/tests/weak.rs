//! Keys that people make up.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::prelude::*;

use crate::key::{KEY_BYTES, Keyring, KeyringError};

fn judge(text: &str) -> Option<KeyringError> {
    Keyring::parse(text).err()
}

#[test]
fn made_up_bytes_are_refused() {
    let made_up: [[u8; KEY_BYTES]; 8] = [
        [0; KEY_BYTES],
        [0xff; KEY_BYTES],
        std::array::from_fn(|at| u8::try_from(at).unwrap()),
        std::array::from_fn(|at| 255 - u8::try_from(at * 3).unwrap()),
        std::array::from_fn(|at| [0xde, 0xad, 0xbe, 0xef][at % 4]),
        // Random, but half as long as it should be.
        std::array::from_fn(|at| {
            b"\x8f\x11\xc2\x59\x03\xee\x70\x4a\xb5\x2d\x96\xfa\x1c\x67\xd8\x33"[at % 16]
        }),
        *b"my secret passphrase is this one",
        *b"0123456789abcdef0123456789ABCDEF",
    ];
    for bytes in made_up {
        let text = URL_SAFE_NO_PAD.encode(bytes);
        assert_eq!(judge(&text), Some(KeyringError::Weak(1)), "{text}");
    }
}

#[test]
fn made_up_texts_are_refused() {
    for text in [
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopw",
        "abcdefghijklmnopqrstuvwxyz0123456789-_ABCDE",
        "change-me-change-me-change-me-change-me-chA",
        "correct-horse-battery-staple-and-some-moreA",
        "thisisnotarandomkeybutasentenceofmanywordsA",
        "pleasedonotusethisexamplekeyinproduction12A",
        "YOUR-SECRET-KEY-GOES-HERE-DO-NOT-FORGET-ITA",
        "0123456789abcdef0123456789abcdef0123456789A",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2bA",
    ] {
        assert_eq!(text.len(), 43, "{text}");
        assert_eq!(judge(text), Some(KeyringError::Weak(1)), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn random_keys_pass(key in any::<u128>(), other in any::<u128>()) {
        // proptest likes small numbers; a key has none.
        prop_assume!(key > u128::MAX >> 16 && other > u128::MAX >> 16);
        let bytes = [key.to_be_bytes(), other.to_be_bytes()].concat();
        prop_assert_eq!(judge(&URL_SAFE_NO_PAD.encode(bytes)), None);
    }

    /// A hundred dictionary-like words, in any case and order, are no key.
    #[test]
    fn encoded_passphrases_are_refused(phrase in "[ -~]{32}") {
        let text = URL_SAFE_NO_PAD.encode(phrase);
        prop_assert_eq!(judge(&text), Some(KeyringError::Weak(1)));
    }
}
