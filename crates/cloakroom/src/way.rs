//! The way of a request: gate → route → guard → session → relay → reply.
//!
//! [`cors`] stands beside it: what is said to pages of other origins.
//!
//! Each room takes what the room before proved and gives a proof of its own or a [`Refusal`]. The only
//! function that puts a token on a request, [`relay::carry`], demands all the proofs, so that a
//! forgotten check does not compile.
//!
//! [`Refusal`]: crate::refusal::Refusal

pub(crate) mod bearer;
pub(crate) mod cors;
pub(crate) mod gate;
pub(crate) mod guard;
pub(crate) mod relay;
pub(crate) mod reply;
pub(crate) mod route;
pub(crate) mod session;
