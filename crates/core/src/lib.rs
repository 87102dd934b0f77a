//! The rules of Cloakroom, without I/O and without a clock.
//!
//! Every decision here is a function of bytes and of `now`; randomness is an argument
//! ([`random::Random`]). What must have been checked is a type that only its check can make:
//! [`guard::SameOrigin`], [`csrf::CsrfChecked`], [`path::NormalPath`], [`return_to::ReturnTo`], [`jwt::VerifiedClaims`].
//!
//! Requirement numbers (`R38`) are those of the project's list, see `ARCHITECTURE.md`.

pub mod cookie;
pub mod csrf;
pub mod guard;
pub mod jwt;
pub mod key;
pub mod origin;
pub mod path;
pub mod random;
pub mod return_to;
pub mod seal;
pub mod secret;
pub mod session;
pub mod time;
