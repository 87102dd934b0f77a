//! The CSRF token at the edge: asked of requests, handed to the page (R41).
//!
//! The page gets it in `GET session` and, where one is configured, in a companion cookie that its scripts
//! can read. That cookie is for this host alone, also where the session's is for a whole domain: a page of
//! a sibling subdomain must not read it. Nothing is ever compared with it.

use std::sync::Arc;

use cloakroom_core::{
    cookie::{self, Attributes, CookieName},
    csrf::{self, CsrfChecked, CsrfRule},
    random::Random,
    secret::Token,
    session::RecordId,
};
use http::{HeaderMap, HeaderValue, Method, header::SET_COOKIE};

use crate::{keyring::SharedKeyring, reason::Reason, refusal::Refusal, settings::Settings};

/// Asks for CSRF tokens and makes them.
pub(crate) struct Csrf {
    rule: CsrfRule,
    companion: Option<(CookieName, Attributes)>,
    keyring: SharedKeyring,
    random: Arc<dyn Random>,
}

impl Csrf {
    pub(crate) fn new(
        settings: &Settings,
        keyring: SharedKeyring,
        random: Arc<dyn Random>,
    ) -> Self {
        let (rule, name) = match settings.csrf_token() {
            Some(token) => (CsrfRule::Header(token.header), token.cookie),
            None => (CsrfRule::NotAsked, None),
        };
        let session = &settings.cookie;
        let attributes = Attributes::host(session.same_site, session.lifetime);
        Self { rule, companion: name.map(|name| (name, attributes)), keyring, random }
    }

    /// Demands the token of `session` where the method is unsafe.
    ///
    /// A browser without the right companion gets it with the refusal, so that the next try succeeds:
    /// who may read that answer is our own page.
    pub(crate) fn check(
        &self,
        method: &Method,
        headers: &HeaderMap,
        session: RecordId,
    ) -> Result<CsrfChecked, Refusal> {
        self.rule.check(&self.keyring.get(), method, headers, &session).map_err(|error| {
            let refusal = Refusal::new(Reason::CsrfToken, error.to_string());
            match self.missing_companion(headers, session) {
                Some(cookie) => refusal.with_header(SET_COOKIE, cookie),
                None => refusal,
            }
        })
    }

    /// A token for the page; `None` where none is asked for.
    pub(crate) fn token(&self, session: RecordId) -> Option<Token> {
        match self.rule {
            CsrfRule::NotAsked => None,
            CsrfRule::Header(_) => Some(csrf::token(&self.keyring.get(), &session, &*self.random)),
        }
    }

    /// The companion cookie of a session that has just begun.
    pub(crate) fn companion(&self, session: RecordId) -> Option<HeaderValue> {
        let (name, attributes) = self.companion.as_ref()?;
        let token = csrf::token(&self.keyring.get(), &session, &*self.random);
        cookie::set_readable(name, token.expose(), attributes).ok()
    }

    /// The companion cookie, where the request came without one of its session: another host of the
    /// domain logged in, the page deleted it, or somebody planted another.
    pub(crate) fn missing_companion(
        &self,
        headers: &HeaderMap,
        session: RecordId,
    ) -> Option<HeaderValue> {
        let (name, _) = self.companion.as_ref()?;
        let keyring = self.keyring.get();
        let wanted = name.as_str().as_bytes();
        let good = cookie::pairs(headers)
            .any(|(name, value)| name == wanted && csrf::is_token_of(&keyring, &session, value));
        if good { None } else { self.companion(session) }
    }

    /// Deletes the companion cookie.
    pub(crate) fn expire(&self) -> Option<HeaderValue> {
        self.companion.as_ref().map(|(name, attributes)| cookie::expire(name, attributes))
    }

    /// Takes the token off a request: it is ours, like the cookie (R35).
    pub(crate) fn strip(&self, headers: &mut HeaderMap) {
        if let CsrfRule::Header(name) = &self.rule {
            headers.remove(name);
        }
    }
}
