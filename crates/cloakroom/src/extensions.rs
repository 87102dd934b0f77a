//! What a request carries in its extensions for the service behind.

use std::{fmt, net::IpAddr, sync::Arc};

use cloakroom_core::{
    jwt::VerifiedClaims,
    origin::PublicOrigin,
    session::{Record, RecordId, UserKey},
};
use http::HeaderValue;
use serde_json::{Map, Value};

/// The session of a request, in the extensions of what the service behind receives.
#[derive(Clone)]
pub struct CurrentSession {
    id: RecordId,
    record: Arc<Record>,
}

/// The claims of the token that a client brought itself, on a route that accepts such clients; in the
/// extensions of what the service behind receives.
#[derive(Clone, Debug)]
pub struct CurrentBearer(Arc<VerifiedClaims>);

impl CurrentBearer {
    pub(crate) fn new(claims: Arc<VerifiedClaims>) -> Self {
        Self(claims)
    }

    /// The claims.
    pub fn claims(&self) -> &VerifiedClaims {
        &self.0
    }
}

/// The address of the client, in the extensions of what [`crate::Cloakroom::handle`] gets: that a login
/// came from there is shown to its user in the list of sessions.
///
/// The layer believes no header (R68). Whoever puts it there knows the TCP peer and which proxies to
/// believe; without it sessions are listed without an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// The place of the matched route in [`crate::Settings::routes`], in the request's extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MatchedRoute(pub usize);

/// The public origin that the request is for, in the request's extensions.
#[derive(Clone, Debug)]
pub struct ServedOrigin(pub Arc<PublicOrigin>);

/// The request's id, in the request's extensions and in `X-Request-Id`.
#[derive(Clone, Debug)]
pub struct RequestId(pub(crate) HeaderValue);

impl Default for RequestId {
    fn default() -> Self {
        Self(HeaderValue::from_static("-"))
    }
}

impl RequestId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or("-")
    }
}

impl CurrentSession {
    pub(crate) fn new(id: RecordId, record: Arc<Record>) -> Self {
        Self { id, record }
    }

    /// The user: issuer and subject (R10).
    pub fn user(&self) -> &UserKey {
        &self.record.user
    }

    /// The ID Token's claims about the user.
    pub fn claims(&self) -> &Map<String, Value> {
        &self.record.claims
    }

    /// A name of the session that opens nothing.
    pub fn sid(&self) -> String {
        self.id.handle()
    }
}

impl fmt::Debug for CurrentSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CurrentSession").field(&self.sid()).finish()
    }
}
