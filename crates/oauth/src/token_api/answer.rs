//! What the service's answer to our refresh request means.

use http::{HeaderMap, StatusCode};

use super::{Lifted, LoginAnswer, TokenPointers, lift_tokens};
use crate::{TokenError, TokenErrorKind};

/// Judges an answer to our refresh request; `body` is without its content coding.
///
/// | answer | kind |
/// |---|---|
/// | 2xx with an access token | good |
/// | 400, 401, 403 in any form | `InvalidGrant`: such services say no other way that a refresh token is dead |
/// | 404, 405, 415, 422 and other 4xx | `ClientRefused`: the address or the request's shape is wrong |
/// | 408, 429, 5xx, redirects, a 2xx without a token or that makes no sense | `Outage` |
///
/// # Errors
/// See [`TokenError::kind`].
pub fn judge_refresh_answer(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    pointers: &TokenPointers,
) -> Result<Lifted, TokenError> {
    let fail = |kind, reason| Err(TokenError::new(kind, reason, status, headers));
    match status {
        // No browser gets it: what else it holds is nobody's trouble.
        status if status.is_success() => match lift_tokens(body, &pointers.of_sessions(), None) {
            Ok(LoginAnswer::Tokens(lifted)) => Ok(lifted),
            Ok(LoginAnswer::WithoutToken) => {
                fail(TokenErrorKind::Outage, "the answer has no token where the pointer leads")
            }
            Err(_) => fail(TokenErrorKind::Outage, "the answer has no usable tokens"),
        },
        StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            fail(TokenErrorKind::InvalidGrant, "the refresh token is refused")
        }
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
            fail(TokenErrorKind::Outage, "the service cannot answer now")
        }
        status if status.is_client_error() => fail(
            TokenErrorKind::ClientRefused,
            "the service does not understand the refresh request; are its URL and shape right?",
        ),
        _ => fail(TokenErrorKind::Outage, "the service cannot answer now"),
    }
}
