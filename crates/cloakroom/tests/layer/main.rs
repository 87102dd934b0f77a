//! The layer inside an axum service: no gateway, no proxy, the same rooms.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod claims;
mod cors;
mod csrf;
mod embedded;
mod ending;
mod events;
mod everywhere;
mod held_store;
mod jwt;
mod keys;
mod sealed;
mod service;
mod time;
mod token_api;
