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

/// A name that tokens carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// Exactly this one.
    Is(String),
    /// Weaker: whatever stands there, or nothing. For a login service whose tokens name neither an
    /// issuer nor an audience; every token that its key has signed counts, whatever it was made for.
    AnyBecauseTheServiceNamesNone,
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
