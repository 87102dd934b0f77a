//! What the provider remembers: single sign-on sessions, codes and families of refresh tokens.
//! Rules only; the time is an argument.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::keys;
use crate::random;

/// What happens when a refresh token comes that has been replaced by a newer one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReusePolicy {
    /// The whole family ends, the newest token too (RFC 9700 §4.14.2).
    #[default]
    RevokeFamily,
    /// For this long after the replacement it still works and gets a further token; then the family
    /// ends.
    Grace(Duration),
    /// Refresh tokens are never replaced: each answer repeats the one that came.
    NoRotation,
}

/// What a user has granted to a client in one login.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    pub(super) client_id: String,
    pub(super) user: String,
    pub(super) scope: String,
    pub(super) audience: String,
    pub(super) nonce: Option<String>,
    pub(super) sid: String,
    pub(super) auth_time: Duration,
}

impl Grant {
    /// Whether refresh tokens go with it.
    pub(super) fn offline(&self) -> bool {
        self.scope.split(' ').any(|scope| scope == "offline_access")
    }
}

/// A session of single sign-on, named by the provider's own cookie.
#[derive(Clone, Debug)]
pub(super) struct SsoSession {
    pub(super) user: String,
    pub(super) sid: String,
    pub(super) auth_time: Duration,
}

/// An authorization code that waits for its exchange.
pub(super) struct Code {
    pub(super) grant: Arc<Grant>,
    pub(super) redirect_uri: String,
    pub(super) challenge: String,
    pub(super) expires: Duration,
}

struct Family {
    grant: Arc<Grant>,
    live: bool,
}

struct RefreshToken {
    family: usize,
    replaced: Option<Duration>,
}

/// The request is refused as `invalid_grant` (RFC 6749 §5.2).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct InvalidGrant;

#[derive(Default)]
pub(super) struct Grants {
    sso: HashMap<String, SsoSession>,
    codes: HashMap<String, Code>,
    /// Which family came out of a code, so that its replay ends it (RFC 6749 §4.1.2).
    used_codes: HashMap<String, usize>,
    families: Vec<Family>,
    refresh_tokens: HashMap<String, RefreshToken>,
}

impl Grants {
    /// Begins a single sign-on session and returns its cookie's value.
    pub(super) fn start_sso(&mut self, user: String, now: Duration) -> (String, SsoSession) {
        let session = SsoSession { user, sid: random::token(), auth_time: now };
        let cookie = random::token();
        self.sso.insert(cookie.clone(), session.clone());
        (cookie, session)
    }

    pub(super) fn sso(&self, cookie: &str) -> Option<&SsoSession> {
        self.sso.get(cookie)
    }

    pub(super) fn end_sso(&mut self, sid: &str) {
        self.sso.retain(|_, session| session.sid != sid);
    }

    pub(super) fn insert_code(&mut self, code: Code) -> String {
        let value = random::token();
        self.codes.insert(value.clone(), code);
        value
    }

    /// Consumes a code, whatever comes of it, and opens a family for its refresh tokens.
    pub(super) fn exchange(
        &mut self,
        code: &str,
        client_id: &str,
        redirect_uri: &str,
        verifier: &str,
        now: Duration,
    ) -> Result<(Arc<Grant>, usize), InvalidGrant> {
        if let Some(&family) = self.used_codes.get(code) {
            self.families[family].live = false;
        }
        let found = self.codes.remove(code).ok_or(InvalidGrant)?;
        let family = self.open_family(&found.grant);
        self.used_codes.insert(code.to_owned(), family);
        let good = found.grant.client_id == client_id
            && found.redirect_uri == redirect_uri
            && found.challenge == keys::s256(verifier)
            && now < found.expires;
        self.families[family].live = good;
        if good { Ok((found.grant, family)) } else { Err(InvalidGrant) }
    }

    pub(super) fn open_family(&mut self, grant: &Arc<Grant>) -> usize {
        self.families.push(Family { grant: Arc::clone(grant), live: true });
        self.families.len() - 1
    }

    pub(super) fn issue_refresh_token(&mut self, family: usize) -> String {
        let token = random::token();
        self.refresh_tokens.insert(token.clone(), RefreshToken { family, replaced: None });
        token
    }

    /// The grant behind a refresh token, if it may be used now; a forbidden reuse ends its family.
    pub(super) fn refresh(
        &mut self,
        token: &str,
        client_id: &str,
        policy: ReusePolicy,
        now: Duration,
    ) -> Result<(Arc<Grant>, usize), InvalidGrant> {
        let found = self.refresh_tokens.get(token).ok_or(InvalidGrant)?;
        let family = &mut self.families[found.family];
        if family.grant.client_id != client_id {
            return Err(InvalidGrant);
        }
        let usable = match (found.replaced, policy) {
            (None, _) | (_, ReusePolicy::NoRotation) => true,
            (Some(_), ReusePolicy::RevokeFamily) => false,
            (Some(at), ReusePolicy::Grace(time)) => now < at + time,
        };
        family.live &= usable;
        // A nonce belongs to the answer of an authorization request alone (Core §12.2).
        let grant = Grant { nonce: None, ..Grant::clone(&family.grant) };
        if family.live { Ok((Arc::new(grant), found.family)) } else { Err(InvalidGrant) }
    }

    /// The token that comes after `token`. The first replacement counts for the grace.
    pub(super) fn rotate(
        &mut self,
        token: &str,
        family: usize,
        policy: ReusePolicy,
        now: Duration,
    ) -> String {
        if policy == ReusePolicy::NoRotation {
            return token.to_owned();
        }
        if let Some(old) = self.refresh_tokens.get_mut(token) {
            old.replaced.get_or_insert(now);
        }
        self.issue_refresh_token(family)
    }

    /// Ends the family of a refresh token (RFC 7009 §2.1); an unknown token changes nothing.
    pub(super) fn revoke(&mut self, token: &str, client_id: &str) {
        if let Some(found) = self.refresh_tokens.get(token) {
            let family = &mut self.families[found.family];
            family.live &= family.grant.client_id != client_id;
        }
    }

    /// How many grants with a refresh token still live.
    pub(super) fn live(&self) -> usize {
        self.families.iter().filter(|family| family.live && family.grant.offline()).count()
    }
}
