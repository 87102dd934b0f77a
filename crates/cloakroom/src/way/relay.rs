//! The relay: our cookies off, the bearer on (R35, R63).

use cloakroom_core::{
    cookie::{self, CookieName, ReservedNames},
    csrf::CsrfChecked,
    guard::SameOrigin,
    secret::Token,
};
use http::{HeaderMap, HeaderValue};

use super::{bearer::VerifiedBearer, gate::Admitted, route::Matched, session::LiveSession};
use crate::{reason::Reason, refusal::Refusal, settings::TokenHeader};

/// Takes our cookies off a request, whether or not a session goes along; but for `kept`, where there is
/// one.
pub(crate) fn strip(
    headers: &mut HeaderMap,
    reserved: &ReservedNames,
    kept: Option<&CookieName>,
    _admitted: &Admitted,
) {
    cookie::strip_but(headers, |name| reserved.contains(name), kept);
}

/// Takes off what a client sent under the name that the route's token goes by.
pub(crate) fn drop_client_token(headers: &mut HeaderMap, matched: &Matched<'_>) {
    headers.remove(&matched.route().token.name);
}

/// Puts the session's access token on a request.
///
/// With [`pass_on`] the only place where a token is put on. It takes the proofs of all rooms before it.
pub(crate) fn carry(
    headers: &mut HeaderMap,
    _admitted: &Admitted,
    matched: &Matched<'_>,
    _ours: &SameOrigin,
    _csrf: &CsrfChecked,
    session: &LiveSession,
) -> Result<(), Refusal> {
    debug_assert!(matched.takes_sessions());
    put(headers, matched, &session.record().tokens.access_token)
}

/// Puts the client's own token back on a request; its proof stands in the place of the guard's and the
/// session's.
pub(crate) fn pass_on(
    headers: &mut HeaderMap,
    _admitted: &Admitted,
    matched: &Matched<'_>,
    bearer: &VerifiedBearer,
) -> Result<(), Refusal> {
    debug_assert!(matched.accepts_bearer());
    put(headers, matched, bearer.token())
}

/// As the route wants it.
fn put(headers: &mut HeaderMap, matched: &Matched<'_>, token: &Token) -> Result<(), Refusal> {
    let TokenHeader { name, scheme } = &matched.route().token;
    let text = match scheme.as_str() {
        "" => token.expose().to_owned(),
        scheme => format!("{scheme} {}", token.expose()),
    };
    let mut value = HeaderValue::try_from(text).map_err(|_| {
        Refusal::new(
            Reason::ProviderUnavailable,
            "the provider's access token cannot stand in a header",
        )
    })?;
    value.set_sensitive(true);
    headers.insert(name, value);
    Ok(())
}
