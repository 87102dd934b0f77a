//! The provider says that a session is over (OpenID Connect Back-Channel Logout §2.4, §2.6; R49).

use cloakroom_core::{
    jwt::{
        self, AudienceRule, DEFAULT_LEEWAY, Expectation, IssuerRule, JwtError, KeySet, TokenKind,
        VerifiedClaims,
    },
    session::{ProviderSession, UserKey},
    time::Timestamp,
};

use crate::{Client, Metadata};

/// A logout token that passed every check but one: whether it came before. Only this module makes it.
///
/// It counts once: ask for [`LogoutToken::jti`] before anything ends by it, and remember that until
/// [`LogoutToken::counts_until`].
#[derive(Clone, Debug)]
pub struct LogoutToken {
    verified: VerifiedClaims,
}

/// What a logout token ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoggedOut {
    /// What hangs on this one session at the provider.
    Session(ProviderSession),
    /// All sessions of this user.
    User(UserKey),
}

/// Checks a logout token that anybody may have sent: signature, `iss`, `aud`, times, the logout event,
/// no `nonce`. It is signed as ID Tokens are.
///
/// # Errors
/// The first rule that it breaks; [`JwtError::refetch_may_help`] as for an ID Token.
pub fn verify_logout_token(
    client: &Client,
    metadata: &Metadata,
    keys: &KeySet,
    token: &str,
    now: Timestamp,
) -> Result<LogoutToken, JwtError> {
    let expect = Expectation {
        issuer: IssuerRule::Is(&client.issuer),
        audience: AudienceRule::Includes(&client.client_id),
        algorithms: &metadata.id_token_algorithms,
        kind: TokenKind::LogoutToken,
        leeway: DEFAULT_LEEWAY,
    };
    Ok(LogoutToken { verified: jwt::verify(token, keys, &expect, now)? })
}

impl LogoutToken {
    /// The session where it names one; else all of the user's (§2.7).
    pub fn ends(&self) -> LoggedOut {
        let iss = self.text("iss");
        match self.verified.claims().contains_key("sid") {
            true => LoggedOut::Session(ProviderSession { iss, sid: self.text("sid") }),
            false => LoggedOut::User(UserKey { iss, sub: self.text("sub") }),
        }
    }

    /// The issuer's name for this token.
    pub fn jti(&self) -> String {
        self.text("jti")
    }

    /// From when on [`verify_logout_token`] refuses it, by the same clock.
    pub fn counts_until(&self) -> Timestamp {
        self.verified.expires_at().plus(DEFAULT_LEEWAY)
    }

    /// A claim that [`jwt::verify`] has seen to be a text, where it is there.
    fn text(&self, name: &str) -> String {
        let text = self.verified.claims().get(name).and_then(serde_json::Value::as_str);
        text.unwrap_or_default().to_owned()
    }
}
