//! Finds a place in the bytes of a JSON text, so that the bytes around it can stay as they are.
//!
//! The text was checked before ([`cloakroom_core::jwt::json`]). On any other text the functions find
//! nothing or nonsense, but they end and do not panic.

use std::ops::Range;

use super::pointer::{Pointer, index};

/// One member of an object or element of an array.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// From the name's opening quote, or from the element's first byte, to the value's last byte.
    pub(super) whole: Range<usize>,
    /// The value alone.
    pub(super) value: Range<usize>,
}

/// A place: an entry among those of its object or array.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// All entries of the object or array, in their order.
    pub(super) entries: Vec<Entry>,
    /// Which of them.
    pub(super) number: usize,
}

impl Place {
    /// The entry at the place.
    pub(super) fn entry(&self) -> &Entry {
        &self.entries[self.number]
    }
}

/// The place that the pointer leads to; `None` where the text has no such place.
pub(super) fn find(text: &[u8], pointer: &Pointer) -> Option<Place> {
    let mut at = skip_blank(text, 0);
    let mut found = None;
    for segment in pointer.segments() {
        let entries = entries(text, at);
        let number = match text.get(at)? {
            b'{' => entries.iter().position(|entry| has_name(text, entry, segment))?,
            b'[' => index(segment).filter(|index| *index < entries.len())?,
            _ => return None,
        };
        at = entries[number].value.start;
        found = Some(Place { entries, number });
    }
    found
}

/// Compares after unescaping, as whoever parses the text would.
fn has_name(text: &[u8], entry: &Entry, name: &str) -> bool {
    let quoted = &text[entry.whole.start..string_end(text, entry.whole.start)];
    serde_json::from_slice::<String>(quoted).is_ok_and(|found| found == name)
}

/// The entries of the object or array that opens at `open`.
fn entries(text: &[u8], open: usize) -> Vec<Entry> {
    let mut entries = Vec::new();
    let named = text.get(open) == Some(&b'{');
    let mut at = skip_blank(text, open + 1);
    while !matches!(text.get(at), None | Some(b'}' | b']')) {
        let start = at;
        if named {
            let colon = skip_blank(text, string_end(text, at));
            at = skip_blank(text, colon + 1);
        }
        let end = value_end(text, at);
        entries.push(Entry { whole: start..end, value: at.min(end)..end });
        at = skip_blank(text, end);
        if text.get(at) != Some(&b',') {
            break;
        }
        at = skip_blank(text, at + 1);
    }
    entries
}

fn skip_blank(text: &[u8], from: usize) -> usize {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    let rest = text.get(from..).unwrap_or_default();
    from.min(text.len()) + rest.iter().take_while(|byte| blank(byte)).count()
}

/// Behind the value that begins at `from`.
fn value_end(text: &[u8], from: usize) -> usize {
    let mut at = from;
    let mut depth = 0_usize;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => {
                at = string_end(text, at);
                if depth == 0 {
                    return at;
                }
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' | b',' | b' ' | b'\t' | b'\n' | b'\r' if depth == 0 => return at,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    text.len()
}

/// Behind the closing quote of the string whose opening quote is at `from`.
fn string_end(text: &[u8], from: usize) -> usize {
    let mut at = from + 1;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}
