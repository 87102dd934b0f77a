//! One login under way, from the redirect to the provider to the callback.

use std::time::Duration;

use aws_lc_rs::{constant_time, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use cloakroom_core::{
    random::{self, Random},
    return_to::ReturnTo,
    secret::Token,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// What binds a callback to the browser that began the login (R4, R5, R2). The layer keeps it sealed
/// in a cookie of its own, one for each login, so that several tabs can log in at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    provider: String,
    redirect_uri: String,
    state: Token,
    nonce: Token,
    verifier: Token,
    return_to: ReturnTo,
    created_at: Timestamp,
}

impl Transaction {
    /// How long a login may take (R21): ten minutes.
    pub const LIFETIME: Duration = Duration::from_secs(10 * 60);

    pub(crate) fn new(
        provider: &str,
        redirect_uri: &str,
        return_to: ReturnTo,
        now: Timestamp,
        random: &dyn Random,
    ) -> Self {
        Self {
            provider: provider.to_owned(),
            redirect_uri: redirect_uri.to_owned(),
            state: fresh(random),
            nonce: fresh(random),
            verifier: fresh(random),
            return_to,
            created_at: now,
        }
    }

    /// The configured name of the provider (R7).
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// The callback that the provider was told: the code is spent with the same.
    pub(crate) fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// Where the login leads back to.
    pub fn return_to(&self) -> &ReturnTo {
        &self.return_to
    }

    /// When it began.
    pub fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// Whether it is older than [`Transaction::LIFETIME`] at `now`.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now.since(self.created_at) >= Self::LIFETIME
    }

    /// The end of the transaction cookie's name; [`Transaction::cookie_suffix_of`] the `state`.
    pub fn cookie_suffix(&self) -> String {
        Self::cookie_suffix_of(self.state.expose())
    }

    /// Eight base64url characters of the hash of `state`: a callback finds its own cookie by them and
    /// the name tells nothing of the state.
    pub fn cookie_suffix_of(state: &str) -> String {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(b"cloakroom login v1\0");
        context.update(state.as_bytes());
        let mut name = URL_SAFE_NO_PAD.encode(context.finish());
        name.truncate(8);
        name
    }

    /// Compares in constant time.
    pub(crate) fn has_state(&self, state: &str) -> bool {
        same(self.state.expose(), state)
    }

    /// Compares in constant time.
    pub(crate) fn has_nonce(&self, nonce: &str) -> bool {
        same(self.nonce.expose(), nonce)
    }

    pub(crate) fn state(&self) -> &Token {
        &self.state
    }

    pub(crate) fn nonce(&self) -> &Token {
        &self.nonce
    }

    pub(crate) fn verifier(&self) -> &Token {
        &self.verifier
    }

    /// BASE64URL(SHA-256(verifier)) (RFC 7636 §4.2).
    pub(crate) fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, self.verifier.expose().as_bytes()))
    }
}

fn same(ours: &str, theirs: &str) -> bool {
    constant_time::verify_slices_are_equal(ours.as_bytes(), theirs.as_bytes()).is_ok()
}

/// 256 random bits in 43 characters: enough for a state and a nonce, and the shortest verifier that
/// RFC 7636 §4.1 allows.
fn fresh(random: &dyn Random) -> Token {
    let bytes: [u8; 32] = random::bytes(random);
    Token::new(URL_SAFE_NO_PAD.encode(bytes))
}
