//! Why a token is not believed.

use super::json::JsonError;

/// The rule that a token breaks. No part of the token is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwtError {
    /// Longer than [`super::MAX_TOKEN_BYTES`].
    #[error("the token is too long")]
    TooLong,
    /// Not three non-empty parts with dots between.
    #[error("the token is not three parts with dots between")]
    NotCompact,
    /// A part is not canonical unpadded base64url (R54).
    #[error("a part of the token is not canonical base64url")]
    Encoding,
    /// The header or the claims are not strict JSON (R56).
    #[error("the token's JSON is refused: {0}")]
    Json(#[from] JsonError),
    /// `alg` is absent or not one that the issuer signs with (R51).
    #[error("the token's alg is not one that its issuer signs with")]
    Algorithm,
    /// `crit` or `b64` asks for rules that are not understood (R55).
    #[error("the token's header demands an extension that is not understood")]
    Critical,
    /// A header parameter or claim has the wrong JSON type.
    #[error("{0} is not of the right type")]
    WrongType(&'static str),
    /// A claim that this kind of token must have is not there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// The token is of another kind (R58).
    #[error("the token is of another kind than expected")]
    Kind,
    /// The key set has no key for the token's `kid` and `alg`, or, without a `kid`, none that fits.
    #[error("the issuer's key set has no key for this token")]
    UnknownKey,
    /// The token names no key, and several would do.
    #[error("the token names no key and the issuer has several")]
    AmbiguousKey,
    /// The signature does not fit the key.
    #[error("the signature is wrong")]
    Signature,
    /// `iss` is another issuer, or one where none was agreed.
    #[error("the issuer is another")]
    Issuer,
    /// `aud` does not name us, or somebody where none was agreed (R59).
    #[error("the token is for another audience")]
    Audience,
    /// `exp`, `nbf` or `iat` is negative or beyond the year 9999 (R57).
    #[error("{0} is out of range")]
    TimeRange(&'static str),
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `nbf` is to come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `iat` is to come.
    #[error("the token was issued in the future")]
    IssuedInFuture,
}

impl JwtError {
    /// Whether the issuer may have changed its keys since the set was fetched (R53): the key is
    /// unknown, or has the same name and no longer fits.
    pub fn refetch_may_help(self) -> bool {
        matches!(self, Self::UnknownKey | Self::Signature)
    }
}
