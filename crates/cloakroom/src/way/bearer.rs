//! The bearer: a client that keeps its own token and sends it itself (RFC 6750), on a route that
//! accepts such clients.
//!
//! 1. `Authorization` comes once; a request with two is not well formed. What is no bearer, or the
//!    placeholder that a front end was given instead of a token, counts as absent.
//! 2. A session cookie beside it is refused: nobody can tell whose request it is.
//! 3. The token is verified ([`crate::Verifier`]): by the provider whose issuer it names, for the
//!    audience that is configured.
//!
//! **Why the guard is not asked.** Cross-site request forgery lives on what a browser adds to a request
//! by itself: cookies, passwords of HTTP Basic, client certificates. It never adds a bearer token. A
//! page of another site would have to know the token, and could then as well send it from anywhere; and
//! to set the header from a page it would need consent in a preflight, which a route with sessions gives
//! to listed origins alone. It cannot use the user's session either: with the cookie beside it the request is refused.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use cloakroom_core::{jwt::VerifiedClaims, secret::Token};
use http::{HeaderMap, HeaderValue, header::WWW_AUTHENTICATE};

use super::{gate::Admitted, route::Matched};
use crate::{Shared, reason::Reason, refusal::Refusal};

/// The proof that a request brought a good token of its own, and nothing else that says whose it is.
#[derive(Debug)]
pub(crate) struct VerifiedBearer {
    token: Token,
    claims: Arc<VerifiedClaims>,
}

impl VerifiedBearer {
    pub(crate) fn token(&self) -> &Token {
        &self.token
    }

    pub(crate) fn claims(&self) -> &Arc<VerifiedClaims> {
        &self.claims
    }
}

/// Finds and verifies the request's own token; `Ok(None)` where it brings none.
pub(crate) async fn find(
    shared: &Shared,
    headers: &HeaderMap,
    admitted: &Admitted,
    matched: &Matched<'_>,
) -> Result<Option<VerifiedBearer>, Refusal> {
    if !matched.accepts_bearer() {
        return Ok(None);
    }
    let Some(token) = presented(admitted.authorization())? else { return Ok(None) };
    let providers = shared.settings.providers.iter();
    let mut inert = providers.filter_map(|provider| provider.kind.placeholder());
    if inert.any(|placeholder| placeholder == token.expose()) {
        return Ok(None);
    }
    if shared.sessions.is_named(headers) {
        return Err(Refusal::new(Reason::TwoCredentials, "a session cookie beside a bearer token"));
    }
    let claims = shared.verifiers.verify(token.expose(), shared.clock.now()).await?;
    Ok(Some(VerifiedBearer { token, claims }))
}

/// The challenge of a route that accepts bearers, for who brings nothing (RFC 6750 §3).
pub(crate) fn challenge(refusal: Refusal) -> Refusal {
    refusal.with_header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
}

/// The token in `Authorization`, where that is a bearer.
pub(crate) fn presented(authorization: &[HeaderValue]) -> Result<Option<Token>, Refusal> {
    let mut bearers = authorization.iter().filter_map(credentials);
    let Some(credentials) = bearers.next() else { return Ok(None) };
    if authorization.len() > 1 {
        return Err(Refusal::new(Reason::BadRequest, "two Authorization headers"));
    }
    // Whatever else it is: the verifier says so.
    let token = std::str::from_utf8(credentials).map_err(|_| Refusal::invalid_token("not text"))?;
    Ok(Some(Token::new(token)))
}

/// What follows the scheme `Bearer`, whose case does not matter (RFC 9110 §11.1).
fn credentials(value: &HeaderValue) -> Option<&[u8]> {
    const SCHEME: &[u8] = b"bearer";
    let (scheme, rest) = value.as_bytes().split_at_checked(SCHEME.len())?;
    if !scheme.eq_ignore_ascii_case(SCHEME) || !matches!(rest, [] | [b' ', ..]) {
        return None;
    }
    let start = rest.iter().position(|byte| *byte != b' ').unwrap_or(rest.len());
    Some(&rest[start..])
}
