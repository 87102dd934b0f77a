//! Keys that somebody made up.
//!
//! Nothing here measures randomness. It refuses what people put in for a key: a repeated byte, a
//! sequence, a passphrase, typed or encoded. A random key passes each of these rules but for a chance
//! below 2⁻⁴⁵.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::KEY_BYTES;

/// Characters of an encoded key.
const TEXT: usize = 43;

pub(super) fn is_weak(bytes: &[u8; KEY_BYTES]) -> bool {
    let mut text = Zeroizing::new([0; TEXT]);
    let encoded = URL_SAFE_NO_PAD.encode_slice(bytes, text.as_mut_slice());
    debug_assert_eq!(encoded, Ok(TEXT));
    // The last character carries four bits of the key alone, and says nothing about a pattern.
    let typed = &text[..TEXT - 1];
    is_monotonous(bytes, 9)
        || is_monotonous(typed, 12)
        || has_period(bytes)
        || has_period(typed)
        || bytes.iter().all(|byte| matches!(byte, b' '..=b'~'))
        || is_words(typed, u8::is_ascii_lowercase)
        || is_words(typed, u8::is_ascii_uppercase)
        || typed.iter().all(u8::is_ascii_hexdigit)
}

/// Whether there are fewer than `least` different values, or steps from one value to the next.
fn is_monotonous(values: &[u8], least: usize) -> bool {
    let steps = values.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]));
    different(values.iter().copied()) < least || different(steps) < least
}

fn different(values: impl Iterator<Item = u8>) -> usize {
    let mut seen = [false; 256];
    for value in values {
        seen[usize::from(value)] = true;
    }
    seen.iter().filter(|seen| **seen).count()
}

/// Whether it is one shorter text again and again.
fn has_period(values: &[u8]) -> bool {
    (1..=values.len() / 2).any(|period| values[period..] == values[..values.len() - period])
}

/// Whether it is words of such letters with dashes between them, and a number behind.
fn is_words(text: &[u8], such: impl Fn(&u8) -> bool) -> bool {
    let number = text.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let mut words = text[..text.len() - number].iter();
    words.all(|byte| such(byte) || matches!(byte, b'-' | b'_'))
}
