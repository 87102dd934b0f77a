//! What a token must be.

use std::time::Duration;

use super::Algorithm;

/// What a token must be to be believed.
#[derive(Clone, Copy, Debug)]
pub struct Expectation<'a> {
    /// What `iss` must be.
    pub issuer: IssuerRule<'a>,
    /// What `aud` must name (R59).
    pub audience: AudienceRule<'a>,
    /// The algorithms that this issuer signs with (R51).
    pub algorithms: &'a [Algorithm],
    /// What the token is for (R58).
    pub kind: TokenKind,
    /// How far the issuer's clock may be off; more than [`super::MAX_LEEWAY`] counts as that.
    pub leeway: Duration,
}

impl Expectation<'_> {
    /// Hands on, part by part and in a fixed order, all that tells one expectation from another but the
    /// leeway, which only the times are judged by.
    pub(super) fn identify(&self, part: &mut impl FnMut(&[u8])) {
        match self.issuer {
            IssuerRule::Is(issuer) => {
                part(b"is");
                part(issuer.as_bytes());
            }
            IssuerRule::AbsentOrIs(issuer) => {
                part(b"absent or is");
                part(issuer.as_bytes());
            }
            IssuerRule::Absent => part(b"absent"),
        }
        match self.audience {
            AudienceRule::Includes(audience) => {
                part(b"includes");
                part(audience.as_bytes());
            }
            AudienceRule::IncludesOneOf(audiences) => {
                part(b"includes one of");
                part(&(audiences.len() as u64).to_be_bytes());
                for audience in audiences {
                    part(audience.as_bytes());
                }
            }
            AudienceRule::AbsentOrIncludes(audience) => {
                part(b"absent or includes");
                part(audience.as_bytes());
            }
            AudienceRule::Absent => part(b"absent"),
        }
        part(match self.kind {
            TokenKind::AccessToken => b"access token",
            TokenKind::IdToken => b"ID Token",
            TokenKind::LogoutToken => b"logout token",
        });
        part(&(self.algorithms.len() as u64).to_be_bytes());
        for algorithm in self.algorithms {
            part(algorithm.name().as_bytes());
        }
    }
}

/// What `iss` must be; compared byte for byte.
///
/// Without `iss` a token is tied to its issuer by the key alone: choose the weaker rules only for a
/// service whose tokens have none and whose key nobody else signs with.
#[derive(Clone, Copy, Debug)]
pub enum IssuerRule<'a> {
    /// This issuer.
    Is(&'a str),
    /// Weaker: absent, or this issuer.
    AbsentOrIs(&'a str),
    /// Weaker: absent; a token that names an issuer is refused.
    Absent,
}

/// What `aud`, a text or a list of texts, must name.
///
/// Without `aud` a token that the same issuer made for another API passes for ours: choose the weaker
/// rules only for a service whose tokens have none.
#[derive(Clone, Copy, Debug)]
pub enum AudienceRule<'a> {
    /// This one, among others or alone.
    Includes(&'a str),
    /// At least one of these; an empty list is satisfied by no token.
    IncludesOneOf(&'a [String]),
    /// Weaker: absent, or this one, among others or alone.
    AbsentOrIncludes(&'a str),
    /// Weaker: absent; a token that names an audience is not for us (RFC 7519 §4.1.3).
    Absent,
}

/// What a token is for; no token passes as two of them (R58).
///
/// `typ` is compared without case and with or without `application/` (RFC 7515 §4.1.9). Most
/// providers send `JWT` or nothing for every kind, so the claims are looked at too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// For an API. `typ` is `at+jwt` (RFC 9068), `JWT` or absent; no `at_hash`, `c_hash` or `s_hash`,
    /// no logout event, and Keycloak's `typ` claim, if any, is neither `ID` nor a refresh token's.
    AccessToken,
    /// For the client, about the user. `typ` is `JWT` or absent; `sub` and `iat` required, no logout
    /// event (OpenID Connect Core §2).
    IdToken,
    /// For the client, about the end of a session. `typ` is `logout+jwt`, `JWT` or absent; `iat`,
    /// `jti`, the logout event and `sub` or `sid` required, no `nonce` (OpenID Connect Back-Channel
    /// Logout §2.4; R49). It counts until its `exp`, which may be absent, and no longer than an hour
    /// after its `iat`.
    LogoutToken,
}
