//! Text that must never be printed.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// A token, code, client secret or verifier: wiped when dropped, hidden in `Debug` (R72).
///
/// Equality is not constant-time; compare attacker-supplied values by their hash or MAC.
///
/// ```
/// let token = cloakroom_core::secret::Token::new("eyJhbGciOi…");
/// assert_eq!(format!("{token:?}"), "Token(hidden)");
/// assert_eq!(token.expose(), "eyJhbGciOi…");
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Token(Zeroizing<String>);

impl Token {
    /// Takes `text` in; from here on it shows only through [`Token::expose`].
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The secret itself: for the wire and for the seal, never for a log or an error.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(hidden)")
    }
}
