//! The browser comes back (RFC 6749 §4.1.2, RFC 9207 §2.4).

use cloakroom_core::{secret::Token, time::Timestamp};
use url::form_urlencoded;

use crate::{Client, Metadata, Transaction};

/// The longest query that is looked at, in bytes.
const MAX_QUERY_BYTES: usize = 8 * 1024;

/// An authorization code that came back to the browser that asked for it; only [`judge_callback`]
/// makes one.
#[derive(Clone, Debug)]
pub struct Code(Token);

impl Code {
    pub(crate) fn token(&self) -> &Token {
        &self.0
    }
}

/// The parameters of a callback, each at most once; nothing of them is believed yet.
pub struct CallbackQuery {
    state: Option<String>,
    iss: Option<String>,
    code: Option<Token>,
    error: Option<String>,
}

/// Why a callback is refused. Nothing that came with it is in the error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallbackError {
    /// Too long, a parameter twice, both `code` and `error`, or neither.
    #[error("the callback's parameters are malformed")]
    Malformed,
    /// `state` is absent or not the transaction's (R4): another browser's login, or a forgery.
    #[error("the callback's state does not belong to this login")]
    WrongState,
    /// The login took longer than [`Transaction::LIFETIME`] (R21).
    #[error("the login took too long")]
    Expired,
    /// `iss` is absent although the provider promised it, or names another issuer (R6): a mix-up.
    #[error("the callback comes from another issuer")]
    WrongIssuer,
    /// The provider refused.
    #[error("the provider refused the login: {0}")]
    Refused(Refusal),
}

/// Why the provider refused a login (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The user or the provider's policy said no.
    #[error("access_denied")]
    AccessDenied,
    /// The user would have to do something and was not allowed to be asked (`prompt=none`).
    #[error("login_required or another interaction")]
    InteractionRequired,
    /// The provider is down or overloaded; later it may work.
    #[error("temporarily_unavailable")]
    TemporarilyUnavailable,
    /// The provider failed.
    #[error("server_error")]
    ServerError,
    /// The provider does not like our request: the operator's mistake, here or there.
    #[error("the request or the client's registration is wrong")]
    ClientRefused,
    /// An error code that is not registered.
    #[error("unknown error code")]
    Unknown,
}

impl CallbackError {
    /// Whether the provider said that it failed, so that a later try may work.
    pub fn is_outage(self) -> bool {
        matches!(self, Self::Refused(Refusal::TemporarilyUnavailable | Refusal::ServerError))
    }
}

impl CallbackQuery {
    /// Reads a callback's query, without the question mark.
    ///
    /// # Errors
    /// [`CallbackError::Malformed`] when it is too long or names any parameter twice (RFC 6749 §3.1).
    pub fn parse(query: &str) -> Result<Self, CallbackError> {
        if query.len() > MAX_QUERY_BYTES {
            return Err(CallbackError::Malformed);
        }
        let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
        let mut names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_ref()).collect();
        names.sort_unstable();
        if names.windows(2).any(|two| two[0] == two[1]) {
            return Err(CallbackError::Malformed);
        }
        let value = |wanted: &str| {
            pairs.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.to_string())
        };
        Ok(Self {
            state: value("state"),
            iss: value("iss"),
            code: value("code").map(Token::new),
            error: value("error"),
        })
    }

    /// `state`, to find the transaction's cookie by ([`Transaction::cookie_suffix_of`]).
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }
}

/// Lets a code through that belongs to this transaction, client and provider.
///
/// State comes first, age second and issuer third, so that even the provider's refusal counts only in
/// the browser that asked. The transaction is spent either way: delete its cookie.
///
/// # Errors
/// See [`CallbackError`]. After any of them no token request may be made.
pub fn judge_callback(
    transaction: &Transaction,
    client: &Client,
    metadata: &Metadata,
    query: &str,
    now: Timestamp,
) -> Result<Code, CallbackError> {
    let query = CallbackQuery::parse(query)?;
    if !query.state().is_some_and(|state| transaction.has_state(state)) {
        return Err(CallbackError::WrongState);
    }
    if transaction.is_expired(now) {
        return Err(CallbackError::Expired);
    }
    let issuer_fits = match &query.iss {
        Some(iss) => *iss == client.issuer,
        None => !metadata.sends_iss,
    };
    if !issuer_fits {
        return Err(CallbackError::WrongIssuer);
    }
    match (query.code, query.error) {
        (Some(code), None) if is_printable(code.expose()) => Ok(Code(code)),
        (None, Some(error)) => Err(CallbackError::Refused(Refusal::of(&error))),
        _ => Err(CallbackError::Malformed),
    }
}

impl Refusal {
    fn of(error: &str) -> Self {
        match error {
            "access_denied" => Self::AccessDenied,
            "login_required"
            | "interaction_required"
            | "account_selection_required"
            | "consent_required" => Self::InteractionRequired,
            "temporarily_unavailable" => Self::TemporarilyUnavailable,
            "server_error" => Self::ServerError,
            "invalid_request"
            | "unauthorized_client"
            | "unsupported_response_type"
            | "invalid_scope"
            | "invalid_target"
            | "invalid_request_uri"
            | "invalid_request_object"
            | "request_not_supported"
            | "request_uri_not_supported"
            | "registration_not_supported" => Self::ClientRefused,
            _ => Self::Unknown,
        }
    }
}

/// A code is visible ASCII (RFC 6749 appendix A.11).
fn is_printable(code: &str) -> bool {
    !code.is_empty() && code.bytes().all(|byte| matches!(byte, 0x20..=0x7e))
}
