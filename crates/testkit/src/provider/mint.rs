//! Issues tokens and verifies them.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::grants::Grant;
use super::keys::{self, Signature};
use super::shared::{Shared, User, apply};
use crate::random;

/// The audience of access tokens whose request names no `resource` (RFC 8707).
const DEFAULT_AUDIENCE: &str = "https://api.example.com";

/// How long an ID token may be taken for.
const ID_TOKEN_LIFETIME: Duration = Duration::from_secs(300);

/// A token that is about to be signed.
#[derive(Clone, Debug)]
pub struct UnsignedToken {
    /// The JOSE header: `alg`, `kid`, `typ`.
    pub header: Value,
    /// The claims.
    pub claims: Value,
    /// How it will be signed.
    pub signature: Signature,
}

/// The tokens of one grant. No `Debug`: they are secrets.
#[derive(Clone)]
pub struct Tokens {
    /// A JWT (RFC 9068).
    pub access_token: String,
    /// An opaque string, unless the grant has no `offline_access`.
    pub refresh_token: Option<String>,
    /// A JWT (OpenID Connect Core §2).
    pub id_token: String,
    /// The life of the access token.
    pub expires_in: Duration,
}

impl Tokens {
    /// The answer of a token endpoint (RFC 6749 §5.1).
    pub fn to_json(&self) -> Value {
        let mut answer = json!({
            "access_token": self.access_token,
            "token_type": "Bearer",
            "expires_in": self.expires_in.as_secs(),
            "id_token": self.id_token,
        });
        if let Some(refresh_token) = &self.refresh_token {
            answer["refresh_token"] = json!(refresh_token);
        }
        answer
    }
}

/// Issues and verifies tokens for the provider's own routes, an API in the same process, and tests.
#[derive(Clone)]
pub struct Mint {
    shared: Arc<Shared>,
}

impl Mint {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The issuer's URL, without a slash at the end.
    pub fn issuer(&self) -> &str {
        &self.shared.issuer
    }

    /// Whether this is a user and their password.
    pub fn knows(&self, username: &str, password: &str) -> bool {
        self.shared.user(username).is_some_and(|user| user.password == password)
    }

    /// Tokens for `user`, as if they had logged in at the first client just now.
    ///
    /// # Panics
    /// If there is no such user.
    pub fn issue_tokens(&self, user: &str) -> Tokens {
        let (grant, now) = (self.grant(user), self.shared.now());
        let mut state = self.shared.state();
        let family = state.grants.open_family(&grant);
        let refresh_token = state.grants.issue_refresh_token(family);
        drop(state);
        mint(&self.shared, &grant, Some(refresh_token), now)
    }

    /// An access token for `user` as if they had logged in just now, but for a change to it: for tests of
    /// a verifier.
    ///
    /// # Panics
    /// If there is no such user.
    pub fn access_token(&self, user: &str, change: impl FnOnce(&mut UnsignedToken)) -> String {
        let grant = self.grant(user);
        let user = self.shared.user(user).expect("a user that exists");
        let mut token = unsigned_access_token(&self.shared, &grant, user, self.shared.now());
        change(&mut token);
        let state = self.shared.state();
        state.signing_key().sign(&token.header, &token.claims, token.signature)
    }

    /// The public key that tokens are signed with now, in PEM.
    pub fn public_key_pem(&self) -> String {
        self.shared.state().signing_key().public_key_pem()
    }

    /// Exchanges a refresh token as the token endpoint would, without faults or counting; `None`
    /// stands for `invalid_grant`.
    pub fn refresh(&self, refresh_token: &str) -> Option<Tokens> {
        let now = self.shared.now();
        let mut state = self.shared.state();
        let client_id = state.first_client_id();
        let reuse = self.shared.settings.reuse;
        let (grant, family) = state.grants.refresh(refresh_token, &client_id, reuse, now).ok()?;
        let refresh_token = state.grants.rotate(refresh_token, family, reuse, now);
        drop(state);
        Some(mint(&self.shared, &grant, Some(refresh_token), now))
    }

