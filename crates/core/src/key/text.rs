//! A keyring as text: one key a line, the one that seals first.
//!
//! ```text
//! # Cloakroom's keyring: …
//! <43 characters> since 2026-11-23T22:35:08Z
//! <43 characters> next
//! <43 characters>
//! ```
//!
//! Behind a key may stand when it began to seal, or that it waits for its turn.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::{KEY_BYTES, Key, Keyring, weak};
use crate::time::Timestamp;

/// Why a keyring's text cannot be used. Lines count from 1; the key itself is never named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// There is no key in it, or none that seals.
    #[error("the keyring holds no key that seals")]
    Empty,
    /// The line is not 32 bytes in unpadded base64url (43 characters).
    #[error("line {0} of the keyring is not a 32-byte key in base64url (43 characters)")]
    BadKey(usize),
    /// The key is a pattern or a passphrase.
    #[error("the key in line {0} of the keyring is not random")]
    Weak(usize),
    /// The line repeats an earlier key.
    #[error("line {0} of the keyring repeats an earlier key")]
    Repeated(usize),
    /// Behind the key stands something unknown.
    #[error("behind the key in line {0} stands neither `next` nor `since` and a time")]
    BadNote(usize),
    /// Two keys wait for their turn.
    #[error("line {0} of the keyring has a second key with `next`")]
    SecondNext(usize),
}

impl Keyring {
    /// Reads one key a line; the first that is not marked `next` seals. Keys in one line are parted by
    /// commas; empty lines and lines that begin with `#` are skipped.
    ///
    /// # Errors
    /// Names the first line that is wrong.
    pub fn parse(text: &str) -> Result<Self, KeyringError> {
        let mut keys: Vec<Key> = Vec::new();
        let mut next = None;
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            for entry in line.split(',') {
                let (key, waits) = parse_key(entry.trim(), index + 1)?;
                if keys.iter().chain(&next).any(|known| known.id == key.id) {
                    return Err(KeyringError::Repeated(index + 1));
                }
                if !waits {
                    keys.push(key);
                } else if next.replace(key).is_some() {
                    return Err(KeyringError::SecondNext(index + 1));
                }
            }
        }
        let mut keys = keys.into_iter();
        let newest = keys.next().ok_or(KeyringError::Empty)?;
        Ok(Self { newest, next, older: keys.collect() })
    }

    /// The text that [`Keyring::parse`] reads, for a file.
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::from(
            "# Cloakroom's keyring: one key a line. The first seals, all of them open. Keep it secret.\n",
        ));
        for entry in self.entries() {
            text.push_str(&entry);
            text.push('\n');
        }
        text
    }

    /// The text that [`Keyring::parse`] reads, in one line, for an environment variable.
    pub fn to_line(&self) -> Zeroizing<String> {
        let mut line = Zeroizing::new(String::new());
        for entry in self.entries() {
            if !line.is_empty() {
                line.push(',');
            }
            line.push_str(&entry);
        }
        line
    }

    fn entries(&self) -> impl Iterator<Item = Zeroizing<String>> {
        self.keys().map(|key| {
            let mut entry = Zeroizing::new(URL_SAFE_NO_PAD.encode(key.bytes()));
            if self.next.as_ref().is_some_and(|next| next.id == key.id) {
                entry.push_str(" next");
            } else if let Some(since) = key.since {
                entry.push_str(" since ");
                entry.push_str(&write_time(since));
            }
            entry
        })
    }
}

/// The key, and whether it waits for its turn.
fn parse_key(entry: &str, line: usize) -> Result<(Key, bool), KeyringError> {
    let (text, note) = entry.split_once([' ', '\t']).unwrap_or((entry, ""));
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    match URL_SAFE_NO_PAD.decode_slice(text, bytes.as_mut_slice()) {
        Ok(KEY_BYTES) => {}
        _ => return Err(KeyringError::BadKey(line)),
    }
    if weak::is_weak(&bytes) {
        return Err(KeyringError::Weak(line));
    }
    let mut key = Key::new(bytes);
    let mut words = note.split_ascii_whitespace();
    let waits = match (words.next(), words.next(), words.next()) {
        (None, ..) => false,
        (Some("next"), None, _) => true,
        (Some("since"), Some(time), None) => {
            key.since = Some(parse_time(time).ok_or(KeyringError::BadNote(line))?);
            false
        }
        _ => return Err(KeyringError::BadNote(line)),
    };
    Ok((key, waits))
}

/// As RFC 3339 writes it, in UTC and whole seconds.
fn write_time(time: Timestamp) -> String {
    let seconds = time.as_unix_seconds();
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Reads what [`write_time`] writes, and nothing else.
fn parse_time(text: &str) -> Option<Timestamp> {
    let number = |at: std::ops::Range<usize>| {
        let digits = text.get(at).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        digits?.parse::<u64>().ok()
    };
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    let fits = year >= 1970 && (1..=12).contains(&month) && day >= 1;
    let days = fits.then(|| days(year, month, day))?;
    let time = Timestamp::from_unix_seconds(days * 86_400 + hour * 3600 + minute * 60 + second);
    // A date or an hour that there is not comes out as another one.
    (write_time(time) == text).then_some(time)
}

/// Year, month and day, `days` days after 1970-01-01 (the Gregorian calendar; its years begin in March
/// here, so that the leap day is the last).
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

/// The other way round; `year` is 1970 or later.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = year - u64::from(month <= 2);
    let (era, year) = (year / 400, year % 400);
    let month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    (era * 146_097 + year * 365 + year / 4 - year / 100 + day_of_year).saturating_sub(719_468)
}
