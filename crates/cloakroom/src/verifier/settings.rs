//! What a service decides about the access tokens that it believes.

use cloakroom_core::jwt::{Algorithm, KeySet};
use cloakroom_oauth::JwksUrl;

/// How the access tokens of one issuer are verified (R51–R59).
#[derive(Clone, Debug)]
pub struct AccessTokenSettings {
    /// What `iss` must be.
    pub issuer: Named,
    /// What `aud` must be or have among it (R59).
    pub audience: Named,
    /// What the issuer signs with (R51).
    pub algorithms: Vec<Algorithm>,
    /// What it signs with, seen from this side.
    pub keys: KeySource,
}

/// A name that tokens carry, compared byte for byte.
///
/// The weaker rules are for a login service whose tokens name nobody: every token that its key has
/// signed counts then, whatever it was made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// This one; in `aud`, among others or alone.
    Is(String),
    /// Weaker: none, or this one.
    AbsentOrIs(String),
    /// Weaker: none; a token that names anybody is refused.
    Absent,
}

impl Named {
    /// Whether a token that names `name` can pass.
    pub(super) fn fits(&self, name: Option<&str>) -> bool {
        match self {
            Self::Is(wanted) => name == Some(wanted),
            Self::AbsentOrIs(wanted) => name.is_none_or(|name| name == wanted),
            Self::Absent => name.is_none(),
        }
    }
}

/// Where the keys are.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// Published where the metadata of this issuer says; fetched, and fetched again when a token names
    /// an unknown key, at a bounded rate (R53).
    IssuerMetadata(String),
    /// Published here; fetched likewise.
    Jwks(JwksUrl),
    /// Known: a PEM file's or a shared secret's.
    Fixed(KeySet),
}