    fn grant(&self, user: &str) -> Arc<Grant> {
        Arc::new(Grant {
            client_id: self.shared.state().first_client_id(),
            user: user.to_owned(),
            scope: "openid profile email offline_access".to_owned(),
            audience: audience(None),
            nonce: None,
            sid: random::token(),
            auth_time: self.shared.now(),
        })
    }

    /// The claims of an access token that this provider has issued and that has not expired.
    pub fn verify(&self, access_token: &str) -> Option<Value> {
        let (header, claims) = keys::decode(access_token)?;
        let state = self.shared.state();
        let key = state.keys.iter().find(|key| header["kid"] == key.kid.as_str())?;
        let good = key.verifies(access_token)
            && header["typ"] == "at+jwt"
            && claims["exp"].as_u64()? > self.shared.now().as_secs();
        good.then_some(claims)
    }
}

/// The audience for a requested resource.
pub(super) fn audience(resource: Option<&str>) -> String {
    resource.unwrap_or(DEFAULT_AUDIENCE).to_owned()
}

/// Signs the tokens of a grant and notes them.
pub(super) fn mint(
    shared: &Shared,
    grant: &Grant,
    refresh_token: Option<String>,
    now: Duration,
) -> Tokens {
    let user = shared.user(&grant.user).expect("a grant of a user that exists");
    let access_token = access_token(shared, grant, user, now);
    let id_token = id_token(shared, grant, user, &access_token, now);
    let tokens = Tokens {
        access_token,
        refresh_token,
        id_token,
        expires_in: shared.settings.token_lifetime,
    };
    let mut state = shared.state();
    state.issued.extend([tokens.access_token.clone(), tokens.id_token.clone()]);
    state.issued.extend(tokens.refresh_token.clone());
    tokens
}

fn access_token(shared: &Shared, grant: &Grant, user: &User, now: Duration) -> String {
    let token = unsigned_access_token(shared, grant, user, now);
    shared.state().signing_key().sign(&token.header, &token.claims, token.signature)
}

fn unsigned_access_token(
    shared: &Shared,
    grant: &Grant,
    user: &User,
    now: Duration,
) -> UnsignedToken {
    let header =
        json!({ "typ": "at+jwt", "alg": "ES256", "kid": shared.state().signing_key().kid });
    let claims = json!({
        "iss": shared.issuer,
        "aud": grant.audience,
        "sub": user.username,
        "client_id": grant.client_id,
        "scope": grant.scope,
        "iat": now.as_secs(),
        "exp": (now + shared.settings.token_lifetime).as_secs(),
        "jti": random::token(),
        "name": user.name(),
    });
    UnsignedToken { header, claims, signature: Signature::Valid }
}

fn id_token(
    shared: &Shared,
    grant: &Grant,
    user: &User,
    access_token: &str,
    now: Duration,
) -> String {
    let mut claims = json!({
        "iss": shared.issuer,
        "aud": grant.client_id,
        "sub": user.username,
        "iat": now.as_secs(),
        "exp": (now + ID_TOKEN_LIFETIME).as_secs(),
        "auth_time": grant.auth_time.as_secs(),
        "sid": grant.sid,
        "at_hash": keys::at_hash(access_token),
        "name": user.name(),
        "preferred_username": user.username,
        "email": format!("{}@example.com", user.username),
    });
    if let Some(nonce) = &grant.nonce {
        claims["nonce"] = json!(nonce);
    }
    let header = json!({ "typ": "JWT", "alg": "ES256", "kid": shared.state().signing_key().kid });
    let mut token = UnsignedToken { header, claims, signature: Signature::Valid };
    let change = shared.state().tamper.id_token.clone();
    apply(&change, &mut token);
    shared.state().signing_key().sign(&token.header, &token.claims, token.signature)
}
