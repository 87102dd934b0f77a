//! A token API: an application's own JSON login service, without OAuth.
//!
//! The page logs in as it always did, with a request of its own to the service; the answer holds the
//! tokens somewhere in its JSON. [`lift_tokens`] takes them out and leaves every other byte as it is.
//! Refresh and logout are requests to the same service, in the shape that the operator says
//! ([`RequestTemplate`]).
//!
//! ```
//! use cloakroom_oauth::token_api::{LoginAnswer, Pointer, TokenPointers, lift_tokens};
//!
//! let pointers = TokenPointers::new(
//!     Pointer::parse("/token")?,
//!     Some(Pointer::parse("/refreshToken")?),
//!     None,
//! )?;
//! let answer = br#"{ "user": {"name":"Anna"}, "token": "eyJ.a.b", "refreshToken": "r-1", "n": 1.0 }"#;
//! let LoginAnswer::Tokens(lifted) = lift_tokens(answer, &pointers, None)? else { panic!("tokens") };
//! assert_eq!(lifted.access_token.expose(), "eyJ.a.b");
//! assert_eq!(lifted.remainder, br#"{ "user": {"name":"Anna"}, "n": 1.0 }"#);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What it does not do: it verifies no token, for it got them from the service itself; and it finds
//! tokens only where a pointer leads, although it refuses an answer that holds one of them twice.

mod answer;
mod lift;
mod pointer;
mod request;
mod scan;
mod shape;
#[cfg(test)]
mod tests;

pub use answer::judge_refresh_answer;
pub use lift::{LiftError, Lifted, LoginAnswer, lift_tokens};
pub use pointer::{Pointer, PointerError, PointersOverlap, TokenPointers};
pub use request::{BodyTemplate, RequestTemplate, RequestTemplateError, Template, TemplateError};
pub use shape::{jwts, leads_off_with_token};

use serde_json::{Map, Value};

/// The most that is read of an answer of the service, in bytes, compressed and not.
pub const MAX_LOGIN_ANSWER_BYTES: usize = 1024 * 1024;

/// One login service, as the operator describes it.
#[derive(Clone, Debug)]
pub struct TokenApi {
    /// The path of the application's own login request, in normal form.
    pub login_path: String,
    /// Where the answer to a login has its tokens.
    pub tokens: TokenPointers,
    /// Where it has an object about the user, which the page may see.
    pub claims: Option<Pointer>,
    /// What the browser gets in a token's place; without it the tokens' members are removed.
    pub placeholder: Option<String>,
    /// How tokens are refreshed; without it a session lasts as long as its token.
    pub refresh: Option<Refresh>,
    /// How a session ends at the service.
    pub logout: Option<Logout>,
}

/// How tokens are refreshed.
#[derive(Clone, Debug)]
pub struct Refresh {
    /// Our own request; it mentions the refresh token.
    pub request: RequestTemplate,
    /// Where its answer has the tokens.
    pub tokens: TokenPointers,
    /// The path of the application's own refresh request, which is answered in the service's place.
    pub path: Option<String>,
}

/// How a session ends at the service.
#[derive(Clone, Debug)]
pub struct Logout {
    /// Our own request.
    pub request: Option<RequestTemplate>,
    /// The path of the application's own logout request, which ends the session too.
    pub path: Option<String>,
}

impl TokenApi {
    /// Names the service in user keys (R10), as an issuer does: stable over restarts.
    pub fn issuer(&self, name: &str) -> String {
        format!("token_api:{name}:{}", self.login_path)
    }

    /// What the application's own refresh request is answered with: the shape of the service's answer,
    /// with placeholders, where there are any, in place of the tokens.
    pub fn refresh_answer(&self, expires_in: Option<u64>) -> Value {
        let pointers = self.refresh.as_ref().map_or(&self.tokens, |refresh| &refresh.tokens);
        let mut answer = Value::Object(Map::new());
        if let Some(placeholder) = &self.placeholder {
            pointers
                .tokens()
                .for_each(|token| token.write(&mut answer, placeholder.as_str().into()));
        }
        if let (Some(pointer), Some(seconds)) = (&pointers.expires_in, expires_in) {
            pointer.write(&mut answer, seconds.into());
        }
        answer
    }
}
