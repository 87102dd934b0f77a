//! Cloakroom's OAuth 2.0 and OpenID Connect client, without I/O and without a clock.
//!
//! It builds requests as values and judges answers that somebody else fetched; `now` and randomness
//! are arguments. The way of a login:
//!
//! 1. [`discovery_request`] → [`Metadata::parse`] (R3, R8); [`jwks_request`] → [`JwksCache`] (R53).
//! 2. [`begin`] makes a [`Transaction`], which the layer seals into a cookie, and the URL of the
//!    provider's login page: code flow with PKCE S256, `state` and `nonce` (R1, R2, R4, R5).
//! 3. [`judge_callback`] lets a [`Code`] through only to the browser that began (R4, R6).
//! 4. [`code_request`] → [`judge_token_answer`] → [`TokenAnswer`]; [`verify_id_token`] (R9).
//! 5. Later: [`refresh_request`] with [`verify_refreshed_id_token`] (R10, R15); at the end
//!    [`revocation_requests`] (R17) and [`end_session_url`] (R47). Where the provider ends a session
//!    itself it says so by a token: [`verify_logout_token`] (R49).
//!
//! JSON login services that are no OAuth have [`token_api`].
//!
//! No error of this crate holds a token, a code, a verifier, a secret, or text that the provider
//! wrote (R72) — but for what its metadata says of itself. The requests do hold secrets, in their
//! bodies: never print an `http::Request` of this crate.
//!
//! Not supported yet: PAR, DPoP, `private_key_jwt`, mutual TLS (R12, R13), `form_post`, userinfo.

mod authorize;
mod callback;
mod client;
mod discovery;
mod end_session;
mod id_token;
mod jwks;
mod logout_token;
mod metadata;
mod revoke;
mod token;
pub mod token_api;
mod transaction;

#[cfg(test)]
mod tests;

pub use authorize::{asking_who_is_there, begin};
pub use callback::{CallbackError, CallbackQuery, Code, Refusal, judge_callback};
pub use client::{Client, ClientAuth, is_reserved_parameter};
pub use discovery::{IssuerError, check_issuer, discovery_request};
pub use end_session::{MAX_HINT_BYTES, end_session_url};
pub use id_token::{
    IdClaims, IdTokenError, names_other_user, verify_id_token, verify_refreshed_id_token,
};
pub use jwks::{JwksCache, JwksUrl, jwks_request};
pub use logout_token::{LoggedOut, LogoutToken, verify_logout_token};
pub use metadata::{Metadata, MetadataError, MetadataFault, published_jwks_url};
pub use revoke::revocation_requests;
pub use token::{
    TokenAnswer, TokenError, TokenErrorKind, code_request, judge_token_answer, refresh_request,
};
pub use transaction::Transaction;

/// The most that the layer reads of any answer of a provider, in bytes.
pub const MAX_ANSWER_BYTES: usize = 256 * 1024;
