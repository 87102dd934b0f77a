//! Cloakroom as a tower layer: the browser holds a cookie, the tokens stay here.
//!
//! [`Cloakroom`] takes a request through its rooms (gate, route, guard, session, relay), hands it to
//! the service behind with the session's access token as the bearer, and cleans the answer (reply).
//! Its control endpoints log in, out, and tell the page who it is. The gateway is this layer with a
//! reverse proxy as the service behind.
//!
//! What it does not do: it terminates no TLS and rewrites no bodies.

mod body;
mod clock;
mod control;
mod layer;
mod pages;
mod provider;
mod refusal;
mod sessions;
mod settings;
mod way;

pub use body::ReplyBody;
pub use clock::{Clock, SystemClock};
pub use layer::{
    Cloakroom, CloakroomLayer, CloakroomService, CurrentSession, MatchedRoute, RequestId,
    SetupError, StartProblem,
};
pub use refusal::{Reason, Refusal, SESSION_HEADER};
pub use settings::{
    CookieSettings, ProviderSettings, Route, SessionRule, Settings, Unauthenticated,
};

use layer::Shared;
