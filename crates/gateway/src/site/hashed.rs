//! Which file names hold a hash of the file's content.
//!
//! A name that is taken for hashed and is not keeps an old file in browsers for a year; the other
//! mistake costs a question and a 304. So a part of a name counts as a hash only where no person would
//! have written it. What bundlers write:
//!
//! | bundler | name | hash |
//! |---|---|---|
//! | Vite, Rollup, Astro | `assets/index-CQr_r7JY.js` | 8 of base64url |
//! | webpack, Parcel, Vue CLI | `js/app.3f2a9c1b.js`, `main.1b2c….chunk.js` | 8 or more of hex |
//! | esbuild, Angular | `chunk-3OYXKOFB.js` | 8 of base32 |
//!
//! A hash that could be a word (`DiwrgTda` as `SemiBold`, `iPhone15`) counts where hardly anything else
//! is: scripts and styles in the folders that bundlers write to. A page (`.html`) never counts.

/// Folders in which nearly every name is hashed.
const BUILT: [&str; 7] = ["assets", "static", "chunks", "_astro", "_nuxt", "_next", "immutable"];

/// Whether the file at `path` will never change, because its name would.
pub(super) fn is_hashed(path: &str) -> bool {
    let mut folders = path.split('/');
    let name = folders.next_back().unwrap_or_default();
    let is_built = folders.any(|folder| BUILT.contains(&folder));
    let Some((stem, extension)) = name.rsplit_once('.') else { return false };
    if matches!(extension, "html" | "htm") {
        return false;
    }
    let is_code = matches!(extension, "js" | "mjs" | "css" | "map");
    // The hash stands alone between dots, or after a dash at the end of such a part.
    stem.split('.').enumerate().any(|(index, part)| {
        let alone = index > 0 && is_hash(part, is_built, is_code);
        alone || after_dash(part).is_some_and(|part| is_hash(part, is_built, is_code))
    })
}

/// What follows the dash before the last eight characters (base64url has dashes of its own), or
/// before all that follows where that is hex.
fn after_dash(part: &str) -> Option<&str> {
    let dash = part.len().checked_sub(9)?;
    if part.is_char_boundary(dash) && part[dash..].starts_with('-') {
        return Some(&part[dash + 1..]);
    }
    part.rsplit_once('-').map(|(_, last)| last).filter(|last| is_hex(last))
}

fn is_hash(part: &str, is_built: bool, is_code: bool) -> bool {
    if is_hex(part) {
        return true;
    }
    if part.len() != 8 || !part.bytes().all(|byte| byte.is_ascii_alphanumeric() || is_dash(byte)) {
        return false;
    }
    let has = |class: fn(&u8) -> bool| part.bytes().any(|byte| class(&byte));
    let (lower, upper) = (has(u8::is_ascii_lowercase), has(u8::is_ascii_uppercase));
    let digit = has(u8::is_ascii_digit);
    if is_word(part) {
        // `KXQOFBTR`: nobody shouts in the name of a script.
        return is_code && upper && !lower && !digit;
    }
    let has_base32_alone =
        part.bytes().all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'2'..=b'7'));
    match (lower, upper, digit) {
        _ if is_camel_case(part) => is_built && is_code,
        (true, true, true) => true,
        (true, true, false) => is_built,
        (false, true, true) => is_built || (is_code && has_base32_alone),
        _ => is_built && is_code,
    }
}

fn is_dash(byte: u8) -> bool {
    matches!(byte, b'-' | b'_')
}

/// At least eight digits of hex, of one case, with a figure and a letter: neither a date nor a word.
fn is_hex(part: &str) -> bool {
    let bytes = part.as_bytes();
    bytes.len() >= 8
        && bytes.iter().any(u8::is_ascii_digit)
        && (bytes.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            || bytes.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F')))
        && bytes.iter().any(u8::is_ascii_alphabetic)
}

/// A word, a number, a word with a number behind it (`Chapter12`), a size (`1280x720`), several of
/// them with dashes between (`up_to_15`).
fn is_word(part: &str) -> bool {
    let is_number =
        |piece: &str| !piece.is_empty() && piece.bytes().all(|byte| byte.is_ascii_digit());
    part.split(['-', '_']).all(|piece| {
        let letters = without_number(piece);
        let small = letters.strip_prefix(|first: char| first.is_ascii_uppercase());
        let has_one_case = small.unwrap_or(letters).bytes().all(|byte| byte.is_ascii_lowercase())
            || letters.bytes().all(|byte| byte.is_ascii_uppercase());
        let is_size = piece.split_once('x').is_some_and(|(a, b)| is_number(a) && is_number(b));
        is_size || is_number(piece) || (letters.len() > 1 && has_one_case)
    })
}

/// Words that begin with capitals, with a number behind them or not: `darkMode`, `McDonald`.
fn is_camel_case(part: &str) -> bool {
    let letters = without_number(part);
    let mut previous_is_capital = false;
    letters.bytes().all(|byte| {
        let lone = previous_is_capital && !byte.is_ascii_lowercase();
        previous_is_capital = byte.is_ascii_uppercase();
        byte.is_ascii_alphabetic() && !lone
    }) && !previous_is_capital
}

fn without_number(piece: &str) -> &str {
    piece.trim_end_matches(|end: char| end.is_ascii_digit())
}
