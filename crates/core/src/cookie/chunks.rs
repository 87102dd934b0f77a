//! One value in several cookies (R23, R29).
//!
//! `name`, `name-1`, `name-2`: as many as the value needs, each as full as a browser keeps it, at most
//! [`MAX_CHUNKS`]. It is all or nothing: with a chunk missing, twice, of another size, or one too many,
//! there is no value. That the chunks belong together this module cannot know: what is in the value
//! must be sealed as one message, with its count ([`count`]).
//!
//! Whoever writes a value writes every name: those that it does not need are deleted in the same answer,
//! so that answers which arrive in another order leave no chunk of the one beside chunks of the other.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderValue};
use zeroize::Zeroizing;

use super::{Attributes, CookieName, MAX_COOKIE_BYTES, SetCookieError, expire, pairs, set, write};
use crate::secret::Token;

/// Chunks of one value: three full ones leave a quarter of the 16 KB that the gate lets through.
pub const MAX_CHUNKS: usize = 3;

/// What a request's cookies make of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Joined {
    /// There is no chunk of it.
    Absent,
    /// The whole value; nothing is known of it but that its chunks have the right sizes.
    Whole(Token),
    /// Chunks that make no value.
    Broken(ChunkFault),
}

/// Why chunks make no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChunkFault {
    /// A name comes more than once (R27).
    #[error("a chunk came twice")]
    Duplicate,
    /// One before the last is not there.
    #[error("a chunk is missing")]
    Missing,
    /// There are more than a value may have, or one is numbered as none of ours is.
    #[error("there are chunks too many")]
    Extra,
    /// One is not as long as a chunk in its place is, or no text.
    #[error("a chunk has another size")]
    Size,
}

/// How many chunks a value of `length` bytes has under `name`, `None` where they are too many.
pub fn count(name: &CookieName, length: usize) -> Option<usize> {
    let mut left = length;
    for index in 0..MAX_CHUNKS {
        let room = room(name, index);
        if left <= room {
            return Some(index + 1);
        }
        left -= room;
    }
    None
}

/// The longest value that fits, in bytes.
pub fn longest(name: &CookieName) -> usize {
    (0..MAX_CHUNKS).map(|index| room(name, index)).sum()
}

/// The `Set-Cookie` values for `value`, which also delete the chunks that it does not need.
///
/// # Errors
/// When the value is too long even in [`MAX_CHUNKS`], or what [`set`] refuses.
pub fn set_chunked(
    name: &CookieName,
    value: &str,
    attributes: &Attributes,
) -> Result<Vec<HeaderValue>, SetCookieError> {
    write::check_value(value)?;
    if count(name, value.len()).is_none() {
        return Err(SetCookieError::TooLarge(value.len()));
    }
    let mut left = value;
    let mut cookies = Vec::with_capacity(MAX_CHUNKS);
    for index in 0..MAX_CHUNKS {
        let name = chunk_name(name, index);
        let (chunk, rest) = left.split_at(left.len().min(MAX_COOKIE_BYTES - name.as_str().len()));
        cookies.push(match chunk {
            "" if index > 0 => expire(&name, attributes),
            chunk => set(&name, chunk, attributes)?,
        });
        left = rest;
    }
    Ok(cookies)
}

/// The `Set-Cookie` values that delete every chunk.
pub fn expire_chunked(name: &CookieName, attributes: &Attributes) -> Vec<HeaderValue> {
    (0..MAX_CHUNKS).map(|index| expire(&chunk_name(name, index), attributes)).collect()
}

/// Puts the value together from a request's cookies.
pub fn join(headers: &HeaderMap, name: &CookieName) -> Joined {
    let mut chunks = BTreeMap::new();
    for (cookie, value) in pairs(headers) {
        match index(name, cookie) {
            Index::None => {}
            Index::Foreign => return Joined::Broken(ChunkFault::Extra),
            Index::At(index) => {
                if chunks.insert(index, value).is_some() {
                    return Joined::Broken(ChunkFault::Duplicate);
                }
            }
        }
    }
    let Some(last) = chunks.len().checked_sub(1) else { return Joined::Absent };
    let mut whole = Zeroizing::new(String::new());
    for (place, (index, chunk)) in chunks.into_iter().enumerate() {
        if index != place {
            return Joined::Broken(ChunkFault::Missing);
        }
        let room = room(name, index);
        let right_size = chunk.len() == room || (index == last && (1..room).contains(&chunk.len()));
        match std::str::from_utf8(chunk) {
            Ok(text) if right_size => whole.push_str(text),
            _ => return Joined::Broken(ChunkFault::Size),
        }
    }
    Joined::Whole(Token::new(std::mem::take(&mut *whole)))
}

/// Whose chunk a cookie is.
enum Index {
    /// No chunk of this value.
    None,
    At(usize),
    /// Numbered as none of ours is: too high, `-0`, `-01`.
    Foreign,
}

fn index(name: &CookieName, cookie: &[u8]) -> Index {
    let Some(suffix) = cookie.strip_prefix(name.as_str().as_bytes()) else { return Index::None };
    match suffix {
        [] => Index::At(0),
        [b'-', digits @ ..] if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) => {
            let known = |index: &usize| digits == index.to_string().as_bytes();
            (1..MAX_CHUNKS).find(known).map_or(Index::Foreign, Index::At)
        }
        _ => Index::None,
    }
}

fn chunk_name(name: &CookieName, index: usize) -> CookieName {
    match index {
        0 => name.clone(),
        index => name.with_suffix(&format!("-{index}")).unwrap_or_else(|_| name.clone()),
    }
}

/// Bytes of value that the chunk in that place holds.
fn room(name: &CookieName, index: usize) -> usize {
    MAX_COOKIE_BYTES - chunk_name(name, index).as_str().len()
}
