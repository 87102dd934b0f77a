//! Logins and their refresh tokens; a token that comes twice ends its login.

use std::collections::HashMap;
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::SECRET;
use crate::{clock, random};

#[derive(Default)]
pub(super) struct Logins {
    /// Refresh token → number of its login, and whether it is spent.
    refresh_tokens: HashMap<String, (usize, bool)>,
    /// The user of each login, while it lives.
    users: Vec<Option<String>>,
}

impl Logins {
    /// A new login with its first refresh token.
    pub(super) fn begin(&mut self, user: &str) -> (usize, String) {
        self.users.push(Some(user.to_owned()));
        let login = self.users.len() - 1;
        (login, self.issue(login))
    }

    /// The login and user of a refresh token, and its successor.
    pub(super) fn refresh(&mut self, token: &str) -> Option<(usize, String, String)> {
        let (login, spent) = self.refresh_tokens.get_mut(token)?;
        let (login, reused) = (*login, std::mem::replace(spent, true));
        if reused {
            self.end(login);
        }
        let user = self.users[login].clone()?;
        Some((login, user, self.issue(login)))
    }

    pub(super) fn end(&mut self, login: usize) -> bool {
        self.users.get_mut(login).and_then(Option::take).is_some()
    }

    pub(super) fn live(&self) -> usize {
        self.users.iter().flatten().count()
    }

    fn issue(&mut self, login: usize) -> String {
        let token = random::token();
        self.refresh_tokens.insert(token.clone(), (login, false));
        token
    }
}

pub(super) fn sign(user: &str, login: usize, lifetime: Duration) -> String {
    let now = clock::now();
    let claims = json!({
        "sub": user,
        "login": login,
        "jti": random::token(),
        "iat": now.as_secs(),
        "exp": (now + lifetime).as_secs(),
    });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({ "alg": "HS256", "typ": "JWT" })), part(&claims));
    let tag = hmac::sign(&key(), signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
}

/// The claims of a good token.
pub(super) fn verify(token: &str) -> Option<Value> {
    let (signed, tag) = token.rsplit_once('.')?;
    hmac::verify(&key(), signed.as_bytes(), &URL_SAFE_NO_PAD.decode(tag).ok()?).ok()?;
    let claims = URL_SAFE_NO_PAD.decode(signed.split_once('.')?.1).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    (claims["exp"].as_u64()? > clock::now().as_secs()).then_some(claims)
}

fn key() -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes())
}
