//! JSON pointers (RFC 6901), and which of them a login answer is read by.

use std::fmt;

use serde_json::{Map, Value};

/// The most segments of a pointer: strict JSON nests no deeper.
const MAX_SEGMENTS: usize = 32;

/// A place in a JSON document: `/data/access_token`, or the whole of it where it is empty.
///
/// ```
/// use cloakroom_oauth::token_api::Pointer;
///
/// assert_eq!(Pointer::parse("/a~1b/0")?.to_string(), "/a~1b/0");
/// assert!(Pointer::parse("token").is_err());
/// # Ok::<(), cloakroom_oauth::token_api::PointerError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointer {
    segments: Vec<String>,
}

/// Why a text is no pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PointerError {
    /// It does not begin with a slash.
    #[error("a pointer begins with `/`")]
    NoSlash,
    /// It has a `~` before something other than `0` or `1`.
    #[error("in a pointer `~` is written `~0` and a `/` within a name `~1`")]
    Escape,
    /// It has more segments than strict JSON has levels.
    #[error("a pointer has at most {MAX_SEGMENTS} segments")]
    TooDeep,
}

impl Pointer {
    /// Reads a pointer.
    ///
    /// # Errors
    /// See [`PointerError`].
    pub fn parse(text: &str) -> Result<Self, PointerError> {
        if text.is_empty() {
            return Ok(Self { segments: Vec::new() });
        }
        let segments = text.strip_prefix('/').ok_or(PointerError::NoSlash)?.split('/');
        let segments = segments.map(unescape).collect::<Option<Vec<_>>>();
        let segments = segments.ok_or(PointerError::Escape)?;
        if segments.len() > MAX_SEGMENTS {
            return Err(PointerError::TooDeep);
        }
        Ok(Self { segments })
    }

    /// Whether it names the whole document.
    pub fn is_root(&self) -> bool {
        self.segments.is_empty()
    }

    /// The name of the member that the place is, or is in.
    pub fn last_name(&self) -> Option<&str> {
        self.segments.iter().rev().find(|segment| index(segment).is_none()).map(String::as_str)
    }

    /// The names and indices on the way to the place.
    pub(super) fn segments(&self) -> &[String] {
        &self.segments
    }

    /// The value at the place.
    pub(super) fn read<'v>(&self, document: &'v Value) -> Option<&'v Value> {
        self.segments.iter().try_fold(document, |value, segment| match value {
            Value::Object(members) => members.get(segment),
            Value::Array(elements) => elements.get(index(segment)?),
            _ => None,
        })
    }

    /// Puts a value at the place, making objects on the way.
    pub(super) fn write(&self, document: &mut Value, value: Value) {
        let mut place = document;
        for segment in &self.segments {
            if !place.is_object() {
                *place = Value::Object(Map::new());
            }
            place = &mut place[segment.as_str()];
        }
        *place = value;
    }

    /// Whether one of the two places is the other or within it.
    fn overlaps(&self, other: &Self) -> bool {
        self.segments.iter().zip(&other.segments).all(|(a, b)| a == b)
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.segments
            .iter()
            .try_for_each(|segment| write!(f, "/{}", segment.replace('~', "~0").replace('/', "~1")))
    }
}

/// Which element of an array a segment means: digits without a leading zero (RFC 6901 §4).
pub(super) fn index(segment: &str) -> Option<usize> {
    let digits = !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit());
    let plain = digits && (segment == "0" || !segment.starts_with('0'));
    if plain { segment.parse().ok() } else { None }
}

fn unescape(segment: &str) -> Option<String> {
    let mut pieces = segment.split('~');
    let mut name = pieces.next()?.to_owned();
    for piece in pieces {
        let (escaped, rest) = piece.split_at_checked(1)?;
        name.push(match escaped {
            "0" => '~',
            "1" => '/',
            _ => return None,
        });
        name.push_str(rest);
    }
    Some(name)
}

/// Where an answer has its tokens: places of which none is within another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenPointers {
    pub(super) access_token: Pointer,
    pub(super) refresh_token: Option<Pointer>,
    pub(super) expires_in: Option<Pointer>,
    pub(super) others: Vec<Pointer>,
}

/// Two pointers lead to the same place, or one of them leads to the whole document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` and `{1}` lead to the same place, or one of the two within the other")]
pub struct PointersOverlap(pub Pointer, pub Pointer);

impl TokenPointers {
    /// The places of the access token and, where the service sends them, of the refresh token and of
    /// the access token's lifetime in seconds.
    ///
    /// # Errors
    /// When one place is another or within it.
    pub fn new(
        access_token: Pointer,
        refresh_token: Option<Pointer>,
        expires_in: Option<Pointer>,
    ) -> Result<Self, PointersOverlap> {
        Self { access_token, refresh_token, expires_in, others: Vec::new() }.checked()
    }

    /// The same with the places of tokens that nobody needs, an ID Token's for instance: they are lifted
    /// like the others, and dropped.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn and_others(self, others: Vec<Pointer>) -> Result<Self, PointersOverlap> {
        Self { others, ..self }.checked()
    }

    fn checked(self) -> Result<Self, PointersOverlap> {
        let all: Vec<_> = self.tokens().chain(&self.expires_in).collect();
        for (number, one) in all.iter().enumerate() {
            if let Some(other) = all[..number].iter().find(|other| one.overlaps(other)) {
                return Err(PointersOverlap((*other).clone(), (*one).clone()));
            }
        }
        if self.access_token.is_root() {
            return Err(PointersOverlap(self.access_token.clone(), self.access_token));
        }
        Ok(self)
    }

    /// Where a token of any kind is.
    pub fn tokens(&self) -> impl Iterator<Item = &Pointer> {
        std::iter::once(&self.access_token).chain(&self.refresh_token).chain(&self.others)
    }

    /// The same without the tokens that nobody needs.
    pub(super) fn of_sessions(&self) -> Self {
        Self { others: Vec::new(), ..self.clone() }
    }

    /// Where the access token is.
    pub fn access_token(&self) -> &Pointer {
        &self.access_token
    }

    /// Where the refresh token is, if there is one.
    pub fn refresh_token(&self) -> Option<&Pointer> {
        self.refresh_token.as_ref()
    }

    /// Where tokens are that nobody needs.
    pub fn others(&self) -> &[Pointer] {
        &self.others
    }
}
